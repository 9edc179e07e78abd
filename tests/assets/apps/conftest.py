"""Migrated stores of a test's own."""

from tests.assets.archive.conftest import vault

__all__ = ["vault"]
