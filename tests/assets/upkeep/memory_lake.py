"""A small lake of visits in a folder, its catalog in memory: what upkeep is tried on thousands of times. No fixtures.

Its table has other columns than that of events, because the engines know no column but by the description of a table.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
from pyiceberg.catalog.sql import SqlCatalog
from sqlalchemy import StaticPool, create_engine

from assets.compaction.plan import CompactionPolicy
from assets.compaction.rewrite import Compacted, Compaction
from resources.lake import Column, ColumnType, DataFile, Lake, LakeTable, PartitionKey, TableSpec
from resources.lake.commit import Lock
from resources.lake.expiry import KeptSnapshot, expire
from resources.lake.manifests import RewriteLimits
from resources.lake.manifests import rewrite as rewrite_manifests
from resources.lake.sweep import FileSurvey, remove, survey
from tests.resources.lake.foreign import without_copies

VISITS = TableSpec(
    namespace="site",
    name="visits",
    columns=(
        Column("org_tag", ColumnType.STRING, required=True),
        Column("began_at", ColumnType.TIMESTAMP, required=True),
        Column("visit", ColumnType.STRING, required=True),
        Column("visitor", ColumnType.STRING, required=True),
    ),
    tenant="org_tag",
    time="began_at",
    id="visit",
    folder="data/visits",
)
SCHEMA = pl.Schema(
    [("org_tag", pl.String), ("began_at", pl.Datetime("us", "UTC")), ("visit", pl.String), ("visitor", pl.String)]
)
DAYS = (date(2025, 10, 10), date(2025, 10, 11))
ORGS = ("a3f7c2", "b8e9d1")
MERGE_ALL = CompactionPolicy(min_files=2, min_gain=0.0)
# A file's time is the kernel's, which moves in ticks of up to 10 ms and lags behind the clock by as much.
TICK = timedelta(milliseconds=20)

Row = tuple[str, str]


class _MemoryCatalog(SqlCatalog):
    """One connection for all threads: they take turns."""

    def _init_catalog(self) -> None:
        self.engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        super()._init_catalog()


class MemoryLake:
    """The table, its writers, and its upkeep."""

    def __init__(self, lake: Lake) -> None:
        self.table: LakeTable = lake.ensure(VISITS)
        self._numbers = itertools.count()

    def visits(self, *visitors: str, org: str = ORGS[0], day: date = DAYS[0]) -> pl.DataFrame:
        """New rows of one partition, one of each visitor."""
        start = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        rows = [(org, start + timedelta(seconds=n), f"visit-{n}", v) for v, n in zip(visitors, self._numbers)]  # noqa: B905
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    def written(self, rows: pl.DataFrame) -> list[DataFile]:
        """Rows of one partition as a data file that no commit names yet."""
        org, at = rows.row(0)[:2]
        return self.table.write([(PartitionKey(org, at.date()), rows)])

    def append(self, rows: pl.DataFrame) -> None:
        self.table.append(self.written(rows), f"batch of {rows['visit'][0]}")

    def compact(self) -> Compacted:
        return Compaction(self.table, MERGE_ALL, groups_per_commit=2).run()

    def expire(self, since: datetime) -> list[int]:
        """Expire all that was not read from since then."""

        def keep(listed: list[KeptSnapshot]) -> set[int]:
            return {s.id for s in listed if s.until is None or s.until > since - TICK}

        return expire(self.table, keep)  # type: ignore[arg-type]

    def rewrite_manifests(self) -> None:
        rewrite_manifests(self.table, RewriteLimits(entries=6, saved=1))

    def survey(self, before: datetime) -> FileSurvey:
        return survey(self.table, before - TICK)

    def sweep(self, before: datetime) -> int:
        return remove(self.table, self.survey(before))

    def rows(self) -> list[Row]:
        """Visit and visitor of every row, sorted; each file is read, none but those that the table names."""
        return sorted(self.table.scan().select("visit", "visitor").collect().iter_rows())


@contextmanager
def memory_lake(folder: Path, lock: Lock) -> Iterator[MemoryLake]:
    """A lake with an empty table below `folder`."""
    catalog = _MemoryCatalog("test", uri="sqlite://", warehouse=(folder / "lake").as_uri())
    try:
        with without_copies():
            yield MemoryLake(Lake(lambda: catalog, lock, folder.as_uri()))
    finally:
        catalog.engine.dispose()


def now() -> datetime:
    """The time by which files are written."""
    return datetime.now(UTC)
