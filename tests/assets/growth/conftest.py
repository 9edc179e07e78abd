"""A migrated database of the app, empty, for each test."""

from collections.abc import Iterator

import pytest

from assets.apps.growth import APP
from resources.postgres import Postgres
from tests.assets.growth.app_database import SCHEMAS
from tests.databases import database, empty, template_of


@pytest.fixture(scope="session")
def empty_app_dsn(postgres_server: str) -> Iterator[str]:
    """A database with every migration of the app and no row."""
    assert APP.postgres_migrations is not None
    with database(postgres_server, template_of(postgres_server, APP.postgres_migrations)) as dsn:
        with Postgres(dsn) as postgres:
            empty(postgres, *SCHEMAS)
            postgres.execute("truncate pipelines.pending_events, pipelines.stale_windows")
        yield dsn


@pytest.fixture
def app_dsn(postgres_server: str, empty_app_dsn: str) -> Iterator[str]:
    """The DSN of a copy, gone after the test."""
    with database(postgres_server, empty_app_dsn) as dsn:
        yield dsn


@pytest.fixture
def own(app_dsn: str) -> Iterator[Postgres]:
    """A client of the app's own database."""
    with Postgres(app_dsn) as postgres:
        yield postgres
