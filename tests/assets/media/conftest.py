"""The bench of a test's own."""

from pathlib import Path

import pytest

from resources.postgres import Postgres
from resources.sql_files import read_sql
from tests.assets.media.bench import Bench


@pytest.fixture
def bench(postgres: Postgres, tmp_path: Path) -> Bench:
    """No media, an empty ledger."""
    postgres.execute(read_sql("clearlift/postgres/009_media.up.sql"))
    return Bench(tmp_path / "r2", postgres)
