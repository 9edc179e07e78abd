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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The DSN of a server that only these tests use."""
    folder = Path(tempfile.mkdtemp(prefix="clearlift-changes-", dir=MEMORY if MEMORY.is_dir() else None)) / "pg"
    yield embedded.start(folder, SETTINGS)
    embedded.stop(folder)
    shutil.rmtree(folder.parent, ignore_errors=True)
