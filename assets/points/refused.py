"""The quarantine of an app's points, whose refused lines are in the app's D1."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from assets.apps import App
from assets.intake.quarantine import Quarantine
from assets.intake.refused_lines import Change, RefusedLine, Selection
from assets.points import landing
from assets.points.ingest import PointIngest
from assets.rooms import Rooms
from resources.d1 import D1, Statement, bulk
from resources.d1.database import Row
from resources.d1.times import moment, stamp
from resources.sql_files import read_sql

# Lines that one answer of D1 holds.
PAGE = 5_000


@dataclass(frozen=True)
class RefusedPoints:
    """The `Refusals` of the quarantine."""

    d1: D1

    def summary(self) -> list[dict[str, Any]]:
        return self.d1.query(read_sql("points/quarantine_summary.sql"))

    def lines(self, chosen: Selection) -> list[RefusedLine]:
        params = [chosen.reason, chosen.field, chosen.value, chosen.batch, chosen.replay, chosen.state]
        pages = self.d1.stream(read_sql("points/quarantine_lines.sql"), ("sha256", "line"), page=PAGE, params=params)
        return [_line(row) for page in pages for row in page]

    def write(self, changes: Sequence[Change]) -> None:
        statement, batch = read_sql("points/quarantine_write.sql"), list[Statement]()
        for lines, replayed_as, replayed_at in changes:
            names = [[line.sha256, line.line] for line in lines]
            at = stamp(replayed_at) if replayed_at else None
            batch += [Statement(statement, [replayed_as, at, page]) for page, _ in bulk.arrays(names)]
        if batch:
            self.d1.batch(batch, idempotent=True)


def quarantine(rooms: Rooms, app: App) -> Quarantine | None:
    """The quarantine of an app's points; None for an app without points."""
    if app.points is None:
        return None
    ingest = PointIngest.of(rooms, app)
    return Quarantine(
        rooms.object_store,
        landing.zone(app),
        app.points.quarantine,
        RefusedPoints(rooms.d1(app)),
        rooms.clock,
        ingest.judge,
        ingest.known,
        partial(rooms.postgres.lock, f"{app.name}.points.quarantine"),
        app.holding("d1", f"{app.points.series.name}_*").impersonal_columns,
    )


def _line(row: Row) -> RefusedLine:
    at = row["replayed_at"]
    return RefusedLine(**{**row, "kept": bool(row["kept"]), "replayed_at": moment(at) if at else None})
