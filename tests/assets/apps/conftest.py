"""Migrated stores of a test's own."""

from tests.assets.archive.conftest import archive_stores

__all__ = ["archive_stores"]
