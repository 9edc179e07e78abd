"""The quarantine of an app's points, whose open lines are in the app's D1."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assets.apps import App
from assets.intake.quarantine import OpenLine, Quarantine
from assets.points import landing
from assets.rooms import Rooms
from resources.d1 import D1, Statement, bulk
from resources.d1.times import stamp
from resources.sql_files import read_sql

# Lines that one answer of D1 holds.
PAGE = 5_000


@dataclass(frozen=True)
class RefusedPoints:
    """The `Refusals` of the quarantine."""

    d1: D1

    def summary(self) -> list[dict[str, Any]]:
        return self.d1.query(read_sql("points/quarantine_summary.sql"))

    def open_lines(self, reason: str | None = None, batch: str | None = None) -> list[OpenLine]:
        pages = self.d1.stream(
            read_sql("points/quarantine_open.sql"), ("sha256", "line"), page=PAGE, params=[reason, batch]
        )
        return [OpenLine(**row) for page in pages for row in page]

    def mark_replayed(self, lines: Sequence[OpenLine], at: datetime) -> None:
        names = [[line.sha256, line.line] for line in lines]
        statement, moment = read_sql("points/quarantine_replayed.sql"), stamp(at)
        pages = [Statement(statement, [moment, page]) for page, _ in bulk.arrays(names)]
        self.d1.batch(pages, idempotent=True)


def quarantine(rooms: Rooms, app: App) -> Quarantine | None:
    """The quarantine of an app's points; None for an app without points."""
    if app.points is None:
        return None
    refusals = RefusedPoints(rooms.d1(app))
    return Quarantine(rooms.object_store, landing.zone(app), app.points.quarantine, refusals, rooms.clock)
