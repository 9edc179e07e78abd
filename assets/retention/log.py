"""The log of deletions in Postgres, `retention.deletions`: written before rows go, and settled once they went.

A killed run leaves a record that is not settled; the next run of that entry settles it. Deletions in our own Postgres
are recorded in the transaction that deletes. What belongs here: the log. What does not: finding out what a killed run
did.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from assets.apps.lifecycle import Lifecycle
from assets.retention.deletion import DeletionOutcome, Portion
from assets.rooms import Clock
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql


@dataclass(frozen=True)
class DeletionRecord:
    """A deletion that was begun: the place, and the rows and bytes that were to go."""

    id: UUID
    place: str
    rows: int
    bytes: int
    run: str
    began_at: datetime


class DeletionLog:
    """The records of one app. `run` names who deletes, for example Dagster's run id."""

    def __init__(self, postgres: Postgres, app: str, run: str, clock: Clock) -> None:
        self._postgres = postgres
        self._app = app
        self._run = run
        self._clock = clock

    def begin(
        self, entry: Lifecycle, portion: Portion, why: str, connection: Connection | None = None
    ) -> DeletionRecord:
        """Record that rows are about to go and what proves that they may (`why`).

        In a transaction of its own, or in that of `connection`.
        """
        statement, parameters = read_sql("retention/intend.sql"), self._parameters(entry, portion, why)
        if connection is None:
            (row,) = self._postgres.fetch(statement, parameters)
        else:
            (row,) = connection.execute(statement, parameters).fetchall()
        return DeletionRecord(**row)

    def settle(self, record: DeletionRecord, rows: int, bytes_: int) -> None:
        """Record how many rows went, 0 where none did. A second call changes nothing."""
        parameters = {"id": record.id, "rows": rows, "bytes": bytes_, "at": self._clock()}
        self._postgres.execute(read_sql("retention/settle.sql"), parameters)

    @contextmanager
    def recorded(self, outcome: DeletionOutcome, portion: Portion, why: str) -> Iterator[None]:
        """Record a deletion around the block that does it and adds to the outcome what went."""
        rows, bytes_ = outcome.deleted, outcome.bytes
        record = self.begin(outcome.deletion.entry, portion, why)
        yield
        self.settle(record, outcome.deleted - rows, outcome.bytes - bytes_)

    def recorded_elsewhere(self, outcome: DeletionOutcome, portion: Portion, why: str) -> AbstractContextManager[None]:
        """The same where the rows lie in another Postgres than the log; nothing where `record_here` does it."""
        ours = outcome.deletion.entry.store == "postgres"
        return nullcontext() if ours else self.recorded(outcome, portion, why)

    def unsettled(self, entry: Lifecycle) -> list[DeletionRecord]:
        """The records of an entry that a killed run left, oldest first."""
        rows = self._postgres.fetch(read_sql("retention/unsettled.sql"), self._names(entry))
        return [DeletionRecord(**row) for row in rows]

    def record_here(self, connection: Connection, entry: Lifecycle, portion: Portion, why: str) -> None:
        """Record rows of our own Postgres in the transaction that deleted them. Rows of one run and place add up."""
        if entry.store == "postgres" and portion.rows:
            connection.execute(read_sql("retention/deleted.sql"), self._parameters(entry, portion, why))

    def _parameters(self, entry: Lifecycle, portion: Portion, why: str) -> dict[str, Any]:
        about = {"place": portion.place, "rows": portion.rows, "bytes": portion.bytes, "why": why}
        return {**self._names(entry), **about, "run": self._run, "at": self._clock()}

    def _names(self, entry: Lifecycle) -> dict[str, Any]:
        return {"app": self._app, "store": entry.store, "name": entry.name}
