"""Attribution: which campaign brought which conversion, and its cost, by organisation, campaign and day.

What belongs here: touches and conversions, the campaign of a touch, credits. What does not: spend and campaigns
themselves (assets/ads), and how the lake is read (assets/rollups).
"""
