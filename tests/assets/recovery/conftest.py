"""Stores whose events are archived, for the tests of what is made again from the archive."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.lake import Lake
from resources.postgres import Postgres
from tests.assets.archive.archive_stores import ArchiveStores


@pytest.fixture
def archive_stores(postgres: Postgres, lake: Lake, tmp_path: Path) -> Iterator[ArchiveStores]:
    """Empty stores of a test's own."""
    stores = ArchiveStores(postgres, lake, tmp_path / "r2")
    yield stores
    for d1 in stores.d1.values():
        d1.close()
