"""Refused lines of an app's access log: the ledger of the quarantine, in the schema `cache`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assets.apps import App
from assets.cache import access_log
from assets.intake.quarantine import OpenLine, Quarantine
from assets.rooms import Rooms
from resources.postgres import Postgres
from resources.sql_files import read_sql


@dataclass(frozen=True)
class RefusedAccesses:
    """The `Ledger` of the quarantine. Objects whose bytes were not kept are not in it."""

    postgres: Postgres
    app: str

    def summary(self) -> list[dict[str, Any]]:
        return self.postgres.fetch(read_sql("cache/access_summary.sql"), {"namespace": self.app})

    def open_lines(self, reason: str | None = None, batch: str | None = None) -> list[OpenLine]:
        parameters = {"namespace": self.app, "reason": reason, "batch": batch}
        return [OpenLine(**row) for row in self.postgres.fetch(read_sql("cache/access_open.sql"), parameters)]

    def mark_replayed(self, lines: Sequence[OpenLine], at: datetime) -> None:
        self.postgres.execute(
            read_sql("cache/access_replayed.sql"),
            {
                "namespace": self.app,
                "at": at,
                "objects": [line.object_key for line in lines],
                "lines": [line.line for line in lines],
            },
        )


def quarantine(rooms: Rooms, app: App) -> Quarantine | None:
    """The quarantine of an app's access log; None for an app without a KV namespace."""
    if not app.has_kv:
        return None
    ledger, prefix = RefusedAccesses(rooms.postgres, app.name), access_log.quarantine_prefix(app.name)
    return Quarantine(rooms.object_store, access_log.zone(app.name), prefix, ledger, rooms.clock)
