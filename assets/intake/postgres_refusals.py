"""Refused lines in our own Postgres: what a quarantine asks of a kind whose ledger lies there.

What does not belong here: the statements, a folder under sql/ for each kind, and ledgers in other stores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assets.intake.quarantine import OpenLine
from resources.postgres import Postgres
from resources.sql_files import read_sql


@dataclass(frozen=True)
class PostgresRefusals:
    """The `Refusals` of an app, of the kind whose statements are `sql/{folder}/quarantine_*.sql`."""

    postgres: Postgres
    folder: str
    app: str

    def summary(self) -> list[dict[str, Any]]:
        return self.postgres.fetch(self._statement("summary"), {"app": self.app})

    def open_lines(self, reason: str | None = None, batch: str | None = None) -> list[OpenLine]:
        rows = self.postgres.fetch(self._statement("open"), {"app": self.app, "reason": reason, "batch": batch})
        return [OpenLine(**row) for row in rows]

    def mark_replayed(self, lines: Sequence[OpenLine], at: datetime) -> None:
        self.postgres.execute(
            self._statement("replayed"),
            {
                "app": self.app,
                "at": at,
                "objects": [line.object_key for line in lines],
                "checksums": [line.sha256 for line in lines],
                "lines": [line.line for line in lines],
            },
        )

    def _statement(self, name: str) -> str:
        return read_sql(f"{self.folder}/quarantine_{name}.sql")
