"""Change logs: which rows of an app's tables changed, written by triggers in the transaction of the change.

What belongs here: making the log and its triggers in D1 and Postgres, readers with their positions, and removing what
every reader has read. What does not: what is done about a changed row, and which tables are logged (assets/apps).
"""
