"""Refused lines in our own Postgres: what a quarantine asks of a kind whose ledger lies there.

What does not belong here: the statements, a folder under sql/ for each kind, and ledgers in other stores.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from assets.intake.refused_lines import Change, RefusedLine, Selection
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

    def lines(self, chosen: Selection) -> list[RefusedLine]:
        rows = self.postgres.fetch(self._statement("lines"), {"app": self.app, **asdict(chosen)})
        return [RefusedLine(**row) for row in rows]

    def write(self, changes: Sequence[Change]) -> None:
        with self.postgres.connection() as connection:
            for lines, replayed_as, replayed_at in changes:
                names = {
                    "objects": [line.object_key for line in lines],
                    "checksums": [line.sha256 for line in lines],
                    "lines": [line.line for line in lines],
                }
                values = {"app": self.app, "replayed_as": replayed_as, "replayed_at": replayed_at}
                connection.execute(self._statement("write"), {**names, **values})

    def _statement(self, name: str) -> str:
        return read_sql(f"{self.folder}/quarantine_{name}.sql")
