"""Flushed points for tests: lines, objects and an ingest over Sesh's D1 and a folder."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from assets.apps.sesh import APP as SESH
from assets.intake.quarantine import Quarantine
from assets.points import landing
from assets.points.ingest import PointIngest, PointRun
from assets.points.refused import RefusedPoints
from resources.d1 import D1
from resources.postgres import Postgres
from resources.r2 import ObjectStore
from tests.assets.series.partitioned_d1 import NOW
from tests.rooms import KEYS


class Unlocked:
    """Locks that keep nobody out, for tests of one process. Nobody was erased."""

    @contextmanager
    def lock(self, _name: str) -> Iterator["Unlocked"]:
        yield self

    @contextmanager
    def connection(self) -> Iterator["Unlocked"]:
        yield self

    def execute(self, *_: object) -> "Unlocked":
        return self

    def fetchall(self) -> list[object]:
        return []


def line(session: str = "s1", seq: Any = 1, **fields: Any) -> bytes:
    """A flushed line; a field that is `...` is left out."""
    made = {
        "userId": "u1",
        "sessionId": session,
        "seq": seq,
        "at": "2026-11-21T10:00:00.000Z",
        "values": {"temperature": 190.5, "draws": 1},
        **fields,
    }
    return json.dumps({name: value for name, value in made.items() if value is not ...}).encode()


@dataclass
class Flushes:
    """An ingest of points. `now` is the moment of runs and flushes."""

    d1: D1
    store: ObjectStore
    postgres: Postgres = field(default_factory=lambda: cast(Postgres, Unlocked()))
    now: datetime = NOW
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def flush(self, *lines: bytes, ago: timedelta = timedelta(0), name: str | None = None) -> str:
        """Put lines as one object; its key."""
        key = f"{landing.zone(SESH).hour_prefix(self.now - ago)}{name or f'flush-{next(self.numbers):06}'}.ndjson"
        self.store.put(key, b"\n".join(lines) + b"\n")
        return key

    def engine(self, d1: D1 | None = None) -> PointIngest:
        return PointIngest(
            SESH, d1 or self.d1, self.store, self.postgres, lambda: self.now, lambda: KEYS, group_objects=3
        )

    def ingest(self, *, sweep: bool = False) -> PointRun:
        return self.engine().run(sweep=sweep)

    @property
    def quarantine(self) -> Quarantine:
        """The way back of refused lines."""
        return Quarantine(
            self.store,
            landing.zone(SESH),
            "quarantine/points/",
            RefusedPoints(self.d1),
            lambda: self.now,
            self.engine().judge,
            self.engine().known,
            partial(self.postgres.lock, "sesh.points.quarantine"),
            SESH.holding("d1", "points_*").impersonal_columns,
        )

    def points(self) -> list[tuple[str, int]]:
        found = self.d1.query("select sessionId, seq from points order by sessionId, seq")
        return [(row["sessionId"], row["seq"]) for row in found]
