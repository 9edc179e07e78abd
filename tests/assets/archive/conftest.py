"""Stores of a test's own that can be archived."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.postgres import Postgres
from tests.assets.archive.archive_stores import ArchiveStores
from tests.resources.lake.opened import opened


@pytest.fixture
def archive_stores(postgres: Postgres, tmp_path: Path) -> Iterator[ArchiveStores]:
    """Empty migrated stores."""
    with opened(postgres, tmp_path / "r2") as lake:
        found = ArchiveStores(postgres, lake, tmp_path / "r2")
        yield found
        for d1 in found.d1.values():
            d1.close()
