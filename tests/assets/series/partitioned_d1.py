"""Sesh's D1 with partitions for tests: rows of its families in few words, and a D1 that dies when it is told to."""

import itertools
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assets.apps import Series
from assets.apps.sesh_series import POINTS, SERIES, SESSIONS
from assets.series import ahead, registry
from assets.series.fold import Folding
from assets.windows import Window
from resources.d1 import D1, D1Error, EmbeddedD1
from resources.d1.pace import Pace
from resources.d1.times import stamp
from tests.sql.sesh.database import migrated, put

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SINCE = datetime(2025, 8, 1, tzinfo=UTC)
UNHURRIED = Pace(1.0)


def clock() -> datetime:
    return NOW


def partitioned(path: Path, since: datetime = SINCE, families: Iterable[Series] = SERIES) -> EmbeddedD1:
    """A D1 with two users and partitions from `since` to the next month."""
    d1 = migrated(path)
    fill(d1, since, families)
    return d1


def fill(d1: D1, since: datetime = SINCE, families: Iterable[Series] = SERIES) -> None:
    """Users u1 and u2, and partitions."""
    for user in ("u1", "u2"):
        put(d1, "users", id=user)
    for series in families:
        ahead.make(d1, series, clock, since)


def holder(d1: D1, series: Series, at: datetime) -> str:
    """The partition to write a row of this time to, as the application looks it up."""
    ((partition, _),) = registry.load(d1, series).over(Window(at, at + timedelta(milliseconds=1)))
    return partition.name


def record(d1: D1, name: str, at: datetime, user: str = "u1", **columns: Any) -> None:
    """Write a session of this id as the application does; one that is in its partition is replaced."""
    row = {
        "id": name,
        "userId": user,
        "timestamp": stamp(at),
        "createdAt": stamp(at),
        "updatedAt": stamp(at),
        **columns,
    }
    _insert(d1, holder(d1, SESSIONS, at), row)


def point(d1: D1, session: str, seq: int, at: datetime, user: str = "u1", measures: str = '{"draws":1}') -> None:
    """Write a point past the ingest."""
    row = {"sessionId": session, "seq": seq, "userId": user, "at": stamp(at), "measures": measures}
    _insert(d1, holder(d1, POINTS, at), row)


def _insert(d1: D1, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(row))
    d1.execute(f"insert or replace into {table} ({', '.join(row)}) values ({marks})", list(row.values()))


def rows(d1: D1, series: Series) -> list[tuple[Any, ...]]:
    """Every row of a series, through its view, by key."""
    found = d1.query(f"select {', '.join(series.columns)} from {series.name} order by {', '.join(series.key)}")
    return [tuple(row.values()) for row in found]


class KilledError(BaseException):
    """The process is gone: no handler of ours may catch it."""


class LostError(D1Error):
    """What was asked was done, and nobody was told."""

    def __init__(self) -> None:
        super().__init__(7500, "the answer is lost")


class Mortal:
    """A D1 whose process dies before its nth call, or after it; or whose answer to that call is lost, as `by` says."""

    def __init__(self, d1: D1, at: int, *, after: bool = False, by: type[BaseException] = KilledError) -> None:
        self._d1 = d1
        self.at = at
        self.after = after
        self.by = by
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._d1, name)
        return self._deadly(act) if name in ("query", "execute", "batch") else act

    def _deadly(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls == self.at and not self.after:
                raise self.by
            answer = act(*arguments, **named)
            if self.calls == self.at:
                raise self.by
            return answer

        return acting


def half_copied(d1: D1, series: Series, now: datetime) -> str:
    """Begin to fold months and die as soon as some rows of one are copied; its name."""
    for at in itertools.count(1):
        with suppress(KilledError):
            Folding(Mortal(d1, at), series, lambda: now, UNHURRIED, page=2).run()
        begun = [p.name for p in registry.load(d1, series).answering if p.copied_to is not None]
        if begun:
            return begun[0]
    raise AssertionError("counting has no end")
