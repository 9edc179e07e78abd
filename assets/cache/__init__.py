"""The cache: values in KV that dashboards and pages read, made from Postgres and D1 and written when they changed.

What belongs here: what is wanted, the index of what KV holds, warming, looking whether KV holds it, and deleting keys
of changed rows. What does not: which keys an app has, and their SQL (assets/apps).
"""
