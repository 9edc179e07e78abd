"""Ads: from platform connections in D1 to campaigns, ad groups, keywords and daily facts in Postgres.

What belongs here: which connections, days and streams are synced, how they are merged, what is kept of it. What does
not: how a platform is asked (resources/ad_platforms).
"""
