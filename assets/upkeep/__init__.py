"""Upkeep of the lake: snapshots expire, files that nobody reads go, manifests stay few."""
