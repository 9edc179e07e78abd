"""Benches of the four platforms: one for each test, and a tiny one that a module shares and empties between tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.postgres import Postgres
from sandbox.limits import Limits
from tests.assets.ads.ad_stores import TINY, AdStores, close, make
from tests.databases import database


@pytest.fixture
def ads_bench(postgres: Postgres, tmp_path: Path) -> Iterator[AdStores]:
    """A sandbox and empty stores; nothing is connected yet."""
    ad_stores = make(postgres, tmp_path)
    yield ad_stores
    close(ad_stores)


@pytest.fixture(scope="module")
def shared_bench(
    postgres_server: str, migrated_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AdStores]:
    """One small account a platform, in pages of a few rows."""
    with database(postgres_server, migrated_dsn) as dsn, Postgres(dsn) as postgres:
        ad_stores = make(postgres, tmp_path_factory.mktemp("ads"), size=TINY, limits=Limits(google_page_rows=7))
        yield ad_stores
        close(ad_stores)


@pytest.fixture
def tiny(shared_bench: AdStores) -> AdStores:
    """The shared stores, with nothing synced and no fault ordered."""
    shared_bench.empty()
    return shared_bench
