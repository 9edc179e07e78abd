"""Attribution: which campaign brought which conversion, and what it cost, by organisation, campaign and day."""
