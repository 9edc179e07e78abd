"""Consignment's D1, empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.d1 import D1
from tests.sql.consignment.database import make, migrated


@pytest.fixture
def consignment(tmp_path: Path) -> Iterator[D1]:
    """Consignment's empty D1."""
    d1 = migrated(tmp_path / "consignment.sqlite")
    yield d1
    d1.close()


@pytest.fixture
def each_consignment(each_d1: D1) -> D1:
    """Consignment's empty D1 in each room."""
    make(each_d1)
    return each_d1
