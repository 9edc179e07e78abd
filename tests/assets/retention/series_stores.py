"""A D1 with a year of time series that are archived and counted, to be pruned and restored. No fixtures."""

import itertools
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import METRIC_SERIES, METRICS, POINTS, SERIES, SESSIONS
from assets.archive.quarters import Quarter, quarters
from assets.archive.restore import Restore, Restored
from assets.archive.tables import archived
from assets.archive.write import Archiver
from assets.metrics.build import Metrics
from assets.metrics.grains import GRAINS
from assets.retention.series import Pruned, SeriesPruner
from assets.rows.target import Into
from assets.series import ahead, audit
from assets.series.fold import Folding
from assets.windows import Window
from resources.d1 import D1, EmbeddedD1, embedded
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore, ObjectStore
from resources.sqlite_file import SqliteFile
from tests.assets.metrics.recount import recounted, stored
from tests.assets.series.partitioned_d1 import UNHURRIED, point, record, rows
from tests.rooms import TestRooms
from tests.sql.sesh.database import put

# The 2nd of January: the whole year 2025 is old enough.
NOW = datetime(2027, 1, 2, 5, 30, tzinfo=UTC)
FIRST = datetime(2025, 10, 1, tzinfo=UTC)
YEAR = Window(FIRST, datetime(2026, 1, 1, tzinfo=UTC))
TABLES = {grain.name: grain.table(METRIC_SERIES) for grain in GRAINS.values()}


class Unsynced(EmbeddedD1):
    """Speed over safety: no test asks what this file keeps through a power cut."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = SqliteFile(path, _unsynced, embedded._error)


def _unsynced(connection: sqlite3.Connection) -> None:
    embedded._prepare(connection)
    connection.execute("pragma synchronous = off")


@dataclass
class SeriesStores:
    """The stores, and what the jobs do with them."""

    postgres: Postgres
    folder: Path
    now: datetime = NOW
    page: int = 4
    runs: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.store: ObjectStore = FolderObjectStore(self.folder / "r2")
        self.d1: D1 = Unsynced(self.folder / "sesh.sqlite")

    def clock(self) -> datetime:
        return self.now

    def make(self) -> None:
        for grain in GRAINS.values():
            Metrics(self.d1, METRIC_SERIES, grain, self.clock, UNHURRIED).run()

    def fold(self) -> None:
        for family in SERIES:
            Folding(self.d1, family, self.clock, UNHURRIED, page=3).run()

    @property
    def rooms(self) -> TestRooms:
        """The stores at this moment of the clock."""
        return TestRooms(self.now, self.postgres, self.store, d1s={"sesh": self.d1})

    def archive(self, *tables: str, window: Window = YEAR) -> None:
        for table in tables or ("sessions", "points"):
            entry = archived(SESH, table)
            for quarter in quarters(window):
                Archiver.of(self.rooms, SESH, entry).run(quarter)

    def restore(self, table: str, into: Into = "live", bucket: str = "", quarter: Quarter | None = None) -> Restored:
        entry = archived(SESH, table)
        engine = Restore.of(self.rooms, SESH, entry, into)
        return engine.run(quarter or Quarter.of(FIRST.date()), lambda name: bucket in ("", name))

    def pruner(self) -> SeriesPruner:
        return SeriesPruner(self.rooms, SESH, f"run {next(self.runs)}", UNHURRIED, self.page)

    def prune(self, *, dry_run: bool = False) -> Pruned:
        return self.pruner().run(dry_run=dry_run)

    def detail(self) -> list[Any]:
        """Every live session and point."""
        return [rows(self.d1, family) for family in (SESSIONS, POINTS)]

    def metrics(self) -> dict[str, Any]:
        return {name: stored(self.d1, table) for name, table in TABLES.items()}

    def recounted(self) -> dict[str, Any]:
        return {name: recounted(self.d1, name) for name in TABLES}

    def faults(self) -> list[str]:
        return [fault for family in (SESSIONS, POINTS, METRICS) for fault in audit.faults(self.d1, family)]


def laid_out(stores: SeriesStores, sessions: int = 6, first: datetime = FIRST) -> None:
    """Sessions and points of two users over the last quarter of 2025 and the first of 2026, folded where old enough."""
    for user in ("u1", "u2"):
        put(stores.d1, "users", id=user)
    for family in SERIES:
        ahead.make(stores.d1, family, stores.clock, first)
    for n in range(sessions):
        add(stores.d1, f"s{n}", first + timedelta(days=19 * n, hours=n), ("u1", "u2")[n % 2], n)
    stores.fold()
    stores.make()


def add(d1: D1, name: str, at: datetime, user: str, n: int) -> None:
    """A session with a point, as the application and the ingest write them."""
    record(d1, name, at, user, amount=n / 3, unit="g" if n % 2 else None, rating=n % 5 + 1, notes="ü\n" if n else None)
    point(d1, name, 1, at, user, '{"temperature":190.5,"draws":1}')
    mark = f"{at:%Y-%m-%dT%H}:00:00.000Z"
    d1.upsert("stale_metrics", ["grain", "windowStart"], [["hourly", mark]], ["grain", "windowStart"])
