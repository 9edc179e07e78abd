"""Backups of every store: sets that are proved by restoring them."""
