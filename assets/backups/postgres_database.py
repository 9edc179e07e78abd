"""What a set of a Postgres database says beside its rows, and how an empty database becomes one that takes them.

What belongs here: the description's form, the schema by migrations. What does not: rows (postgres_logical.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from assets.apps.personal import Holding, Subject
from assets.backups.manifest import Table
from assets.backups.method import NotRestorableError
from resources import migrations
from resources.postgres import Postgres
from resources.postgres.snapshot import Partition, SequenceValue, Snapshot

# Says of a database that nothing in it is anybody's yet, although migrations have written rows.
BEGUN = "comment on schema pipelines is 'a restore of clearlift has begun here'"
IS_BEGUN = "select obj_description(to_regnamespace('pipelines'), 'pg_namespace') like '%has begun here' as begun"
DONE = "comment on schema pipelines is null"


class Description(msgspec.Struct, frozen=True):
    """What a set says of its database beside the rows. columns: by table. missing: what the login could not read, and
    why. of_others: tables in schemas of others; the first sets do not name them. migrated: the number of the newest
    migration.
    """

    migrated: int
    columns: dict[str, tuple[str, ...]]
    sequences: tuple[SequenceValue, ...]
    partitions: tuple[Partition, ...]
    objects: tuple[str, ...]
    missing: dict[str, str]
    of_others: frozenset[str] = frozenset()


def described(now: Snapshot, migrated: int) -> Description:
    """The description of a database at a moment."""
    return Description(
        migrated=migrated,
        columns={table.name: table.columns for table in now.tables},
        sequences=now.sequences,
        partitions=now.partitions,
        objects=now.objects,
        missing=dict(now.missing),
        of_others=now.of_others,
    )


@dataclass(frozen=True)
class DatabaseSchema:
    """How an empty database becomes one of a store.

    folder: of its migrations, under sql/. rest: makes what no migration makes. subjects: whose the rows of a table are.
    traces: the registry's entries of tables in which people leave traces that are no ids in clear. owners: names of
    columns that hold the id of an organisation, in any table. kept: tables that stay as they are where the store is
    live. remembered: tables whose rows only ever come, there too.
    """

    folder: str
    applied: Callable[[Postgres], migrations.AppliedMigrations] = migrations.PostgresAppliedMigrations
    rest: Callable[[Postgres], object] = lambda _: None
    subjects: Mapping[str, Sequence[Subject]] = field(default_factory=dict)
    traces: Mapping[str, Holding] = field(default_factory=dict)
    owners: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()
    remembered: frozenset[str] = frozenset()

    def number(self, postgres: Postgres) -> int:
        """The number of the newest migration that a database has; 0 for none."""
        return max((row.number for row in self.applied(postgres).rows(self.folder)), default=0)

    def set_back(self, tables: Sequence[Table]) -> tuple[Table, ...]:
        """Those of some tables that a restore over the live store writes to."""
        return tuple(table for table in tables if table.name not in self.kept)

    def set_up(self, postgres: Postgres, number: int, release: str) -> None:
        """Bring a database without migrations to one of them; a killed call is gone on with.

        Raises:
            NotRestorableError: this release does not have it.
        """
        if self.number(postgres) and not is_begun(postgres):
            return
        newest = len(migrations.load(self.folder))
        if number > newest:
            raise NotRestorableError(
                f"the set was made at migration {number:03} of sql/{self.folder}, and this release ends at {newest:03}",
                f"restore with release {release}, which made it, or a later one",
            )
        postgres.execute(f"create schema if not exists pipelines; {BEGUN}")
        migrations.up(self.applied(postgres), self.folder, to=number)
        self.rest(postgres)


def is_begun(postgres: Postgres) -> bool:
    """Whether a restore into an empty database was killed there."""
    (row,) = postgres.fetch(IS_BEGUN)
    return bool(row["begun"])
