"""An app's own Postgres with experiments in it, beside ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources import migrations
from resources.postgres import Postgres
from tests.assets.experiments.lab import Lab
from tests.databases import database


@pytest.fixture(scope="session")
def app_template(postgres_server: str) -> Iterator[str]:
    """A database with the app's schema and no row."""
    with database(postgres_server) as dsn:
        with Postgres(dsn) as postgres:
            migrations.up(migrations.PostgresAppliedMigrations(postgres), "growth/postgres")
        yield dsn


@pytest.fixture
def lab(postgres: Postgres, postgres_server: str, app_template: str, tmp_path: Path) -> Iterator[Lab]:
    """An app without an experiment so far."""
    with database(postgres_server, app_template) as dsn, Postgres(dsn) as source:
        yield Lab(source, postgres, tmp_path)
