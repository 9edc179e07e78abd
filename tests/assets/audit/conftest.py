"""A trail of a test's own, on the run's embedded Postgres."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.rooms import TestRooms

NOW = datetime(2026, 7, 1, 2, 3, 4, 567, tzinfo=UTC)


@pytest.fixture
def rooms(postgres: Postgres, tmp_path: Path) -> TestRooms:
    """An empty trail, and an object store for its heads."""
    return TestRooms(NOW, postgres, FolderObjectStore(tmp_path / "r2"))
