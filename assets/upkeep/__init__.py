"""Upkeep of the lake: snapshots expire, files that nothing names are removed, and manifests stay few."""
