"""A KV namespace beside roll-ups of a test's own, in injected time. A module's tests share stores, emptied for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from resources.kv import EmbeddedKV
from tests.assets.cache.cache_aside_stores import NOW, CacheAsideStores
from tests.assets.cache.warmed_cache import SCHEMAS, WarmedCache
from tests.assets.rollups.event_lake import EventLake
from tests.databases import database, empty
from tests.sql.sesh.database import migrated


@pytest.fixture(scope="module")
def stores(postgres_server: str, migrated_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Migrated stores."""
    with database(postgres_server, migrated_dsn) as dsn:
        found = Stores(settings.load(home=tmp_path_factory.mktemp("home"), postgres_dsn=SecretStr(dsn)))
        found.migrate()
        yield found
        found.close()


@pytest.fixture
def warmed_cache(stores: Stores, tmp_path: Path) -> Iterator[WarmedCache]:
    """An empty cache."""
    event_lake = EventLake(stores)
    empty(stores.postgres, *SCHEMAS)
    kv = EmbeddedKV(tmp_path / "kv.sqlite", clock=lambda: event_lake.now.timestamp())
    yield WarmedCache(event_lake, kv)
    kv.close()


@pytest.fixture
def cache_aside_stores(tmp_path: Path) -> Iterator[CacheAsideStores]:
    """Sesh's database and namespace, empty."""
    found = CacheAsideStores(
        migrated(tmp_path / "sesh.sqlite"), EmbeddedKV(tmp_path / "kv.sqlite", clock=NOW.timestamp)
    )
    yield found
    found.held.close()
    found.d1.close()
