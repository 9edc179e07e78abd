"""Which source and which target a table's policy means: the one place that knows all stores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive.d1_source import D1Source, Tables
from assets.archive.d1_target import D1Target, Place, Tell, untold
from assets.archive.lake_source import LakeSource
from assets.archive.lake_target import LakeTarget
from assets.archive.postgres_source import PostgresSource
from assets.archive.postgres_target import PostgresTarget
from assets.archive.quarters import Quarter
from assets.archive.sources import Source
from assets.archive.targets import Into, Target
from assets.events.table import EVENTS
from assets.sesh.ahead import cover
from assets.sesh.families import FAMILIES, Family
from assets.sesh.layout import Partition
from assets.sesh.places import kept_before
from assets.sesh.registry import load
from assets.windows import Window
from resources.d1 import D1
from resources.d1.times import moment, stamp
from resources.lake import Lake
from resources.postgres import Postgres

LAKE_TABLES = {".".join(spec.identifier): spec for spec in (EVENTS,)}


@dataclass(frozen=True)
class Rooms:
    """The stores that tables lie in; a store is opened when it is asked for."""

    lake: Callable[[], Lake]
    postgres: Callable[[], Postgres]
    d1: Callable[[], D1]


def archived(app: App, table: str) -> Lifecycle:
    """The policy of an archived table by the name that people use.

    Raises:
        LookupError: no such table, or one that is not archived; the text says why.
    """
    found = [entry for entry in app.lifecycles if table in (entry.table, entry.name)]
    if not found:
        known = ", ".join(entry.table for entry in app.lifecycles if entry.archive)
        raise LookupError(f"{app.name} has no table {table}; archived are: {known}")
    if found[0].archive is None:
        raise LookupError(f"{app.name} {table} is not archived: {found[0].not_archived}")
    return found[0]


def source_of(lifecycle: Lifecycle, rooms: Rooms) -> Callable[[Quarter], Source]:
    """What opens the table for a quarter."""
    time = lifecycle.time
    assert time is not None  # an archived table has one

    def opened(quarter: Quarter) -> Source:
        if lifecycle.store == "lake":
            return LakeSource(rooms.lake().table(LAKE_TABLES[lifecycle.name]))
        if lifecycle.store == "postgres":
            return PostgresSource(rooms.postgres(), lifecycle.name, time, lifecycle.key)
        d1 = rooms.d1()
        return D1Source(d1, _tables(d1, lifecycle), time, lifecycle.key, stamp, quarter.window)

    return opened


def target_of(lifecycle: Lifecycle, rooms: Rooms, into: Into) -> Target:
    """Where the table is restored to."""
    assert lifecycle.time is not None  # an archived table has one
    if lifecycle.store == "lake":
        return LakeTarget(rooms.lake(), rooms.postgres(), LAKE_TABLES[lifecycle.name], into, lifecycle.key)
    if lifecycle.store == "postgres":
        return PostgresTarget(rooms.postgres(), lifecycle.name, into, lifecycle.key)
    d1 = rooms.d1()
    place, tell = _place(d1, lifecycle), _tell(d1, lifecycle)
    return D1Target(d1, lifecycle.table, into, lifecycle.time, lifecycle.key, place, tell)


def _tables(d1: D1, lifecycle: Lifecycle) -> Tables:
    if not lifecycle.is_family:
        return lambda window: [(lifecycle.name, window)]

    def partitions(window: Window) -> list[tuple[str, Window]]:
        return [(p.name, part) for p, part in load(d1, _FAMILIES[lifecycle.table]).over(window)]

    return partitions


def _place(d1: D1, lifecycle: Lifecycle) -> Place:
    return _Partitions(d1, _FAMILIES[lifecycle.table]) if lifecycle.is_family else lambda _: lifecycle.name


class _Partitions:
    """Which partition holds a time; a month that was pruned is made again."""

    def __init__(self, d1: D1, family: Family) -> None:
        self._d1 = d1
        self._family = family
        self._found: list[Partition] = []

    def __call__(self, at: str) -> str:
        time = moment(at).astimezone(UTC)
        if self._holding(time) is None:
            cover(self._d1, self._family, time)
            self._found = load(self._d1, self._family).answering
        found = self._holding(time)
        assert found is not None, "its month was made"
        return found.name

    def _holding(self, time: datetime) -> Partition | None:
        return next((p for p in self._found if p.window.start <= time < p.window.end), None)


def _tell(d1: D1, lifecycle: Lifecycle) -> Tell:
    """Hours whose metrics are not kept as they are are to be made again of what came back."""

    def told(times: Sequence[str]) -> None:
        kept = kept_before(d1) or ""
        hours = sorted({f"{time[:13]}:00:00.000Z" for time in times if time >= kept})
        d1.upsert("stale_metrics", _STALE, [["hourly", hour] for hour in hours], _STALE)

    return told if lifecycle.is_family else untold


_STALE = ("grain", "windowStart")
_FAMILIES = {family.name: family for family in FAMILIES}
