"""Refused lines of an app's events: the ledger of the quarantine, in the schema `ingest`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assets.apps import App
from assets.events import landing
from assets.intake.quarantine import OpenLine, Quarantine
from assets.rooms import Rooms
from resources.postgres import Postgres
from resources.sql_files import read_sql


@dataclass(frozen=True)
class RefusedEvents:
    """The `Ledger` of the quarantine. Lines of a run that is not committed are not in it."""

    postgres: Postgres
    app: str

    def summary(self) -> list[dict[str, Any]]:
        return self.postgres.fetch(read_sql("events/quarantine_summary.sql"), {"app": self.app})

    def open_lines(self, reason: str | None = None, batch: str | None = None) -> list[OpenLine]:
        rows = self.postgres.fetch(
            read_sql("events/quarantine_open.sql"), {"app": self.app, "reason": reason, "batch": batch}
        )
        return [OpenLine(**row) for row in rows]

    def mark_replayed(self, lines: Sequence[OpenLine], at: datetime) -> None:
        self.postgres.execute(
            read_sql("events/quarantine_replayed.sql"),
            {
                "app": self.app,
                "at": at,
                "checksums": [line.sha256 for line in lines],
                "lines": [line.line for line in lines],
            },
        )


def quarantine(rooms: Rooms, app: App) -> Quarantine | None:
    """The quarantine of an app's events; None for an app without an audience."""
    if app.audience is None:
        return None
    ledger = RefusedEvents(rooms.postgres, app.name)
    return Quarantine(rooms.object_store, landing.zone(app), app.audience.quarantine, ledger, rooms.clock)
