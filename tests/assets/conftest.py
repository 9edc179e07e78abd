"""What the tests of the assets share: the path from landing zone to lake, over stores of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.lake import LakeTable
from resources.postgres import Postgres
from tests.assets.event_pipeline import Pipeline
from tests.databases import database, template_of
from tests.resources.lake.opened import opened


@pytest.fixture(scope="session")
def migrated_dsn(postgres_server: str) -> str:
    """A database with every migration and nothing else, to be copied."""
    return template_of(postgres_server, "pipelines/postgres")


@pytest.fixture
def postgres_dsn(postgres_server: str, migrated_dsn: str) -> Iterator[str]:
    """The DSN of a migrated database, gone after the test."""
    with database(postgres_server, migrated_dsn) as dsn:
        yield dsn


@pytest.fixture
def pipeline(postgres: Postgres, tmp_path: Path) -> Iterator[Pipeline]:
    """An empty pipeline; `reset()` empties it again, e.g. for each example of a property."""
    with opened(postgres, tmp_path / "r2") as lake:
        yield Pipeline(postgres, lake, tmp_path / "r2")


@pytest.fixture
def events_table(pipeline: Pipeline) -> LakeTable:
    """The empty lake table of events."""
    return pipeline.table
