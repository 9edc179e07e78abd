"""Metrics of time series by hour, day, week and month in D1, and keeping them when their details are deleted.

What belongs here: which windows exist, making them again when something changed, and their proof.
What does not: what an app measures (SQL that assets/apps names).
"""
