"""How large stores are, against what they may hold, and when they will be full; and how slowly they answer.

What belongs here: measuring sizes, and what is a finding of sizes and times. What does not: the time that a look takes,
which stores.py measures.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from math import inf
from pathlib import Path

from assets.apps import App
from assets.apps.pipelines import PIPELINES
from assets.finding import Finding, HealthCheck, Severity
from assets.health.ledger import Ledger
from assets.rooms import Rooms
from assets.thresholds import Thresholds
from resources.postgres import Postgres
from resources.sql_files import read_sql

GB = 10**9
HOURLY, DAILY = timedelta(hours=1), timedelta(days=1)
# 200 requests of a listing: a tenth of a cent, and less than the time of a look.
MOST_OBJECTS = 200_000
REACH = timedelta(days=30)
# A line through fewer days says little of a month.
FEWEST_DAYS = 2.0
HOUR_LOOKS, DAY_LOOKS = 6, 100
FULL_NOW = 0.95
NO_COMMAND = "no command makes room: keep data for less time, move to a larger store, or correct its limit"
TOO_FAR = "no command makes it faster: its provider or the network is to blame"


@dataclass(frozen=True)
class Measured:
    """One store: its name, the store that must answer, how many bytes it may hold, and what tells how many it does.

    measure: None where it would cost too much. every: how rarely it is asked.
    """

    name: str
    needs: str
    limit: float
    measure: Callable[[], float | None]
    command: str
    every: timedelta = HOURLY


def checks(rooms: Rooms, apps: Sequence[App], home: Path, thresholds: Thresholds) -> list[HealthCheck]:
    """A look at each store's size every hour, and at the times of all."""
    ledger = Ledger(rooms.postgres)
    sizes = [
        HealthCheck(
            PIPELINES.name,
            f"size of {one.name}",
            partial(_sizes, ledger, one, thresholds),
            ("postgres schema", *([one.needs] if one.needs else [])),
            every=one.every,
        )
        for one in measured(rooms, apps, home, thresholds)
    ]
    return [*sizes, HealthCheck(PIPELINES.name, "slow_store", partial(_slow, ledger, thresholds))]


def measured(rooms: Rooms, apps: Sequence[App], home: Path, thresholds: Thresholds) -> Iterator[Measured]:
    """Every store that has a size."""
    postgres, d1, older = thresholds.postgres_gb * GB, thresholds.d1_gb * GB, "clearlift retention plan"
    yield Measured("postgres", "postgres", postgres, lambda: _database(rooms.postgres), older)
    for app in apps:
        if app.postgres_migrations is not None:
            name = f"{app.name}-postgres"
            yield Measured(name, name, postgres, partial(_database_of, rooms, app), older)
        if app.d1_migrations is not None:
            name = f"{app.name}-d1"
            yield Measured(name, f"{name} schema", d1, partial(_file, rooms, app), older)
        if app.has_kv:
            limit, command = thresholds.kv_gb * GB, "clearlift cache status"
            yield Measured(f"{app.name}-kv", "", limit, partial(_cached, rooms, app), command)
    yield Measured("object store", "object store", inf, lambda: _objects(rooms), older, DAILY)
    if home.exists():
        yield Measured("disk", "", float(shutil.disk_usage(home).total), lambda: shutil.disk_usage(home).used, older)


def _sizes(ledger: Ledger, store: Measured, thresholds: Thresholds, now: datetime) -> Iterator[Finding]:
    size = store.measure()
    if size is None:
        return
    ledger.add_samples("bytes", {store.name: size}, now)
    share = thresholds.disk_share if store.name == "disk" else thresholds.size_share
    grown = next((row for row in ledger.growth(now - REACH) if row["subject"] == store.name), None)
    full_in = days_until_full(store.limit - size, grown)
    soon = "" if full_in is None else f"; at today's growth it is full in {full_in:,.0f} days"
    said = f"{size / GB:,.2f} of {store.limit / GB:,.2f} GB are used{soon}; {NO_COMMAND}"
    if size >= share * store.limit or (full_in is not None and full_in < thresholds.forecast_days):
        severity = Severity.CRITICAL if size >= FULL_NOW * store.limit else Severity.WARNING
        yield Finding(store.name, said, store.command, severity)


def days_until_full(left: float, grown: Mapping[str, float] | None) -> float | None:
    """Days until so many bytes are taken too; None where it does not grow, or where too few days are known."""
    if grown is None or grown["days"] < FEWEST_DAYS or grown["a_day"] <= 0:
        return None
    return max(0.0, left) / grown["a_day"]


def _slow(ledger: Ledger, thresholds: Thresholds, now: datetime) -> Iterator[Finding]:
    given = {"at": now, "hour_looks": HOUR_LOOKS, "day_looks": DAY_LOOKS}
    for row in ledger.postgres.fetch(read_sql("health/latency.sql"), given):
        slow = row["median_is_known"] and row["median"] > thresholds.probe_median_ms
        at_times = row["p99_is_known"] and row["p99"] > thresholds.probe_p99_ms
        if slow or at_times:
            said = f"a look takes {row['median'] or 0:,.0f} ms (median of an hour), {row['p99']:,.0f} ms (p99 of a day)"
            said = f"{said}; {TOO_FAR}"
            yield Finding(row["subject"], said, "clearlift doctor")


def _database(postgres: Postgres) -> float:
    return float(postgres.fetch("select pg_database_size(current_database()) as bytes")[0]["bytes"])


def _database_of(rooms: Rooms, app: App) -> float:
    return _database(rooms.app_postgres(app))


def _file(rooms: Rooms, app: App) -> float:
    return float(rooms.d1(app).size())


def _objects(rooms: Rooms) -> float | None:
    """The bytes of all objects; None where there are too many to list."""
    total = 0
    for number, info in enumerate(rooms.object_store.list()):
        if number == MOST_OBJECTS:
            return None
        total += info.size
    return float(total)


def _cached(rooms: Rooms, app: App) -> float:
    sized = "select coalesce(sum(bytes), 0)::bigint as bytes from cache.entries where namespace = %(namespace)s"
    return float(rooms.postgres.fetch(sized, {"namespace": app.name})[0]["bytes"])
