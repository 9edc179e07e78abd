"""What every test may ask for: a Postgres database of its own, on one embedded server that the whole run shares.

The process that starts the run (not its xdist workers) names the server's folder, and stops it at the end. The folders
of tests lie beside the server's, in memory where there is enough of it.
"""

import gc
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from resources.lake import Lake
from resources.postgres import Postgres, embedded
from tests.app_databases import AppDatabases
from tests.databases import database
from tests.examples import SOAK
from tests.resources.lake.opened import opened
from tests.workerd.local_runtime import RUN

FOLDER = pytest.StashKey[Path]()
# Speed over safety: no test asks what this server keeps through a power cut, or takes an incremental backup of it.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "256MB",
    "summarize_wal": "off",
}
# A database is 300 files, and ext4 steps over every inode that was freed in the last minutes to make each: after a
# few hundred tests a database takes 200 ms on disk, and 30 ms in memory. And to commit in SQLite, as D1, KV and
# Dagster's history do, takes 10 ms on disk, and 40 microseconds in memory.
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 6 * 2**30


# A busy machine makes an example, or the drawing of one, slow: that says nothing about what is tested. And examples
# share their test's engines, because making engines again would take longer than all else.
SHARED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("engines", deadline=None, suppress_health_check=SHARED)
settings.register_profile(SOAK, settings.get_profile("engines"))
settings.load_profile("engines")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # Workers and the processes of tests inherit both. Without compiled modules each of them compiles the project again.
    os.environ.setdefault(RUN, uuid.uuid4().hex)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if given := getattr(config, "workerinput", {}).get("postgres_folder"):
        config.stash[FOLDER] = Path(given)
        return
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES
    made = Path(tempfile.mkdtemp(prefix="clearlift-tests-", dir=MEMORY if in_memory else None))
    config.stash[FOLDER] = made / "pg"
    if config.option.basetemp is None:
        config.option.basetemp = str(made / "tmp")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Modules of tests make nothing that could be freed; to look for it takes a fifth of the time of all imports."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("early") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    worker_input: dict[str, str] = node.workerinput  # type: ignore[attr-defined]
    worker_input["postgres_folder"] = str(node.config.stash[FOLDER])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and FOLDER in config.stash:
        embedded.stop(config.stash[FOLDER])
        shutil.rmtree(config.stash[FOLDER].parent, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _one_connection() -> Iterator[None]:
    """Every engine works with a pool of one connection: what holds one while it needs another fails in each test."""
    defaults = Postgres.__init__.__kwdefaults__
    assert defaults is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(defaults, "max_connections", 1)
        yield


@pytest.fixture(scope="session", autouse=True)
def app_databases(pytestconfig: pytest.Config) -> Iterator[AppDatabases]:
    """Where the stores of tests find an app's own database that no setting names."""
    databases = AppDatabases(lambda: embedded.start(pytestconfig.stash[FOLDER], SETTINGS))
    with pytest.MonkeyPatch.context() as patch, databases.instead_of_embedded_ones(patch):
        yield databases


@pytest.fixture(autouse=True)
def _app_databases_of_a_test(app_databases: AppDatabases) -> Iterator[None]:
    with app_databases.during_a_test():
        yield


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> str:
    """The DSN of the run's embedded server, for tests that make their own databases."""
    return embedded.start(pytestconfig.stash[FOLDER], SETTINGS)


@pytest.fixture
def postgres_dsn(postgres_server: str) -> Iterator[str]:
    """The DSN of an empty database, gone after the test."""
    with database(postgres_server) as dsn:
        yield dsn


@pytest.fixture
def postgres(postgres_dsn: str) -> Iterator[Postgres]:
    """A client of an empty database, gone after the test."""
    with Postgres(postgres_dsn) as client:
        yield client


@pytest.fixture
def lake(postgres: Postgres, tmp_path: Path) -> Iterator[Lake]:
    """A lake without tables: its files below the test's folder, its catalog in the test's database."""
    with opened(postgres, tmp_path / "r2") as found:
        yield found
