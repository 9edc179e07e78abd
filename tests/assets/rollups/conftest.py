"""A lake and roll-ups of a test's own, on the run's embedded Postgres."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from tests.assets.rollups.event_lake import EventLake


@pytest.fixture
def event_lake(tmp_path: Path, postgres_dsn: str) -> Iterator[EventLake]:
    """Migrated stores with an empty events table."""
    stores = Stores(settings.load(home=tmp_path / "home", postgres_dsn=SecretStr(postgres_dsn)))
    stores.migrate()
    yield EventLake(stores)
    stores.close()
