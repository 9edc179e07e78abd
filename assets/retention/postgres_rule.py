"""Old rows of Postgres that need no archive: deleted in many short transactions, each of which asks the rule again.

What belongs here: rows by their age, or by the rule of their entry. What does not: archived tables
(postgres_sealed.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg.sql import SQL, Composable, Identifier

from assets.apps import App
from assets.apps.lifecycle import Rule
from assets.archive.tables import postgres_of, postgres_table
from assets.retention.deletion import Deletion, DeletionOutcome, Portion
from assets.retention.log import DeletionLog, DeletionRecord
from assets.retention.parameters import PARAMETERS
from assets.retention.run import OldRows
from assets.rooms import Rooms
from assets.rows.postgres import PostgresTable
from resources.postgres import Connection, Postgres
from resources.postgres.copy import identifier
from resources.sql_files import read_sql

# Rows whose locks are held for some tens of milliseconds.
BATCH_ROWS = 5_000


@dataclass
class PostgresRule(OldRows):
    """The rows of an entry that has a rule, or whose age is enough. `listed`: keys that the rule's prefix holds."""

    postgres: Postgres
    table: PostgresTable
    deletion: Deletion
    log: DeletionLog
    listed: list[str] | None = None

    @classmethod
    def of(cls, rooms: Rooms, app: App, deletion: Deletion, log: DeletionLog) -> "PostgresRule":
        """The old rows of an entry, over the stores of the rooms."""
        entry = deletion.entry
        prefix = entry.rule.listed if entry.rule else ""
        listed = [info.key for info in rooms.object_store.list(prefix.rstrip("/"))] if prefix else None
        return cls(postgres_of(rooms, app, entry), postgres_table(app, entry), deletion, log, listed)

    def went(self, record: DeletionRecord) -> tuple[int, int]:
        return max(0, record.rows - sum(rows for why, rows in self._old() if why is None)), 0

    def count(self, outcome: DeletionOutcome) -> list[Portion]:
        total = SQL("select count(*) as n from {} where {}").format(identifier(self.table.name), self.table.own)
        with self.postgres.connection() as connection:
            (row,) = connection.execute(total, dict(self.table.shared)).fetchall()
        outcome.total = row["n"]
        going = 0
        for why, rows in self._old():
            if why is None:
                going = rows
            else:
                outcome.hold(self.table.name, rows, why)
        # Without rows too, a rule's first statement records what is proved: rows of other entries wait for it.
        return [Portion(self.deletion.place, going)] if going or self._entry_rule.first else []

    def delete(self, portion: Portion, outcome: DeletionOutcome) -> None:
        with self.postgres.connection() as connection:
            self._prove(connection)
        with self.log.recorded_elsewhere(outcome, portion, self._why):
            for rows in self._batches():
                outcome.gone(rows)

    def _old(self) -> list[tuple[str | None, int]]:
        """The numbers of old rows by why they stay, None for those that may go."""
        counting = SQL("select held_back, count(*) as n from ({}) as old group by held_back").format(self._rule)
        with self.postgres.connection() as connection:
            self._prove(connection)
            groups = connection.execute(counting, self._parameters).fetchall()
            connection.rollback()  # the deletion proves it again
        return [(group["held_back"], group["n"]) for group in groups]

    def _batches(self) -> Iterator[int]:
        deleting = SQL(
            "delete from {} where ctid = any(array("
            "select row_id from ({}) as old where held_back is null limit %(rows)s for update skip locked))"
        ).format(identifier(self.table.name), self._rule)
        while True:
            with self.postgres.connection() as connection:
                rows = connection.execute(deleting, {**self._parameters, "rows": BATCH_ROWS}).rowcount
                self.log.record_here(connection, self.deletion.entry, Portion(self.deletion.place, rows), self._why)
            if not rows:
                return
            yield rows

    def _prove(self, connection: Connection) -> None:
        if self._entry_rule.first:
            connection.execute(read_sql(self._entry_rule.first), self._parameters)

    @property
    def _entry_rule(self) -> Rule:
        return self.deletion.entry.rule or Rule("")

    @property
    def _rule(self) -> Composable:
        if self._entry_rule.statement:
            return SQL(read_sql(self._entry_rule.statement))
        return SQL("select ctid as row_id, null::text as held_back from {} where {} < %(before)s and {}").format(
            identifier(self.table.name), Identifier(self.table.time), self.table.own
        )

    @property
    def _parameters(self) -> dict[str, Any]:
        deletion = self.deletion
        return {
            **PARAMETERS,
            **self.table.shared,
            "app": deletion.app,
            "before": deletion.before,
            "listed": self.listed,
        }

    @property
    def _why(self) -> str:
        return ", ".join(sorted(self._entry_rule.proves)) or "old enough"
