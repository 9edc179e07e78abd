"""The stores of one test."""

from pathlib import Path

import pytest

from resources.postgres import Postgres
from tests.assets.media.media_stores import MediaStores


@pytest.fixture
def media_stores(postgres: Postgres, tmp_path: Path) -> MediaStores:
    """No media, an empty ledger."""
    return MediaStores(tmp_path / "r2", postgres)
