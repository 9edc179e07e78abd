"""The code location of a test's own."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from assets.apps.pipelines import MIGRATIONS
from sandbox.world.catalogue import Size
from tests.clearlift_pipelines.location import Location, located
from tests.conftest import SETTINGS
from tests.databases import database, template_of
from tests.supabase import project, supabase

NUMBERS = itertools.count(1)
ROOT = Path(__file__).resolve().parents[2]
SMALL = Size({"google": 2, "facebook": 2, "tiktok": 1, "microsoft": 1}, (6, 7), (1, 2), (1, 2), 40)


@pytest.fixture
def migrated_dsn(postgres_server: str) -> Iterator[str]:
    """The DSN of a database that is migrated now, gone after the test."""
    with database(postgres_server, template_of(postgres_server, MIGRATIONS)) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            # What is due since then is a finding, and its template is as old as the session.
            connection.execute("update pipelines.migrations set applied_at = now()")
        yield dsn


@pytest.fixture
def location(tmp_path: Path, migrated_dsn: str) -> Iterator[Location]:
    """Definitions over migrated, empty stores."""
    with located(tmp_path / "home", migrated_dsn) as opened:
        yield opened


@pytest.fixture(scope="session")
def supabase_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with Supabase's rules, for tests that make a project's database on it."""
    with supabase(tmp_path_factory.mktemp("supabase") / "pg", SETTINGS) as dsn:
        yield dsn


@pytest.fixture
def supabase_dsn(supabase_server: str) -> Iterator[str]:
    """The DSN of the login of an empty Supabase project, gone after the test."""
    with project(supabase_server, f"project_{next(NUMBERS)}") as dsn:
        yield dsn


@pytest.fixture(autouse=True)
def _small_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every platform of the sample, with few entities and no wait for a report. Tests of ads have larger ones."""
    monkeypatch.setattr("sandbox.sample_stores.SIZE", SMALL)
    monkeypatch.setattr("resources.ad_platforms.polling.FIRST_WAIT", 0.001)


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No CLEARLIFT_ variable, no .env file, and a project's folder to work in, with nothing but Dagster's settings."""
    for name in list(os.environ):
        if name.startswith("CLEARLIFT_") or name == "DAGSTER_HOME":
            monkeypatch.delenv(name)
    folder = tmp_path / "work"
    home = folder / "dagster_home"
    home.mkdir(parents=True)
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home)
    monkeypatch.chdir(folder)
    return folder
