"""The command line over stores of a test's own."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from clearlift_pipelines.stores import Stores

from clearlift_pipelines.settings import load  # isort: skip
from sandbox import sample_stores
from tests.clearlift_pipelines.cli.terminal import Terminal


@pytest.fixture(autouse=True)
def hangup() -> Iterator[None]:
    """SIGHUP as a terminal's programs find it, also where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def on_supabase(bare_environment: Path, monkeypatch: pytest.MonkeyPatch, supabase_dsn: str) -> Iterator[Terminal]:
    """As `terminal`, with a project at Supabase, worked on as its service_role."""
    monkeypatch.setenv("CLEARLIFT_POSTGRES_ROLE", "service_role")
    yield from _opened(bare_environment, monkeypatch, supabase_dsn)


@pytest.fixture
def terminal(bare_environment: Path, monkeypatch: pytest.MonkeyPatch, postgres_dsn: str) -> Iterator[Terminal]:
    """A folder with a dagster home and empty stores; Postgres is the test's, the others are embedded."""
    yield from _opened(bare_environment, monkeypatch, postgres_dsn)


def _opened(folder: Path, monkeypatch: pytest.MonkeyPatch, dsn: str) -> Iterator[Terminal]:
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster_home"))
    monkeypatch.setenv("CLEARLIFT_POSTGRES_DSN", dsn)
    monkeypatch.setenv("COLUMNS", "200")
    stores = Stores(load())
    yield Terminal(folder, stores, monkeypatch)
    stores.close()


@pytest.fixture
def migrated(bare_environment: Path, monkeypatch: pytest.MonkeyPatch, migrated_dsn: str) -> Iterator[Terminal]:
    """As `terminal`, with the stores migrated and the sample's organisations."""
    for terminal in _opened(bare_environment, monkeypatch, migrated_dsn):
        terminal.stores.migrate()
        sample_stores.fill_d1(terminal.stores.d1(CLEARLIFT))
        yield terminal
