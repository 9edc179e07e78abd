"""Databases with Growth's newest schema: one that the tests of a module share, and one of a test's own."""

from collections.abc import Iterator

import pytest

from resources.postgres import Connection
from tests.databases import database, template_of
from tests.sql.growth.database import FOLDER, connect


@pytest.fixture(scope="session")
def growth_template(postgres_server: str) -> str:
    """The DSN of a migrated database without rows, which is copied and never connected to."""
    return template_of(postgres_server, FOLDER)


@pytest.fixture
def growth_dsn(postgres_server: str, growth_template: str) -> Iterator[str]:
    """The DSN of a migrated database without rows, gone after the test."""
    with database(postgres_server, growth_template) as dsn:
        yield dsn


@pytest.fixture
def growth(growth_dsn: str) -> Iterator[Connection]:
    """A connection to a migrated database of a test's own."""
    with connect(growth_dsn) as connection:
        yield connection


@pytest.fixture(scope="module")
def shared_dsn(postgres_server: str, growth_template: str) -> Iterator[str]:
    """The DSN of a migrated database that the tests of a module share; they leave nothing in it."""
    with database(postgres_server, growth_template) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def shared(shared_dsn: str) -> Iterator[Connection]:
    """A connection to the database that the tests of a module share; each leaves it as it found it."""
    with connect(shared_dsn) as connection:
        yield connection
