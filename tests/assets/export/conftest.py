"""Migrated stores of all apps, with people in them."""

from tests.assets.erasure.conftest import archive_stores, inhabited, migrated_files, sesh

__all__ = ["archive_stores", "inhabited", "migrated_files", "sesh"]
