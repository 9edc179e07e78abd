"""Change logs: which rows of an app's tables changed, written by triggers in the transaction of the change.

What belongs here: making the log and its triggers in D1 and Postgres, and readers with their positions. What does not:
what is done about a changed row, which tables are logged (assets/apps), and how long a row stays (retention).
"""
