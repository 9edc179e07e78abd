"""Follows the commits of an app's events table, of any writer: which hours and days each of them changed.

To follow a commit is to mark its hours and days as wanted and to move the cursor, in one transaction. A window stays
stale until it was built from that commit or a later one, even when the run that builds it fails. What does not
belong here: which windows are stale, and who builds them (late.py).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice

import polars as pl

from assets.apps import App
from assets.compaction.rewrite import DOUBLES
from assets.events.pruned import MOVERS, REBUILD, WRITER
from assets.rollups.definition import Grain
from assets.windows import HOUR, floor_hour, midnight
from resources.lake import DamagedFilesError, DataFile, LakeTable, PartitionKey, SnapshotInfo
from resources.lake.expiry import snapshots
from resources.postgres import Postgres
from resources.sql_files import read_sql

# So that a tick of the sensor stays short after a long pause.
COMMITS_A_TICK = 50
_CURSOR = "select snapshot_id from rollups.followed where app = %(app)s"


def follow(
    app: App, events: LakeTable, postgres: Postgres, clock: Callable[[], datetime], commits: int = COMMITS_A_TICK
) -> int:
    """Follow at most `commits` commits after the cursor, and return how many. 0 means that all are followed."""
    with postgres.lock(f"{app.name}.rollups.follow") as connection:
        row = connection.execute(_CURSOR, {"app": app.name}).fetchone()
        cursor, followed = row["snapshot_id"] if row else None, 0
        changes: list[tuple[str, datetime, int, int]] = []
        for commit in islice(events.changes(cursor), commits):
            cursor, followed = commit.id, followed + 1
            for hour, added in changed_hours(events, commit).items():
                changes.append((Grain.HOURLY.value, hour, commit.sequence, added))
                changes.append((Grain.DAILY.value, midnight(hour.date()), commit.sequence, added))
        if followed:
            connection.execute(
                read_sql("rollups/mark_changed.sql"),
                {
                    "app": app.name,
                    "grains": [change[0] for change in changes],
                    "windows": [change[1] for change in changes],
                    "sequences": [change[2] for change in changes],
                    "added": [change[3] for change in changes],
                },
            )
            connection.execute(read_sql("rollups/follow.sql"), {"app": app.name, "snapshot_id": cursor, "at": clock()})
        return followed


def unfollowed(app: App, events: LakeTable, postgres: Postgres) -> int:
    """How many commits `follow` has still to follow; all that the table has where it does not have the cursor's."""
    # The cursor is read first: if it moves meanwhile, its commit is still among those that are listed after.
    cursors = [row["snapshot_id"] for row in postgres.fetch(_CURSOR, {"app": app.name})]
    ids = [snapshot.id for snapshot in snapshots(events)]
    return len(ids) - max((ids.index(cursor) + 1 for cursor in cursors if cursor in ids), default=0)


def changed_hours(events: LakeTable, commit: SnapshotInfo) -> Mapping[datetime, int]:
    """The UTC hours that a commit added rows to, with their number; and those that it took rows from, with 0.

    A commit that only moves rows into the archive, or back from it, changes no hour: its rows are counted already.
    """
    writer = commit.summary.get(WRITER)
    if commit.operation == "replace" and writer != REBUILD and not int(commit.summary.get(DOUBLES, "0")):
        return {}
    if writer in MOVERS:
        return {}
    # The rows that a rewrite adds were there before.
    new = commit.operation == "append"
    hours = Counter({hour: rows * new for hour, rows in _rows_by_hour(events, commit.added)})
    hours.update(dict.fromkeys(_hours_between_bounds(events, commit.removed), 0))
    return hours


def _rows_by_hour(events: LakeTable, files: Iterable[DataFile]) -> Iterator[tuple[datetime, int]]:
    files = list(files)
    if not files:
        return
    try:
        with events.named(files):
            rows = events.read(file.file_path for file in files)
            hours = rows.group_by(pl.col("timestamp").dt.truncate("1h")).len().collect(engine="streaming")
    except DamagedFilesError as error:
        damaged = {file.file_path for file in error.files}
        if not damaged:
            raise
        # Their hours are marked, so that who builds them names the files, and the commits after this one are followed.
        for hour in _hours_between_bounds(events, error.files):
            yield hour, 0
        yield from _rows_by_hour(events, (file for file in files if file.file_path not in damaged))
        return
    for hour, count in hours.iter_rows():
        yield hour.astimezone(UTC), count


def _hours_between_bounds(events: LakeTable, files: Iterable[DataFile]) -> Iterator[datetime]:
    # A removed file may not be there any more, but its bounds are. Without bounds it counts as its whole day.
    for file in files:
        day = midnight(PartitionKey.of(file).day)
        lowest, highest = events.bounds(file)
        hour, last = floor_hour(lowest or day), highest or day + timedelta(hours=23)
        while hour <= last:
            yield hour
            hour += HOUR
