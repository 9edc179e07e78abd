"""Benches of the four platforms: one for each test, and a tiny one that a module shares and empties between tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.postgres import Postgres
from tests.assets.ads.bench import TINY, Bench, close, make
from tests.databases import database


@pytest.fixture
def ads_bench(postgres: Postgres, tmp_path: Path) -> Iterator[Bench]:
    """A sandbox and empty stores; nothing is connected yet."""
    bench = make(postgres, tmp_path)
    yield bench
    close(bench)


@pytest.fixture(scope="module")
def shared_bench(postgres_server: str, migrated_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One small account a platform, in pages of a few rows."""
    with database(postgres_server, migrated_dsn) as dsn, Postgres(dsn) as postgres:
        bench = make(postgres, tmp_path_factory.mktemp("ads"), size=TINY, google_page_rows=7)
        yield bench
        close(bench)


@pytest.fixture
def tiny(shared_bench: Bench) -> Bench:
    """The shared bench, with nothing synced and no fault ordered."""
    shared_bench.empty()
    return shared_bench
