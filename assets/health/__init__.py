"""What is wrong, of all rooms and stores: looked at every five minutes, remembered, and told to people.

What belongs here: looks at what all rooms share (stores, Dagster's history), the ledger of findings, and alerts. What
does not: what one room knows of itself (its own health.py).
"""
