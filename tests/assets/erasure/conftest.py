"""Stores of a test's own to erase from."""

from tests.assets.archive.conftest import archive_stores

__all__ = ["archive_stores"]
