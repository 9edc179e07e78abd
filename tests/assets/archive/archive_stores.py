"""A lake of events, a D1, a Postgres and a bucket of a test's own, to be archived, pruned and restored. No fixtures."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from assets.apps import APPS
from assets.archive.copies import Copies
from assets.archive.quarters import Quarter
from assets.archive.repair import Repair, Repaired
from assets.archive.restore import Restore, Restored
from assets.archive.tables import archived
from assets.archive.verify import Verified, verify
from assets.archive.write import Archived, Archiver
from assets.changes.d1 import install
from assets.privacy import requests_table
from assets.rows.target import Into
from resources import migrations
from resources.d1 import EmbeddedD1
from resources.lake import Lake, PartitionKey
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.rollups.event_lake import event, frame
from tests.rooms import TestRooms
from tests.tables import EVENTS

NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
QUARTER = Quarter(2026, 1)
APPS_BY_NAME = {app.name: app for app in APPS}
Row = tuple[Any, ...]


@dataclass
class ArchiveStores:
    """The stores, and short ways to fill and look into them."""

    postgres: Postgres
    lake: Lake
    folder: Path
    now: datetime = NOW
    part_bytes: int = 64 * 1024 * 1024
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.store = FolderObjectStore(self.folder)
        self.d1 = {app.name: EmbeddedD1(self.folder / f"{app.name}.sqlite") for app in APPS}
        migrations.up(migrations.PostgresAppliedMigrations(self.postgres), "pipelines/postgres")
        for app in APPS:
            if app.d1_migrations is not None:
                migrations.up(migrations.D1AppliedMigrations(self.d1[app.name], f"{app.name}-d1"), app.d1_migrations)
                install(self.d1[app.name], app)
                requests_table.install(self.d1[app.name])
        self.events = self.lake.ensure(EVENTS)

    @property
    def rooms(self) -> TestRooms:
        """The stores at this moment of the test's clock."""
        return TestRooms(self.now, self.postgres, self.store, self.lake, self.d1)

    def archiver(self, app: str = "clearlift", table: str = "events") -> Archiver:
        archiver = Archiver.of(self.rooms, APPS_BY_NAME[app], archived(APPS_BY_NAME[app], table))
        archiver.part_bytes = self.part_bytes
        return archiver

    def archive(self, app: str = "clearlift", table: str = "events", quarter: Quarter = QUARTER) -> Archived:
        return self.archiver(app, table).run(quarter)

    def restore(self, app: str = "clearlift", table: str = "events", into: Into = "side", bucket: str = "") -> Restored:
        engine = Restore.of(self.rooms, APPS_BY_NAME[app], archived(APPS_BY_NAME[app], table), into)
        return engine.run(QUARTER, lambda name: bucket in ("", name))

    def verify(self, app: str = "clearlift", table: str = "events") -> Verified:
        return verify(self.store, self.postgres, app, table, QUARTER)

    def repair(
        self,
        app: str = "clearlift",
        table: str = "events",
        copies: Copies | None = None,
        *,
        dry_run: bool = False,
        accept_loss: bool = False,
    ) -> Repaired:
        entry, given = archived(APPS_BY_NAME[app], table), copies or Copies()
        engine = Repair.of(self.rooms, APPS_BY_NAME[app], entry, given, dry_run=dry_run, accept_loss=accept_loss)
        engine.part_bytes = self.part_bytes
        return engine.run(QUARTER)

    def happen(self, number: int, org: str = "a3f7c2", day: int = 1, **fields: Any) -> list[str]:
        """Events of one organisation and day of the quarter, committed; their ids."""
        start = datetime(2026, 1, day, 12, tzinfo=UTC)
        made = [
            event(org_tag=org, timestamp=start + timedelta(seconds=n), event_id=f"event-{n:06}", **fields)
            for n in itertools.islice(self.numbers, number)
        ]
        key = PartitionKey(org, start.date())
        ids = [str(e["event_id"]) for e in made]
        self.events.append(self.events.write([(key, frame(made))]), f"batch of {ids[0]}")
        return ids

    def live(self, table: str = "events") -> Counter[Row]:
        """Every row of a lake table, and how often it is there."""
        spec = replace(EVENTS, name=table)
        return counted(self.lake.table(spec).scan().collect()) if self.lake.exists(spec) else Counter()

    def prune(self) -> None:
        """Take all events away, as retention does."""
        files = [info.file for info in self.events.files()]
        self.events.replace(files, [], f"prune {next(self.numbers)}")

    def parts(self) -> list[str]:
        return [info.key for info in self.store.list("archive") if "/part-" in info.key]

    def manifests(self) -> list[str]:
        return [info.key for info in self.store.list("archive") if "/manifest-" in info.key]


def counted(rows: pl.DataFrame) -> Counter[Row]:
    return Counter(rows.iter_rows())
