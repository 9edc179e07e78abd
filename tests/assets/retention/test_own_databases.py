"""A further app archives and prunes tables of its own Postgres database and of its own D1, by its data alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from assets.apps import App
from assets.apps.lifecycle import Archive, Lifecycle
from assets.apps.personal import Holding
from assets.archive.quarters import Quarter
from assets.archive.registry import ArchiveRegistry
from assets.archive.restore import Restore, Restored
from assets.archive.tables import archived
from assets.archive.verify import verify
from assets.archive.write import Archiver
from assets.retention import postgres_rule, postgres_sealed
from assets.retention.deletion import DeletionOutcome
from assets.retention.proof import LATE
from assets.retention.stores import entries, prune
from resources import migrations
from resources.d1 import EmbeddedD1
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.archive.operations import killed
from tests.assets.retention.test_kills import steps
from tests.databases import database
from tests.rooms import TestRooms

QUARTER = Quarter(2026, 1)
BY_AUTHOR = Archive(90, "author", 4)
GOING: dict[str, Any] = {"delete_after_days": 90, "requires": ("sealed",), "largest_share": 1.0}
NOTES = App(
    name="notes",
    title="Notes",
    owner="team:notes",
    tables={},
    d1_migrations="notes/d1",
    postgres_migrations="notes/postgres",
    personal=(
        Holding("app_postgres", "public.notes", (("user", "author"),), personal="price", erasure="delete"),
        Holding("d1", "entries", (("user", "author"),), personal="value", erasure="delete"),
    ),
    own_lifecycles=(
        Lifecycle("app_postgres", "public.notes", "written_at", ("id",), archive=BY_AUTHOR, **GOING),
        Lifecycle("app_postgres", "public.drafts", "written_at", not_archived="drafts", delete_after_days=30),
        Lifecycle("d1", "entries", "at", ("author", "n"), archive=BY_AUTHOR, **GOING),
    ),
)
TABLES = """
create table notes (id bigint primary key, author text not null, written_at timestamptz not null, price numeric);
create table drafts (id bigint primary key, written_at timestamptz not null)
"""


@dataclass
class Stores:
    """The stores of the app, and what its jobs do with them."""

    rooms: TestRooms
    own: Postgres
    d1: EmbeddedD1

    def archive(self, table: str) -> int:
        return Archiver.of(self.rooms, NOTES, archived(NOTES, table)).run(QUARTER).rows

    def restore(self, table: str) -> Restored:
        return Restore.of(self.rooms, NOTES, archived(NOTES, table), "live").run(QUARTER)

    def prune(self, table: str, *, dry_run: bool = False) -> DeletionOutcome:
        (entry,) = (entry for entry in entries(NOTES) if entry.name == table)
        return prune(self.rooms, NOTES, entry, run_id="a run", dry_run=dry_run)

    def notes(self) -> list[dict[str, Any]]:
        return self.own.fetch("select * from notes order by id")

    def deleted(self) -> int:
        (row,) = self.rooms.postgres.fetch(
            "select coalesce(sum(rows), 0)::bigint as n, count(*) - count(rows) as unsettled from retention.deletions"
        )
        assert row["unsettled"] == 0
        return int(row["n"])


@pytest.fixture
def stores(postgres: Postgres, postgres_server: str, tmp_path: Path) -> Iterator[Stores]:
    migrations.up(migrations.PostgresAppliedMigrations(postgres), "pipelines/postgres")
    d1 = EmbeddedD1(tmp_path / "notes.sqlite")
    d1.execute("create table entries (author text, n integer, at text, value, primary key (author, n))")
    with database(postgres_server) as dsn, Postgres(dsn) as own:
        own.execute(TABLES)
        now = datetime(2026, 7, 1, 2, tzinfo=UTC)
        store = FolderObjectStore(tmp_path / "r2")
        rooms = TestRooms(now, postgres, store, d1s={"notes": d1}, app_postgreses={"notes": own})
        yield Stores(rooms, own, d1)
    d1.close()


def fill(stores: Stores, number: int = 9) -> None:
    stores.own.execute(
        "insert into notes select n, 'author ' || n %% 3, timestamptz '2026-01-01Z' + n * interval '1 day', n / 7.0"
        " from generate_series(1, %s) n",
        (number,),
    )
    rows = [[f"author {n % 3}", n, f"2026-02-0{n}T00:00:00.000Z", (None, 1, 1.0, "ü")[n % 4]] for n in range(1, 8)]
    stores.d1.upsert("entries", ["author", "n", "at", "value"], rows, ["author", "n"])


def test_its_rows_are_archived_pruned_and_restored_exactly(stores: Stores) -> None:
    fill(stores)
    notes, every = stores.notes(), "select *, typeof(value) as t from entries order by author, n"
    lines = stores.d1.query(every)
    assert (stores.archive("public.notes"), stores.archive("entries")) == (9, 7)
    assert stores.prune("public.notes", dry_run=True).going == 9
    assert len(stores.notes()) == 9

    for table, number in (("public.notes", 9), ("entries", 7)):
        done = stores.prune(table)
        assert (done.total, done.going, done.deleted, done.held_back) == (number, number, number, [])
    assert (stores.notes(), stores.d1.query(every), stores.deleted()) == ([], [], 16)

    assert (stores.restore("public.notes").added, stores.restore("entries").added) == (9, 7)
    assert (stores.notes(), stores.d1.query(every)) == (notes, lines)
    postgres, store = stores.rooms.postgres, stores.rooms.object_store
    for table in ("public.notes", "entries"):
        assert verify(store, postgres, "notes", table, QUARTER).faults == []
        assert all(
            revision.bucket.startswith("user-") for revision in ArchiveRegistry(postgres, "notes", table).sealed()
        )


def test_a_row_that_changed_since_it_was_archived_stays(stores: Stores) -> None:
    fill(stores)
    stores.archive("public.notes")
    stores.own.execute("update notes set price = 100 where id = 4")
    done = stores.prune("public.notes")
    assert (done.deleted, [(held.rows, held.why) for held in done.held_back]) == (8, [(1, LATE)])
    assert [row["id"] for row in stores.notes()] == [4]


def test_killed_at_each_step_each_row_is_recorded_once_though_the_log_lies_elsewhere(stores: Stores) -> None:
    fill(stores)
    stores.archive("public.notes")
    stores.own.execute("insert into notes values (99, 'late', '2026-02-01', 0)")
    number = went = 0
    while True:
        number += 1
        with steps(), patch.object(postgres_sealed, "BATCH_ROWS", 4):
            ended = killed(lambda: stores.prune("public.notes"), number)
        stores.prune("public.notes")
        assert [row["id"] for row in stores.notes()] == [99]
        went += 9
        assert stores.deleted() == went, ended
        if ended is None:
            break
        stores.restore("public.notes")
    assert number > 10


def test_rows_without_an_archive_go_by_age_and_are_recorded_once(stores: Stores) -> None:
    number = went = 0
    while True:
        number += 1
        stores.own.execute("insert into drafts select n, '2026-01-01' from generate_series(1, 9) n")
        stores.own.execute("insert into drafts values (10, '2026-06-30') on conflict do nothing")
        with steps(), patch.object(postgres_rule, "BATCH_ROWS", 4):
            ended = killed(lambda: stores.prune("public.drafts"), number)
        stores.prune("public.drafts")
        assert stores.own.fetch("select id from drafts") == [{"id": 10}]
        went += 9
        assert stores.deleted() == went, ended
        if ended is None:
            break
    assert number > 5
