"""Follows the commits of an app's events table, of any writer: which hours and days each of them changed.

To follow a commit is to mark its hours and days as wanted and to move the cursor, in one transaction. A window stays
stale until it was built from that commit or a later one, even when the run that builds it fails. What does not
belong here: which windows are stale, and who builds them (late.py).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice

import polars as pl

from assets.apps import App
from assets.compaction.rewrite import DOUBLES
from assets.events import pruned
from assets.events.pruned import MOVERS, REBUILD, WRITER
from assets.rollups.definition import Grain
from assets.windows import HOUR, Window, day_window, floor_hour, midnight
from resources.lake import DamagedFilesError, DataFile, FileInfo, History, LakeTable, SnapshotInfo
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql

# So that a tick of the sensor stays short after a long pause.
COMMITS_A_TICK = 50
_INSTANT = timedelta(microseconds=1)
_CURSOR = "select snapshot_id, sequence from rollups.followed where app = %(app)s"


def follow(
    app: App, events: LakeTable, postgres: Postgres, clock: Callable[[], datetime], commits: int = COMMITS_A_TICK
) -> int:
    """Follow at most `commits` commits after the cursor, and return how many. 0 means that all are followed.

    Where the table was rolled back, or commits expired before they were followed, the windows that these may have
    changed are marked first.
    """
    with postgres.lock(f"{app.name}.rollups.follow") as connection:
        history, cursor = events.history(), _cursor(connection, app)
        changes = Changes()
        fork = _fork(history, cursor)
        if windows := _rolled_back(connection, app, history, fork):
            # What was built from a commit that is gone has a number above those of the commits that stayed.
            history = events.renumbered()
            changes.found += [(grain, start, history.newest, 0) for grain, start in windows]
        cursor = fork or cursor
        if history.has_expired and cursor.snapshot_id not in history.ids:
            _add_expired(connection, app, events, history, cursor, changes)
        followed = 0
        for commit in islice(history.after(cursor.snapshot_id), commits):
            cursor, followed = Cursor(commit.id, commit.sequence), followed + 1
            for hour, added in changed_hours(events, commit, partial(_known_days, connection, app)).items():
                changes.add(hour, commit.sequence, added)
        changes.mark(connection, app)
        if followed:
            at = {"snapshot_id": cursor.snapshot_id, "sequence": cursor.sequence, "at": clock()}
            connection.execute(read_sql("rollups/follow.sql"), {"app": app.name, **at})
        return followed


def unfollowed(app: App, events: LakeTable, postgres: Postgres) -> int:
    """How many commits `follow` has still to follow; all that are kept where the cursor's is not among them."""
    # The cursor is read first: if it moves meanwhile, its commit is still among those that are listed after.
    with postgres.connection() as connection:
        cursor = _cursor(connection, app)
    ids = [snapshot.snapshot_id for snapshot in events.history().snapshots]
    return ids.index(cursor.snapshot_id) if cursor.snapshot_id in ids else len(ids)


def followed(app: App, postgres: Postgres) -> str:
    """The number of the last commit that was followed; empty where none was."""
    rows = postgres.fetch(_CURSOR, {"app": app.name})
    return str(rows[0]["sequence"]) if rows else ""


@dataclass(frozen=True)
class Cursor:
    """The last commit that was followed; None where none was, or where its number is not recorded."""

    snapshot_id: int | None
    sequence: int | None


@dataclass
class Changes:
    """Hours and days that commits changed, each with the number of the commit and the rows that it added."""

    found: list[tuple[str, datetime, int, int]] = field(default_factory=list)

    def add(self, hour: datetime, sequence: int, added: int = 0) -> None:
        """An hour that a commit changed."""
        self.found.append((Grain.HOURLY.value, hour, sequence, added))
        self.found.append((Grain.DAILY.value, midnight(hour.date()), sequence, added))

    def mark(self, connection: Connection, app: App) -> None:
        """Mark them as wanted."""
        if self.found:
            grains, windows, sequences, added = map(list, zip(*self.found, strict=True))
            given = {"grains": grains, "windows": windows, "sequences": sequences, "added": added}
            connection.execute(read_sql("rollups/mark_changed.sql"), {"app": app.name, **given})


def _cursor(connection: Connection, app: App) -> Cursor:
    row = connection.execute(_CURSOR, {"app": app.name}).fetchone()
    return Cursor(row["snapshot_id"], row["sequence"]) if row else Cursor(None, None)


def _fork(history: History, cursor: Cursor) -> Cursor | None:
    """Where the cursor's commit was rolled back: the last followed one that was not. None where it was not."""
    if cursor.snapshot_id is None or history.holds(cursor.snapshot_id, cursor.sequence):
        return None
    kept = {snapshot.snapshot_id: snapshot.sequence_number or 0 for snapshot in history.snapshots}
    fork = history.fork(cursor.snapshot_id)
    return Cursor(fork, kept[fork] if fork is not None else history.oldest - 1)


def _rolled_back(connection: Connection, app: App, history: History, fork: Cursor | None) -> list[tuple[str, datetime]]:
    """The windows that were counted from commits which are not part of the table any more, or may have been.

    A build that read the table before the rollback may end after the rollback was followed.
    """
    since = {"oldest": history.oldest, "kept": list(history.ids), "fork": fork.sequence if fork else None}
    rows = connection.execute(read_sql("rollups/rolled_back_windows.sql"), {"app": app.name, **since})
    return [(row["grain"], row["window_start"]) for row in rows]


def _add_expired(
    connection: Connection, app: App, events: LakeTable, history: History, cursor: Cursor, changes: Changes
) -> None:
    """The days that commits may have changed which expired before they were followed.

    A file that one of them added still has its number. A file that one removed is not named any more: its day has
    other rows than were counted, or a file that took its place.
    """
    after = cursor.sequence if cursor.sequence is not None else -1
    rows: Counter[date] = Counter()
    days: set[date] = set()
    for live in history.files():
        info = events.info(live.file)
        touched = _days(info) or _known_days(connection, app)
        if after < live.sequence < history.oldest:
            days |= touched
        if live.is_data:
            rows.update({info.partition.day: info.rows} if info.partition is not None else dict.fromkeys(touched, 1))
    counted = connection.execute(read_sql("rollups/counted_days.sql"), {"app": app.name}).fetchall()
    for row in counted:
        day = row["window_start"].astimezone(UTC).date()
        if rows[day] != row["events"] and not pruned.within(connection, app, day_window(day)):
            days.add(day)
    for day in sorted(days):
        for hour in day_window(day).steps(HOUR):
            changes.add(hour, history.oldest)


def _known_days(connection: Connection, app: App) -> set[date]:
    """The days with a window: all that a commit may have changed of which nobody can say what it changed."""
    rows = connection.execute(
        "select distinct window_start from rollups.windows where app = %(app)s and grain = 'daily'", {"app": app.name}
    )
    return {row["window_start"].astimezone(UTC).date() for row in rows}


def _days(info: FileInfo) -> set[date]:
    """The days that a file may have rows of; empty where its entry does not say."""
    if info.partition is not None:
        return {info.partition.day}
    if info.lowest is None or info.highest is None:
        return set()
    return {window.start.date() for window in Window(floor_hour(info.lowest), info.highest + _INSTANT).days()}


def changed_hours(
    events: LakeTable, commit: SnapshotInfo, known_days: Callable[[], Iterable[date]] = lambda: ()
) -> Mapping[datetime, int]:
    """The UTC hours that a commit added rows to, with their number; and those that it took rows from, with 0.

    A commit that only moves rows into the archive, or back from it, changes no hour: its rows are counted already.
    known_days: the days to take where a file's entry does not say which days it is about.
    """
    if moves_only(commit):
        return {}
    # The rows that a rewrite adds were there before.
    new = commit.operation == "append"
    hours = Counter({hour: rows * new for hour, rows in _rows_by_hour(events, commit.added, known_days)})
    # A removed file may not be there any more, but its bounds are.
    for info in map(events.info, commit.removed):
        hours.update(dict.fromkeys(_hours(info, known_days), 0))
    # A delete file says its partition, and only reading it says more.
    for info in map(events.info, commit.deletes):
        days = _days(info) or known_days()
        hours.update(dict.fromkeys((hour for day in days for hour in day_window(day).steps(HOUR)), 0))
    return hours


def moves_only(commit: SnapshotInfo) -> bool:
    """Whether a commit left the events of every window as they were: it merged files, or moved rows to or from the
    archive.
    """
    writer = commit.summary.get(WRITER)
    merged = commit.operation == "replace" and writer != REBUILD and not int(commit.summary.get(DOUBLES, "0"))
    return merged or writer in MOVERS


def _hours(info: FileInfo, known_days: Callable[[], Iterable[date]]) -> Iterator[datetime]:
    if info.lowest is not None and info.highest is not None:
        yield from Window(floor_hour(info.lowest), info.highest + _INSTANT).steps(HOUR)
    else:
        for day in _days(info) or known_days():
            yield from day_window(day).steps(HOUR)


def _rows_by_hour(
    events: LakeTable, files: Sequence[DataFile], known_days: Callable[[], Iterable[date]]
) -> Iterator[tuple[datetime, int]]:
    if not files:
        return
    try:
        with events.named(files):
            rows = events.read(files)
            hours = rows.group_by(pl.col("timestamp").dt.truncate("1h")).len().collect(engine="streaming")
    except DamagedFilesError as error:
        damaged = {file.file_path for file in error.files}
        if not damaged:
            raise
        # Their hours are marked, so that who builds them names the files, and the commits after this one are followed.
        for info in map(events.info, error.files):
            for hour in _hours(info, known_days):
                yield hour, 0
        yield from _rows_by_hour(events, [file for file in files if file.file_path not in damaged], known_days)
        return
    for hour, count in hours.iter_rows():
        yield hour.astimezone(UTC), count
