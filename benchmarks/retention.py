"""Retention in D1: rows deleted in small steps with rests, and by one DELETE, while another process reads and writes.

By age: the sessions of ClearLift. Sealed: the points of Sesh of one quarter, each compared with its archived row. In
the embedded file a writer waits for the one before it, as every caller of D1 does, so the waits of the other process
are the cost of a step. SQLite tries again after growing rests, so a measured wait is too long rather than too short.
After 30 s it refuses the write.
"""

import itertools
import json
import select
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assets.apps import App
from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import METRICS, POINTS, SESSIONS
from assets.archive.quarters import Quarter
from assets.archive.tables import archived, d1_table
from assets.archive.write import Archiver
from assets.retention.d1_aged import PAGE, D1Aged
from assets.retention.d1_sealed import D1Sealed
from assets.retention.deletion import Deletion, Outcome, Portion
from assets.retention.eligible import due
from assets.retention.log import DeletionLog
from assets.retention.proof import Proof
from assets.retention.run import run
from assets.rows.d1 import D1Source, D1Table
from assets.series import ahead
from assets.series.fold import Folding
from benchmarks import dataset, measure
from resources import migrations
from resources.d1 import D1Error, EmbeddedD1
from resources.d1.pace import Pace
from resources.d1.times import stamp

SIZES = (100_000, 1_000_000)
CONTENDERS = ("by_age", "by_age_at_once", "sealed", "sealed_at_once")
NOW = datetime(2027, 1, 2, 5, 30, tzinfo=UTC)
QUARTER = Quarter(2025, 4)
USERS = 500
# Rows of a session.
POINTS_EACH = 50
READ = "select count(*) as n from users where id = 'u7'"
WRITTEN = "insert into other values (?, ?) on conflict do nothing"


def main() -> None:
    """Print one table for each size."""
    for rows in SIZES:
        shown = []
        contest = measure.contest("benchmarks.retention", CONTENDERS, runs=1, arguments=[str(rows)])
        for name, measured in contest.items():
            details = measured.details
            assert details["deleted"] == rows, f"{name}: {details['deleted']:,} of {rows:,} rows were deleted"
            shown.append(
                [
                    name.replace("_", " "),
                    f"{measured.seconds:.1f}",
                    f"{rows / measured.seconds:,.0f}",
                    *(f"{details[wait] * 1000:,.1f}" for wait in ("write_p50", "write_p99", "write_max")),
                    f"{details['read_max'] * 1000:,.1f}",
                    str(details["refused"]),
                    f"{measured.peak_mb:,.0f}",
                ]
            )
        measure.table(
            f"Retention in D1: {rows:,} rows in steps of {PAGE:,}, and by one DELETE; waits of another process in ms",
            [
                "rows",
                "seconds",
                "rows/s",
                "write p50",
                "write p99",
                "write max",
                "read max",
                "writes refused",
                "peak MB",
            ],
            shown,
        )


def by_age(rows: str) -> Callable[[], Mapping[str, Any]]:
    d1, opened = _sessions(int(rows))
    entry = next(e for e in CLEARLIFT.lifecycles if e.name == "sessions")
    log = DeletionLog(opened.postgres, CLEARLIFT.name, "benchmark", lambda: NOW)
    deletion = Deletion(CLEARLIFT.name, entry, due(entry, NOW, {"expired"}).before, dry_run=False, confirmed=True)
    old = D1Aged(d1, deletion, log, NOW, Pace())

    beside = _Other(d1.path)

    def work() -> Mapping[str, Any]:
        beside.begin()
        deleted = run(old, deletion, log, opened.postgres).deleted
        opened.close()
        return {"deleted": deleted, **beside.waits()}

    return work


def by_age_at_once(rows: str) -> Callable[[], Mapping[str, Any]]:
    d1, opened = _sessions(int(rows))
    opened.close()
    return _at_once(d1, "delete from sessions where created_at < '2026-12-01' and expires_at < '2027-01-01'")


def sealed(rows: str) -> Callable[[], Mapping[str, Any]]:
    d1, opened = _points(int(rows))
    entry = archived(SESH, "points")
    log = DeletionLog(opened.postgres, SESH.name, "benchmark", lambda: NOW)
    deletion = Deletion(SESH.name, entry, QUARTER.window.end, dry_run=False, confirmed=True)
    table = D1Table("points_2025", entry.key, POINTS.time)
    proof = Proof(SESH.name, entry, opened.object_store, opened.postgres)
    old, outcome = D1Sealed(d1, table, deletion, log, proof, Pace()), Outcome(deletion)

    beside = _Other(d1.path)

    def work() -> Mapping[str, Any]:
        beside.begin()
        old.delete(Portion(str(QUARTER), int(rows)), outcome)
        opened.close()
        return {"deleted": outcome.deleted, **beside.waits()}

    return work


def sealed_at_once(rows: str) -> Callable[[], Mapping[str, Any]]:
    d1, opened = _points(int(rows))
    opened.close()
    return _at_once(d1, "delete from points_2025 where at < '2026-01-01'")


def _at_once(d1: EmbeddedD1, statement: str) -> Callable[[], Mapping[str, Any]]:
    table = statement.split()[2]

    beside = _Other(d1.path)

    def work() -> Mapping[str, Any]:
        beside.begin()
        d1.execute(statement)
        waits = beside.waits()
        (left,), (before,) = d1.query(f"select count(*) as n from {table}"), d1.query("select n from before")
        return {"deleted": before["n"] - left["n"], **waits}

    return work


class _Other:
    """A process that reads and writes, from `begin` to `waits`."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.retention", "other", str(path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def begin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("begin\n")
        self._process.stdin.flush()

    def waits(self) -> Mapping[str, float]:
        """End the process; returns its waits in seconds, and the number of refused writes."""
        output, _ = self._process.communicate("end\n")
        waits: dict[str, list[float]] = json.loads(output)
        cut = statistics.quantiles(waits["write"], n=100, method="inclusive")
        return {
            "write_p50": cut[49],
            "write_p99": cut[98],
            "write_max": max(waits["write"]),
            "read_max": max(waits["read"]),
            "refused": len(waits["refused"]),
        }


def other(path: str) -> None:
    """Read and write until a line comes on standard input; print the waits."""
    d1 = EmbeddedD1(Path(path))
    waits: dict[str, list[float]] = {"read": [0.0], "write": [0.0], "refused": []}
    print("ready", flush=True)
    sys.stdin.readline()
    for number in itertools.count():
        if select.select([sys.stdin], [], [], 0.002)[0]:
            break
        for name, act in (
            ("read", lambda: d1.query(READ)),
            ("write", lambda number=number: d1.execute(WRITTEN, [number, "x"])),
        ):
            started = time.perf_counter()
            try:
                act()
            except D1Error:
                waits["refused"].append(number)
            waits[name].append(time.perf_counter() - started)
    print(json.dumps(waits))


def _sessions(rows: int) -> tuple[EmbeddedD1, Any]:
    opened = dataset.stores(f"retention-{rows}")
    whole = opened.settings.home / "sessions.sqlite"
    if not whole.exists():
        with _made(whole, CLEARLIFT) as d1:
            d1.execute("insert into users (id, email, issuer, access_sub) values ('u7', 'e', 'i', 's')")
            old = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
            made = ([f"{n * 7919 % rows:032x}", "u7", *old, f"Mozilla/5.0 (Machine {n % 99})"] for n in range(rows))
            d1.upsert("sessions", ["token", "user_id", "created_at", "expires_at", "user_agent"], made, ["token"], [])
            _finish(d1, rows)
    return _copy(whole), opened


def _points(rows: int) -> tuple[EmbeddedD1, Any]:
    opened = dataset.stores(f"retention-{rows}")
    whole = opened.settings.home / "points.sqlite"
    if not whole.exists():
        with _made(whole, SESH) as d1:
            d1.upsert("users", ["id", "email"], [[f"u{n}", f"e{n}"] for n in range(USERS)], ["id"])
            for series in (SESSIONS, POINTS, METRICS):
                ahead.make(d1, series, lambda: NOW, QUARTER.window.start)
                Folding(d1, series, lambda: NOW, Pace(1.0)).run()
            d1.upsert("points_2025", POINTS.columns, _rows_of_points(rows), POINTS.key, [])
            _finish(d1, rows)
            entry = archived(SESH, "points")
            opened.postgres.execute("truncate archive.revisions")
            Archiver(
                app=SESH.name,
                lifecycle=entry,
                open_source=lambda quarter: D1Source(d1, d1_table(d1, SESH, entry), quarter.window),
                store=opened.object_store,
                postgres=opened.postgres,
                clock=lambda: NOW,
            ).run(QUARTER)
    return _copy(whole), opened


def _rows_of_points(rows: int) -> Iterable[list[Any]]:
    step = (QUARTER.window.end - QUARTER.window.start - timedelta(hours=1)) / rows
    for n in range(rows):
        at = stamp(QUARTER.window.start + n * step)
        session = n // POINTS_EACH
        measures = json.dumps({"temperature": 180 + n % 40 / 4, "draws": n % 3})
        yield [f"session-{session:012x}", n % POINTS_EACH + 1, f"u{session % USERS}", at, measures]


@contextmanager
def _made(path: Path, app: App) -> Iterator[EmbeddedD1]:
    """A new migrated D1. Its file gets its name when it is complete."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    d1 = EmbeddedD1(part)
    migrations.up(migrations.D1AppliedMigrations(d1, f"{app.name}-d1"), f"{app.d1_migrations}")
    yield d1
    d1.close()
    part.replace(path)


def _finish(d1: EmbeddedD1, rows: int) -> None:
    d1.execute("create table other (n integer primary key, text text)")
    d1.execute("create table before (n integer)")
    d1.execute("insert into before values (?)", [rows])


def _copy(whole: Path) -> EmbeddedD1:
    target = whole.with_name("work.sqlite")
    for left in target.parent.glob("work.sqlite*"):
        left.unlink()
    shutil.copyfile(whole, target)
    return EmbeddedD1(target)


if __name__ == "__main__":
    if sys.argv[1:2] == ["other"]:
        other(*sys.argv[2:])
    else:
        main()
