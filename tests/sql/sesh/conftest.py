"""Sesh's D1, empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources import migrations
from resources.d1 import D1
from tests.sql.sesh.database import migrated


@pytest.fixture
def sesh(tmp_path: Path) -> Iterator[D1]:
    """Sesh's empty D1."""
    d1 = migrated(tmp_path / "sesh.sqlite")
    yield d1
    d1.close()


@pytest.fixture
def each_sesh(each_d1: D1) -> D1:
    """Sesh's empty D1 in each room."""
    migrations.up(migrations.D1AppliedMigrations(each_d1, "sesh-d1"), "sesh/d1")
    return each_d1
