"""Where Dagster keeps its run history: SQLite under DAGSTER_HOME, or Postgres when CLEARLIFT_DAGSTER_POSTGRES_URL is
set. dagster.yaml has no conditional, so that its storage names this class for both.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any, ClassVar

from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS, create_db_conn_string
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import Connection, Engine, NullPool, create_engine, event

from clearlift_pipelines.project import folder
from clearlift_pipelines.settings import SettingsError, written
from resources import private
from resources.postgres import Postgres, PostgresUnreachableError

VARIABLE = "CLEARLIFT_DAGSTER_POSTGRES_URL"
TABLES = frozenset(
    {
        *("runs", "run_tags", "event_logs", "asset_event_tags", "asset_check_executions", "asset_keys", "snapshots"),
        *("jobs", "instigators", "job_ticks", "bulk_actions", "kvs"),
    }
)
"""Dagster's tables that grow; they may lie in one schema with others."""


class RunHistory(DagsterSqliteStorage):
    """Chosen when Dagster opens its instance; what it gives is one of Dagster's own storages."""

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> DagsterStorage:
        del config_value
        # Dagster's own processes come past here first, and nowhere else in our code.
        private.from_now_on()
        url = refuse_unreachable()
        if url is not None:
            return DagsterPostgresStorage(postgres_url=with_driver(url), inst_data=inst_data)
        return _Sqlite.from_local(os.environ["DAGSTER_HOME"], inst_data=inst_data)


class _Sqlite(DagsterSqliteStorage):
    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._run_storage = SqliteRuns(self._run_storage._conn_string)
        self._event_log_storage = SqliteEventLog(self._event_log_storage._base_dir)


class SqliteRuns(SqliteRunStorage):
    """Dagster's own, which also keeps the connections of its database: see `SqliteEventLog`."""

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with _engine(self._conn_string).begin() as connection:
            yield connection


class SqliteEventLog(SqliteEventLogStorage):
    """Dagster's own, which also keeps the connections of a database, and copies the empty one of a new run.

    With new connections for each statement, SQLAlchemy compiled each statement again, and SQLite wrote its log back to
    the file: half of the time of `clearlift run`. To make an empty database, Dagster reads its migrations for 0.3 s.
    """

    _empty: ClassVar[bytes] = b""

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = _engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initialize(Path(self.path_for_shard(shard)), engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _initialize(self, path: Path, engine: Engine) -> None:
        if not path.exists():
            # Under its own name it is whole at once. Another process may be first.
            with NamedTemporaryFile(dir=path.parent) as copy, suppress(OSError):
                copy.write(self._empty_database())
                copy.flush()
                os.link(copy.name, path)
                return
        self._initdb(engine)

    def _empty_database(self) -> bytes:
        if not self._empty:
            with TemporaryDirectory() as folder:
                engine = create_engine(create_db_conn_string(folder, "empty"), poolclass=NullPool)
                self._initdb(engine)
                SqliteEventLog._empty = (Path(folder) / "empty.db").read_bytes()
        return self._empty


@lru_cache(maxsize=16)
def _engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
    # With a write-ahead log this loses nothing when a process is killed. When the power fails, the last moments may be
    # missing, and the file is whole.
    event.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
    return engine


def refuse_unreachable(url: str | None = None) -> str | None:
    """The URL, by default the one that is set, once its Postgres has answered; None where none is set.

    Raises:
        SettingsError: it cannot be read, or nobody answers there; Dagster would try for minutes and name neither.
    """
    url = url or os.environ.get(VARIABLE) or written(folder() / ".env").get(VARIABLE)
    if not url:
        return None
    try:
        with Postgres(_plain(url), setting=VARIABLE, application_name="clearlift-history") as postgres:
            postgres.fetch("select 1 as here")
    except PostgresUnreachableError as error:
        raise SettingsError(f"{VARIABLE}: {error.reason}", error.next_step) from None
    except ValueError as error:
        raise SettingsError(f"{VARIABLE}: {error}") from None
    return url


def history_bytes(url: str | None) -> int:
    """The bytes of the run history: of its tables in Postgres, or of the files below DAGSTER_HOME."""
    if url is None:
        if "DAGSTER_HOME" not in os.environ:
            return 0  # a history that is in memory
        home = Path(os.environ["DAGSTER_HOME"])
        return sum(file.stat().st_size for name in ("history", "schedules") for file in (home / name).rglob("*.db*"))
    with Postgres(_plain(url), setting=VARIABLE, application_name="clearlift-history") as postgres:
        (row,) = postgres.fetch(
            "select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint as bytes from pg_class c"
            " where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and c.relname = any(%s)",
            (list(TABLES),),
        )
        return int(row["bytes"])


def _plain(url: str) -> str:
    """The URL without a driver's name."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"


def with_driver(url: str) -> str:
    """The URL with psycopg2 named: SQLAlchemy takes a bare postgresql:// for psycopg 3, dagster-postgres needs 2."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg2{separator}{rest}" if scheme in ("postgres", "postgresql") else url
