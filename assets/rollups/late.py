"""Late data: from the commits of the events table, whoever made them, to the windows to make again.

Following a commit marks the hours and days that it changed as wanted and moves the cursor, in one transaction. A window
is stale until it was built from that commit or a younger one, whatever happens to the run that was to build it. Weeks
and months are stale once a day of theirs was made again. What is older than a bound is not asked for, but told of.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from assets.compaction.rewrite import DOUBLES
from assets.events.pruned import MOVERS, WRITER, Days, within
from assets.rollups.definition import VERSION, Grain
from assets.rollups.periods import VERSION as PERIOD_VERSION
from assets.rollups.periods import Period
from assets.windows import DAY, HOUR, Window, floor_hour, joined, midnight, touching
from resources.lake import DataFile, LakeTable, PartitionKey, SnapshotInfo
from resources.lake.expiry import snapshots
from resources.postgres import Postgres
from resources.sql_files import read_sql

# Commits followed in one go, so that a sensor's tick stays short after a long standstill.
COMMITS_A_TICK = 50
# Ranges of days beyond the bound that are told with their command.
COMMANDS = 3
# A backfill makes sessions of the days around, which read the days around those.
REACH = 4 * DAY
# How long after its end a window is left to its schedule (hh:10, 00:30, 00:45, 00:50) before it counts as late.
SETTLING: Mapping[Grain | Period, timedelta] = {
    Grain.HOURLY: timedelta(minutes=15),
    Grain.DAILY: timedelta(minutes=45),
    Period.WEEKLY: timedelta(minutes=75),
    Period.MONTHLY: timedelta(minutes=75),
}
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Stale:
    """Windows to make again, joined into as few ranges as possible. `commit` is the youngest that they wait for."""

    hours: tuple[Window, ...]
    days: tuple[Window, ...]
    commit: int
    weeks: tuple[Window, ...] = ()
    months: tuple[Window, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hours or self.days or self.weeks or self.months)

    def ready(self, period: Period) -> tuple[Window, ...]:
        """Of the stale weeks or months those that can be made now: none of their days is stale itself."""
        windows = self.weeks if period is Period.WEEKLY else self.months
        each = (found for window in windows for found in period.covering(window))
        return tuple(touching(w for w in each if not any(w.clipped(day) for day in self.days)))


@dataclass(frozen=True)
class Beyond:
    """What changed too long ago to be made again unasked: its days, and the events that they have not counted yet.

    pruned: days that a backfill would read and that are archived only: they are to be restored first.
    """

    days: tuple[Window, ...] = ()
    events: int = 0
    pruned: Days = field(default_factory=Days)

    def __bool__(self) -> bool:
        return bool(self.days)

    def __str__(self) -> str:
        """One line, with the commands that make the days again; empty where there are none."""
        if not self:
            return ""
        count = sum(1 for window in self.days for _ in window.steps(DAY))
        commands = "; ".join(
            f"clearlift backfill rollups --from {window.start:%Y-%m-%d} --to {window.end:%Y-%m-%d}"
            for window in self.days[:COMMANDS]
        )
        if self.pruned:
            commands = f"{self.pruned.commands}; {commands}"
        more = f"; and {len(self.days) - COMMANDS} more ranges" if len(self.days) > COMMANDS else ""
        late = f"{self.events} late events in {count} days are too old to be rolled up unasked"
        return f"{late}: {commands}{more}; then clearlift backfill attribution of the same days"


def follow(events: LakeTable, postgres: Postgres, clock: Callable[[], datetime], commits: int = COMMITS_A_TICK) -> int:
    """Follow at most `commits` commits after the cursor; returns how many. 0 means that all are followed."""
    with postgres.lock("rollups.follow") as connection:
        row = connection.execute("select snapshot_id from rollups.followed").fetchone()
        followed = 0
        marks: list[tuple[str, datetime, int, int]] = []
        for snapshot, _ in zip(events.changes(row["snapshot_id"] if row else None), range(commits), strict=False):
            followed += 1
            cursor = snapshot.id
            for hour, added in changed_hours(events, snapshot).items():
                marks.append((Grain.HOURLY.value, hour, snapshot.sequence, added))
                marks.append((Grain.DAILY.value, midnight(hour.date()), snapshot.sequence, added))
        if followed:
            connection.execute(
                read_sql("rollups/mark_changed.sql"),
                {
                    "grains": [mark[0] for mark in marks],
                    "windows": [mark[1] for mark in marks],
                    "sequences": [mark[2] for mark in marks],
                    "added": [mark[3] for mark in marks],
                },
            )
            connection.execute(read_sql("rollups/follow.sql"), {"snapshot_id": cursor, "at": clock()})
        return followed


def unfollowed(events: LakeTable, postgres: Postgres) -> int:
    """How many commits `follow` has before it: all that are kept where the cursor is none of them."""
    # The cursor first: one that moves meanwhile is still among the commits listed after.
    cursors = [row["snapshot_id"] for row in postgres.fetch("select snapshot_id from rollups.followed")]
    ids = [snapshot.id for snapshot in snapshots(events)]
    return len(ids) - max((ids.index(cursor) + 1 for cursor in cursors if cursor in ids), default=0)


def stale(postgres: Postgres, since: datetime, now: datetime, earliest: datetime | None = None) -> Stale:
    """Windows from `since` on that changed after they were built, or mean something else by now.

    Windows that have not ended, or only just, are left to their schedules. Weeks and months from the ones of `earliest`
    (by default of `since`) on: they are stale only where a day was made again.
    """
    first = (earliest or since).date()
    rows = _fetch(
        postgres,
        {
            Grain.HOURLY: (since, now - HOUR - SETTLING[Grain.HOURLY]),
            Grain.DAILY: (since, now - DAY - SETTLING[Grain.DAILY]),
            # The period of this moment, less the settling, has not ended.
            **{p: (p.of(first).start, p.of((now - SETTLING[p]).date()).start - _INSTANT) for p in Period},
        },
    )
    starts: dict[str, list[datetime]] = {grain.value: [] for grain in (*Grain, *Period)}
    for row in rows:
        starts[row["grain"]].append(row["window_start"].astimezone(UTC))
    weeks, months = (tuple(touching(p.of(at.date()) for at in starts[p.value])) for p in Period)
    return Stale(
        tuple(joined(starts[Grain.HOURLY.value], HOUR)),
        tuple(joined(starts[Grain.DAILY.value], DAY)),
        max((row["wanted"] for row in rows), default=-1),
        weeks,
        months,
    )


def beyond(postgres: Postgres, earliest: datetime, since: datetime) -> Beyond:
    """What `stale` leaves out for being older than `since`, from `earliest` on."""
    if since <= earliest:
        return Beyond()
    rows = _fetch(postgres, dict.fromkeys(Grain, (earliest, since - _INSTANT)))
    days = {midnight(row["window_start"].astimezone(UTC).date()) for row in rows}
    if not days:
        return Beyond()
    with postgres.connection() as connection:
        archived = [within(connection, Window(w.start - REACH, w.end + REACH)) for w in joined(days, DAY)]
    return Beyond(
        tuple(joined(days, DAY)),
        sum(row["pending"] for row in rows if row["grain"] == Grain.HOURLY.value),
        Days(
            tuple(touching(w for found in archived for w in found.windows)),
            tuple(sorted({q for found in archived for q in found.quarters})),
        ),
    )


def horizon(earliest: datetime, reach: timedelta, now: datetime) -> datetime:
    """From when on late data reopens windows by itself: the start of the UTC day that lies `reach` back."""
    return max(earliest, midnight((now - reach).date()))


def _fetch(postgres: Postgres, bounds: Mapping[Grain | Period, tuple[datetime, datetime]]) -> list[dict[str, Any]]:
    return postgres.fetch(
        read_sql("rollups/stale_windows.sql"),
        {
            "grains": [grain.value for grain in bounds],
            "versions": [VERSION if isinstance(grain, Grain) else PERIOD_VERSION for grain in bounds],
            "since": [since for since, _ in bounds.values()],
            "until": [until for _, until in bounds.values()],
        },
    )


def changed_hours(events: LakeTable, snapshot: SnapshotInfo) -> Mapping[datetime, int]:
    """UTC hours that a commit added rows to (how many), took rows from, or cleaned of doubles (0).

    Rows that went into the archive alone, or came back from it, are counted already.
    """
    if snapshot.operation == "replace" and not int(snapshot.summary.get(DOUBLES, "0")):
        return {}
    if snapshot.summary.get(WRITER) in MOVERS:
        return {}
    # What a rewrite adds was there before.
    new = snapshot.operation == "append"
    found = Counter({hour: rows * new for hour, rows in _rows_by_hour(events, snapshot.added)})
    found.update(dict.fromkeys(_hours_between_bounds(events, snapshot.removed), 0))
    return found


def _rows_by_hour(events: LakeTable, files: Iterable[DataFile]) -> Iterator[tuple[datetime, int]]:
    files = list(files)
    if not files:
        return
    with events.named(files):
        rows = events.read(file.file_path for file in files)
        hours = rows.group_by(pl.col("timestamp").dt.truncate("1h")).len().collect(engine="streaming")
    for hour, rows in hours.iter_rows():
        yield hour.astimezone(UTC), rows


def _hours_between_bounds(events: LakeTable, files: Iterable[DataFile]) -> Iterator[datetime]:
    # The rows of a removed file may be gone, its recorded bounds are not; without bounds it is its whole day.
    for file in files:
        day = midnight(PartitionKey.of(file).day)
        lowest, highest = events.bounds(file)
        hour, last = floor_hour(lowest or day), highest or day + timedelta(hours=23)
        while hour <= last:
            yield hour
            hour += HOUR
