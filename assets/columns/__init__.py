"""Columns whose values were fields of JSON before: filling them in rows that are older than the column.

What belongs here: the job that fills them. What does not: which columns an app has of this kind (assets/apps).
"""
