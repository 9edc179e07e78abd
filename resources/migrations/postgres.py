"""The applied migrations of a Postgres database. Script and row are one transaction, of one process at a time.

What belongs here: running one migration. What does not: which migration is next (plan.py).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from resources.migrations.plan import AppliedMigration, Migration
from resources.postgres.client import Connection, Postgres

# In a schema of its own, because Supabase's Data API opens the schema `public`. Each database has its own table.
CREATE = """
create schema if not exists pipelines;
create table if not exists pipelines.migrations (
    folder text not null,
    number integer not null,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    primary key (folder, number)
)"""
ROWS = """select number, name, checksum, to_char(applied_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') applied_at
from pipelines.migrations where folder = any(%s) order by number"""


class PostgresAppliedMigrations:
    """The table `pipelines.migrations` of a database. Use the direct port for migrations, not the pooled one.

    former_names: by folder, the name that it had when some of its migrations were applied.
    """

    def __init__(self, postgres: Postgres, former_names: Mapping[str, str] = MappingProxyType({})) -> None:
        self._postgres = postgres
        self._former_names = former_names

    @property
    def store(self) -> str:
        """Host, port and database."""
        return f"Postgres {self._postgres.address}"

    def rows(self, folder: str) -> Sequence[AppliedMigration]:
        """See `AppliedMigrations.rows`."""
        with self._postgres.connection() as connection:
            table = connection.execute("select to_regclass('pipelines.migrations') as name").fetchone()
            if table is None or table["name"] is None:
                return []
            return [AppliedMigration(**row) for row in connection.execute(ROWS, (self._names(folder),)).fetchall()]

    def apply(self, migration: Migration) -> bool:
        """See `AppliedMigrations.apply`; under a lock of the folder in this database."""
        with self._postgres.lock(f"migrations:{migration.folder}") as connection:
            connection.execute(CREATE)
            if self._is_applied(connection, migration):
                return False
            connection.execute(migration.up)
            connection.execute(
                "insert into pipelines.migrations (folder, number, name, checksum) values (%s, %s, %s, %s)",
                (migration.folder, migration.number, migration.name, migration.checksum),
            )
            return True

    def revert(self, migration: Migration) -> bool:
        """See `AppliedMigrations.revert`; under a lock of the folder in this database."""
        with self._postgres.lock(f"migrations:{migration.folder}") as connection:
            if not self._is_applied(connection, migration):
                return False
            connection.execute(migration.down)
            connection.execute(
                "delete from pipelines.migrations where folder = any(%s) and number = %s",
                (self._names(migration.folder), migration.number),
            )
            return True

    def _names(self, folder: str) -> list[str]:
        return [folder, self._former_names.get(folder, folder)]

    def _is_applied(self, connection: Connection, migration: Migration) -> bool:
        rows = connection.execute(
            "select 1 from pipelines.migrations where folder = any(%s) and number = %s",
            (self._names(migration.folder), migration.number),
        )
        return rows.fetchone() is not None
