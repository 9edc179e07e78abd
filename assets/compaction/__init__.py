"""Compaction: small files of a partition become few large ones, with the same rows."""
