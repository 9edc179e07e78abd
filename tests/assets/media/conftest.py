"""The bench of a test's own."""

from pathlib import Path

import pytest

from resources.postgres import Postgres
from tests.assets.media.bench import Bench


@pytest.fixture
def bench(postgres: Postgres, tmp_path: Path) -> Bench:
    """No media, an empty ledger."""
    return Bench(tmp_path / "r2", postgres)
