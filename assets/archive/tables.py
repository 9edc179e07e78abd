"""Which table of which store an entry of policy means, as a source and as a target of rows.

What belongs here: the way from an app's data to rows, for archives, restores and deletions. What does not: how a store
reads and writes them.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from assets.apps import App, Series
from assets.apps.lifecycle import Lifecycle
from assets.archive.layout import bucket_of
from assets.archive.quarters import Quarter
from assets.events import pruned
from assets.lake_tables import lake_table
from assets.rooms import Rooms
from assets.rows.d1 import D1Source, D1Table, D1Target, Parts
from assets.rows.lake import LakeSource, LakeTarget
from assets.rows.postgres import PostgresSource, PostgresTable, PostgresTarget
from assets.rows.source import Source
from assets.rows.target import Into, Target
from assets.series.ahead import cover
from assets.series.layout import Partition
from assets.series.registry import load
from assets.windows import Window
from resources.d1 import D1
from resources.d1.times import moment
from resources.declined import DeclinedError
from resources.postgres import Postgres
from resources.sql_files import read_sql

# Times that one statement takes, far below D1's limit of a value.
TIMES = 5_000


def archived(app: App, table: str) -> Lifecycle:
    """The policy of an archived table by the name that people use.

    Raises:
        DeclinedError: no such table, or one that is not archived.
    """
    entries = [entry for entry in app.lifecycles if table in (entry.table, entry.name)]
    if not entries:
        known = ", ".join(entry.table for entry in app.lifecycles if entry.archive)
        raise DeclinedError(f"{app.name} has no table {table}", f"name one of {known}")
    if entries[0].archive is None:
        policy = f"`clearlift policy --app {app.name}`"
        raise DeclinedError(f"{app.name} {table} is not archived: {entries[0].not_archived}", f"{policy} shows what is")
    return entries[0]


def source_of(rooms: Rooms, app: App, entry: Lifecycle) -> Callable[[Quarter], Source]:
    """What opens the table of an archived entry for a quarter."""

    def opened(quarter: Quarter) -> Source:
        if entry.store == "lake":
            return LakeSource(rooms.lake.table(lake_table(app, entry.name).spec))
        if entry.store == "d1":
            d1 = rooms.d1(app)
            return D1Source(d1, d1_table(d1, app, entry), quarter.window)
        return PostgresSource(postgres_of(rooms, app, entry), postgres_table(app, entry))

    return opened


def target_of(rooms: Rooms, app: App, entry: Lifecycle, into: Into) -> Target:
    """Where the table of an archived entry is restored to."""
    if entry.store == "lake":
        spec = lake_table(app, entry.name).spec
        return LakeTarget(rooms.lake, spec, into, entry.key, {pruned.WRITER: pruned.RESTORE})
    if entry.store == "d1":
        d1, statement = rooms.d1(app), entry.archive.restored if entry.archive else ""
        reopening = _reopening(d1, statement) if statement and into == "live" else None
        return D1Target(d1, d1_table(d1, app, entry), into, reopening)
    return PostgresTarget(postgres_of(rooms, app, entry), postgres_table(app, entry), into)


def came_back(rooms: Rooms, app: App, entry: Lifecycle, into: Into) -> Callable[[Quarter, str], None]:
    """What is called once a bucket of a quarter is restored: days of landed events may then be counted again.

    A bucket is all that its quarter had. Days of which no row came back are among them, where their loss was accepted.
    """

    def counted_again(quarter: Quarter, bucket: str) -> None:
        with rooms.postgres.connection() as connection:
            marked = pruned.marked(connection, app, str(quarter))
        pruned.restored(rooms.postgres, app, [key for key in marked if bucket_of(key.tenant, None) == bucket])

    is_counted = into == "live" and entry.store == "lake" and lake_table(app, entry.name).is_landed
    return counted_again if is_counted else lambda *_: None


def postgres_of(rooms: Rooms, app: App, entry: Lifecycle) -> Postgres:
    """The Postgres database that an entry's table lies in."""
    return rooms.app_postgres(app) if entry.store == "app_postgres" else rooms.postgres


def postgres_table(app: App, entry: Lifecycle) -> PostgresTable:
    """The rows of an entry's table in Postgres that are the app's."""
    shared = {entry.app_column: app.name} if entry.app_column else {}
    return PostgresTable(entry.name, entry.key, entry.time or "", shared)


def d1_table(d1: D1, app: App, entry: Lifecycle) -> D1Table:
    """An entry's table in D1, or its time series."""
    if not entry.is_series:
        return D1Table(entry.name, entry.key, entry.time or "")
    (series,) = (series for series in app.series if series.name == entry.table)

    def parts(window: Window) -> Parts:
        return [(partition.name, part) for partition, part in load(d1, series).over(window)]

    return D1Table(entry.table, entry.key, entry.time or "", parts, _PartitionOf(d1, series))


class _PartitionOf:
    """The partition that holds a time. A month that was pruned is made again."""

    def __init__(self, d1: D1, series: Series) -> None:
        self._d1 = d1
        self._series = series
        self._partitions: list[Partition] = []

    def __call__(self, at: str) -> str:
        time = moment(at).astimezone(UTC)
        if self._holding(time) is None:
            cover(self._d1, self._series, time)
            self._partitions = load(self._d1, self._series).answering
        partition = self._holding(time)
        assert partition is not None, "its month was made"
        return partition.name

    def _holding(self, time: datetime) -> Partition | None:
        return next((p for p in self._partitions if p.window.start <= time < p.window.end), None)


def _reopening(d1: D1, statement: str) -> Callable[[Sequence[str]], None]:
    """What marks the aggregates of rows that came back as to be made again, by the times of the rows."""

    def written(times: Sequence[str]) -> None:
        distinct = sorted(set(times))
        for start in range(0, len(distinct), TIMES):
            d1.execute(read_sql(statement), [json.dumps(distinct[start : start + TIMES])], idempotent=True)

    return written
