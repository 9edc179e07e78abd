"""Upkeep of an app's own Postgres: findings about indexes, tables, statements and connections, with the SQL to run.

What belongs here: looking. What does not: running what is found, which a person decides about, and the lake (upkeep).
"""
