"""Archived rows of Postgres: each is locked, compared with its archive and deleted in one transaction.

What belongs here: tables that are archived. Their keys are columns whose values compare as Postgres sorts them. What
does not: other tables (postgres_rule.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.sql import SQL, Identifier

from assets.apps import App
from assets.archive.quarters import Quarter, quarters
from assets.archive.tables import postgres_of, postgres_table
from assets.retention.deletion import Deletion, DeletionOutcome, Portion
from assets.retention.log import DeletionLog, DeletionRecord
from assets.retention.proof import ArchiveProof
from assets.retention.run import OldRows
from assets.rooms import Rooms
from assets.rows.columns import schema
from assets.rows.postgres import PostgresTable
from assets.windows import Window, midnight
from resources.postgres import Postgres
from resources.postgres.copy import identifier

BATCH_ROWS = 5_000
WHY = "sealed"


@dataclass
class PostgresSealed(OldRows):
    """The rows of an archived table."""

    postgres: Postgres
    table: PostgresTable
    deletion: Deletion
    log: DeletionLog
    proof: ArchiveProof

    @classmethod
    def of(cls, rooms: Rooms, app: App, deletion: Deletion, log: DeletionLog) -> "PostgresSealed":
        """The old rows of an archived table, over the stores of the rooms."""
        entry = deletion.entry
        return cls(
            postgres_of(rooms, app, entry),
            postgres_table(app, entry),
            deletion,
            log,
            ArchiveProof.of(rooms, app, entry),
        )

    def went(self, record: DeletionRecord) -> tuple[int, int]:
        """Only where the log lies in another database than the rows: otherwise every record is settled."""
        quarter = Quarter.parse(record.place)
        with self.proof.locked(quarter):
            left = sum(proved for proved, _ in self._compared(quarter, delete=False))
        return max(0, record.rows - left), 0

    def count(self, outcome: DeletionOutcome) -> list[Portion]:
        self.proof.faults = outcome.faults
        outcome.total, oldest = self._extent()
        portions = []
        staying: dict[tuple[str, str], int] = {}
        for quarter in quarters(Window(oldest, self.deletion.before)) if oldest is not None else []:
            going = 0
            with self.proof.locked(quarter):
                for proved, others in self._compared(quarter, delete=False):
                    going += proved
                    for bucket, (rows, why) in others.items():
                        place = f"{quarter} of {bucket}"
                        staying[place, why] = staying.get((place, why), 0) + rows
            if going:
                portions.append(Portion(str(quarter), going))
        for (place, why), rows in staying.items():
            outcome.hold(place, rows, why)
        return portions

    def delete(self, portion: Portion, outcome: DeletionOutcome) -> None:
        quarter = Quarter.parse(portion.place)
        with self.proof.locked(quarter), self.log.recorded_elsewhere(outcome, portion, WHY):
            for proved, _ in self._compared(quarter, delete=True):
                outcome.gone(proved)

    def _extent(self) -> tuple[int, datetime | None]:
        """How many rows there are, and the UTC midnight before the oldest, where one is old enough."""
        statement = SQL("select count(*) as total, min({}) as oldest from {} where {}").format(
            Identifier(self.table.time), identifier(self.table.name), self.table.own
        )
        with self.postgres.connection() as connection:
            (row,) = connection.execute(statement, dict(self.table.shared)).fetchall()
        oldest = row["oldest"]
        return row["total"], midnight(oldest.date()) if oldest is not None and oldest < self.deletion.before else None

    def _compared(self, quarter: Quarter, *, delete: bool) -> Iterator[tuple[int, dict[str, tuple[int, str]]]]:
        """Batches of a quarter: how many rows are archived (and deleted, with `delete`), and the others by bucket."""
        window = Window(quarter.window.start, min(quarter.window.end, self.deletion.before))
        after: Sequence[Any] | None = None
        while True:
            with self.postgres.connection() as connection:
                rows, after = self.table.page(connection, window, after=after, rows=BATCH_ROWS, locked=delete)
                if not rows.is_empty():
                    columns = self.table.columns(connection)
                    proved, others = self.proof.proved(quarter.window, columns, rows.select(list(schema(columns))))
                    if delete and not proved.is_empty():
                        gone = self.table.delete(connection, proved)
                        if gone != proved.height:
                            raise RuntimeError(f"{self.table.name}: {gone} rows went where {proved.height} were locked")
                        self.log.record_here(connection, self.deletion.entry, Portion(str(quarter), gone), WHY)
                    yield proved.height, others
            if after is None:
                return
