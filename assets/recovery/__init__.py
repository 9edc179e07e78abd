"""Partitions of the lake that have damaged files: finding them, and making them again from landing or archive."""
