"""A Postgres server of these tests' own: a change log is read up to the oldest transaction that runs in its server, in
any database, and other tests hold transactions open.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.postgres import embedded
from tests.conftest import MEMORY, SETTINGS
from tests.databases import database


@pytest.fixture(scope="session")
def own_server() -> Iterator[str]:
    """The DSN of a server that only these tests use."""
    folder = Path(tempfile.mkdtemp(prefix="clearlift-changes-", dir=MEMORY if MEMORY.is_dir() else None)) / "pg"
    yield embedded.start(folder, SETTINGS)
    embedded.stop(folder)
    shutil.rmtree(folder.parent, ignore_errors=True)


@pytest.fixture
def postgres_dsn(own_server: str) -> Iterator[str]:
    """The DSN of an empty database of that server, gone after the test."""
    with database(own_server) as dsn:
        yield dsn
