"""A KV namespace beside roll-ups of a test's own, in injected time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from resources.kv import EmbeddedKV
from tests.assets.cache.warmth import Warmth
from tests.assets.rollups.lakeside import Lakeside


@pytest.fixture
def warmth(tmp_path: Path, postgres_dsn: str) -> Iterator[Warmth]:
    """An empty cache."""
    stores = Stores(settings.load(home=tmp_path / "home", postgres_dsn=SecretStr(postgres_dsn)))
    stores.migrate()
    lakeside = Lakeside(stores)
    kv = EmbeddedKV(tmp_path / "kv.sqlite", clock=lambda: lakeside.now.timestamp())
    yield Warmth(lakeside, kv)
    kv.close()
    stores.close()
