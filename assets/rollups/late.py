"""Late data: from the commits of the events table, whoever made them, to the hours and days to make again.

Following a commit marks the windows that it changed as wanted and moves the cursor, in one transaction. A window is
stale until it was built from that commit or a younger one, whatever happens to the run that was to build it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from assets.compaction.rewrite import DOUBLES
from assets.rollups.definition import VERSION, Grain
from assets.windows import DAY, HOUR, Window, floor_hour, joined, midnight
from resources.lake import DataFile, LakeTable, PartitionKey, SnapshotInfo
from resources.postgres import Postgres
from resources.sql_files import read_sql

# Commits followed in one go, so that a sensor's tick stays short after a long standstill.
COMMITS_A_TICK = 50
# How long after its end a window is left to its schedule (hh:10, 00:30) before it counts as late.
SETTLING: Mapping[Grain, timedelta] = {Grain.HOURLY: timedelta(minutes=15), Grain.DAILY: timedelta(minutes=45)}


@dataclass(frozen=True)
class Stale:
    """Windows to make again, joined into as few ranges as possible. `commit` is the youngest that they wait for."""

    hours: tuple[Window, ...]
    days: tuple[Window, ...]
    commit: int

    def __bool__(self) -> bool:
        return bool(self.hours or self.days)


def follow(events: LakeTable, postgres: Postgres, clock: Callable[[], datetime], commits: int = COMMITS_A_TICK) -> int:
    """Follow at most `commits` commits after the cursor; returns how many. 0 means that all are followed."""
    with postgres.lock("rollups.follow") as connection:
        row = connection.execute("select snapshot_id from rollups.followed").fetchone()
        followed = 0
        marks: list[tuple[str, datetime, int]] = []
        for snapshot, _ in zip(events.changes(row["snapshot_id"] if row else None), range(commits), strict=False):
            followed += 1
            cursor = snapshot.id
            for hour in changed_hours(events, snapshot):
                marks.append((Grain.HOURLY.value, hour, snapshot.sequence))
                marks.append((Grain.DAILY.value, midnight(hour.date()), snapshot.sequence))
        if followed:
            grains, windows, sequences = zip(*marks, strict=True) if marks else ((), (), ())
            connection.execute(
                read_sql("rollups/mark_changed.sql"),
                {"grains": list(grains), "windows": list(windows), "sequences": list(sequences)},
            )
            connection.execute(read_sql("rollups/follow.sql"), {"snapshot_id": cursor, "at": clock()})
        return followed


def stale(postgres: Postgres, since: datetime, now: datetime) -> Stale:
    """Windows from `since` on that changed after they were built, or mean something else by now.

    Windows that have not ended, or only just, are left to their schedules.
    """
    rows = postgres.fetch(
        read_sql("rollups/stale_windows.sql"),
        {
            "version": VERSION,
            "since": since,
            "hours_until": now - HOUR - SETTLING[Grain.HOURLY],
            "days_until": now - DAY - SETTLING[Grain.DAILY],
        },
    )
    by_grain = {
        grain: [row["window_start"].astimezone(UTC) for row in rows if row["grain"] == grain.value] for grain in Grain
    }
    return Stale(
        tuple(joined(by_grain[Grain.HOURLY], HOUR)),
        tuple(joined(by_grain[Grain.DAILY], DAY)),
        max((row["wanted"] for row in rows), default=-1),
    )


def changed_hours(events: LakeTable, snapshot: SnapshotInfo) -> set[datetime]:
    """UTC hours that a commit added rows to, took rows from, or cleaned of doubles."""
    if snapshot.operation == "replace" and not int(snapshot.summary.get(DOUBLES, "0")):
        return set()
    return _hours_of_rows(events, snapshot.added) | set(_hours_between_bounds(events, snapshot.removed))


def _hours_of_rows(events: LakeTable, files: Iterable[DataFile]) -> set[datetime]:
    paths = [file.file_path for file in files]
    if not paths:
        return set()
    hours = events.read(paths).select(pl.col("timestamp").dt.truncate("1h")).unique().collect(engine="streaming")
    return {hour.astimezone(UTC) for hour in hours["timestamp"]}


def _hours_between_bounds(events: LakeTable, files: Iterable[DataFile]) -> Iterator[datetime]:
    # The rows of a removed file may be gone, its recorded bounds are not; without bounds it is its whole day.
    for file in files:
        day = midnight(PartitionKey.of(file).day)
        lowest, highest = events.bounds(file)
        hour, last = floor_hour(lowest or day), highest or day + timedelta(hours=23)
        while hour <= last:
            yield hour
            hour += HOUR
