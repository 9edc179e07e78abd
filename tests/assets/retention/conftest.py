"""The stores of one test, on the run's embedded Postgres."""

import pytest

from tests.assets.archive.archive_stores import ArchiveStores
from tests.assets.archive.conftest import archive_stores
from tests.assets.retention.rolled_up_stores import RolledUpStores

__all__ = ["archive_stores", "rolled_up_stores"]


@pytest.fixture
def rolled_up_stores(archive_stores: ArchiveStores) -> RolledUpStores:
    """Empty stores, half a year after the quarter that they are about."""
    return RolledUpStores(archive_stores)
