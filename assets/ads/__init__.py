"""Ads: from connected ad accounts in D1 to campaigns, ad groups, keywords and daily facts in Postgres.

What belongs here: which connections, days and streams are synced, how they are merged, and what is kept. What does not:
how a platform is asked (resources/ad_platforms), and what was attributed to a campaign (assets/attribution).
"""
