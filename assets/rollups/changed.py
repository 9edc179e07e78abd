"""Whose events commits changed since a window was built, by what manifests say of their files. No data file is read.

What does not belong here: which hours commits changed (follow.py), and building windows (build.py).
"""

from collections.abc import Iterable
from datetime import datetime

from assets.apps import App
from assets.rollups.definition import VERSION, Grain
from assets.rollups.follow import moves_only
from assets.windows import Window
from resources.lake import History, LakeTable, SnapshotInfo
from resources.postgres import Connection
from resources.sql_files import read_sql


def organisations(
    connection: Connection, app: App, events: LakeTable, grain: Grain, window: Window
) -> frozenset[str] | None:
    """The organisations whose rows of a window (hours or a day of one UTC day) may differ from those that were built.

    None where that is not known: a part of it was never built, or from a commit that is not part of the table any more,
    or a commit's file does not say whose events it holds.
    """
    history, starts = events.history(), list(window.steps(grain.step))
    rows = connection.execute(
        read_sql("rollups/built_from.sql"),
        {"app": app.name, "grain": grain.value, "windows": starts, "version": VERSION},
    ).fetchall()
    built = {row["snapshot_id"] for row in rows}
    if len(rows) < len(starts) or not built <= history.ids:
        return None
    return _of_commits(events, _since(history, built), window.start)


def _since(history: History, built: set[int]) -> Iterable[SnapshotInfo]:
    """The commits after the oldest of some snapshots, all of which are kept."""
    oldest = [snapshot.snapshot_id for snapshot in history.snapshots if snapshot.snapshot_id in built][-1]
    return history.after(oldest)


def _of_commits(events: LakeTable, commits: Iterable[SnapshotInfo], at: datetime) -> frozenset[str] | None:
    found: set[str] = set()
    for commit in commits:
        if moves_only(commit):
            continue
        for file in (*commit.added, *commit.removed, *commit.deletes):
            partition = events.info(file).partition
            if partition is None:
                return None
            if partition.day == at.date():
                found.add(partition.tenant)
    return frozenset(found)
