"""Metrics of sessions and points by hour, day, week and month in D1, and keeping them when their detail goes."""
