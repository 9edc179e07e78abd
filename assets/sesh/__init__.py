"""Sesh's own: time series in partitions of D1, the points of sessions, and the metrics made of both."""
