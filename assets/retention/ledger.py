"""The ledger of deletions in Postgres: what is about to go is noted before it goes, and what went after it went.

A killed run leaves a note that is not settled. The next run of that entry settles it with what it finds: what was
intended less what is still there. Deletions in Postgres itself are noted in the transaction that deletes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from assets.apps.lifecycle import Lifecycle
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql


@dataclass(frozen=True)
class Note:
    """A deletion that was begun. place: what of the entry, e.g. a day of an organisation, a partition, a prefix."""

    id: UUID
    place: str
    rows: int
    bytes: int
    run: str
    began_at: datetime


class Ledger:
    """The notes of one application. `run` names who deletes, e.g. Dagster's run id."""

    def __init__(self, postgres: Postgres, app: str, run: str, clock: Callable[[], datetime]) -> None:
        self._postgres = postgres
        self._app = app
        self._run = run
        self._clock = clock

    def intend(
        self,
        entry: Lifecycle,
        place: str,
        rows: int,
        bytes_: int,
        why: str,
        connection: Connection | None = None,
    ) -> Note:
        """Note that rows are about to go, and what proves that they may (`why`); in a transaction of its own, or in
        that of `connection`.
        """
        given = {"place": place, "rows": rows, "bytes": bytes_, "why": why, "run": self._run, "at": self._clock()}
        statement, of = read_sql("retention/intend.sql"), self._of(entry) | given
        if connection is None:
            (row,) = self._postgres.fetch(statement, of)
        else:
            (row,) = connection.execute(statement, of).fetchall()
        return _note(row)

    def settle(self, note: Note, rows: int, bytes_: int) -> None:
        """Say how many rows of a note went; 0 where it turned out that none did. Twice says the same as once."""
        given = {"id": note.id, "rows": rows, "bytes": bytes_, "at": self._clock()}
        self._postgres.execute(read_sql("retention/settle.sql"), given)

    def unsettled(self, entry: Lifecycle) -> list[Note]:
        """Notes of an entry that a killed run left, oldest first."""
        return [_note(row) for row in self._postgres.fetch(read_sql("retention/unsettled.sql"), self._of(entry))]

    def deleted(self, connection: Connection, entry: Lifecycle, place: str, rows: int, why: str) -> None:
        """Note rows of Postgres in the transaction that deleted them; rows of one run and place add up."""
        given = {"place": place, "rows": rows, "why": why, "run": self._run, "at": self._clock()}
        connection.execute(read_sql("retention/deleted.sql"), self._of(entry) | given)

    def _of(self, entry: Lifecycle) -> dict[str, object]:
        return {"app": self._app, "store": entry.store, "name": entry.name}


def _note(row: dict[str, object]) -> Note:
    return Note(**{name: row[name] for name in ("id", "place", "rows", "bytes", "run", "began_at")})  # type: ignore[arg-type]
