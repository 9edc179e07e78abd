"""Deleting archived rows of Postgres: each is locked, compared with its archive and deleted in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import psycopg.sql

from assets.archive.lines import Column, schema
from assets.archive.postgres_source import as_text, postgres_columns
from assets.archive.quarters import Quarter, quarters
from assets.progress import Progress, silent
from assets.retention import share
from assets.retention.ledger import Ledger
from assets.retention.outcome import Order, Outcome
from assets.retention.proof import Proof
from assets.windows import Window, midnight
from resources.postgres import Connection, Postgres
from resources.postgres.copy import identifier
from resources.r2 import ObjectStore

BATCH_ROWS = 5_000


@dataclass
class SealedPruner:
    """The engine for tables that are archived. Their keys are columns that Postgres compares as it sorts them."""

    store: ObjectStore
    postgres: Postgres
    ledger: Ledger
    progress: Progress = silent

    def run(self, order: Order) -> Outcome:
        """Delete what may go, or say what would. Where that is too much, nothing goes and the outcome says so."""
        entry, outcome = order.entry, Outcome(order)
        proof = Proof(order.app, entry, self.store, self.postgres, outcome.faults)
        with self.postgres.lock(order.lock):
            outcome.total, oldest = self._extent(order)
            found = quarters(Window(oldest, order.before)) if oldest is not None else []
            held: dict[tuple[str, str], int] = {}
            for quarter in found:
                with proof.held(quarter):
                    for proved, others in self._compared(order, proof, quarter, delete=False):
                        outcome.going += proved
                        for bucket, (rows, why) in others.items():
                            held[f"{quarter} of {bucket}", why] = held.get((f"{quarter} of {bucket}", why), 0) + rows
            for (place, why), rows in held.items():
                outcome.hold(place, rows, why)
            if share.admitted(outcome):
                for quarter in found:
                    with proof.held(quarter):
                        for proved, _ in self._compared(order, proof, quarter, delete=True):
                            outcome.deleted += proved
                            self.progress(outcome.deleted, outcome.going)
        return outcome

    def _extent(self, order: Order) -> tuple[int, datetime | None]:
        """How many rows there are, and the UTC midnight before the oldest, where one is old enough."""
        asking = psycopg.sql.SQL("select count(*) as total, min({time}) as oldest from {table}")
        with self.postgres.connection() as connection:
            (row,) = connection.execute(asking.format(**self._names(order))).fetchall()
        oldest = row["oldest"]
        return row["total"], midnight(oldest.date()) if oldest is not None and oldest < order.before else None

    def _compared(
        self, order: Order, proof: Proof, quarter: Quarter, *, delete: bool
    ) -> Iterator[tuple[int, dict[str, tuple[int, str]]]]:
        """Batches of a quarter: how many rows are archived (and went, with `delete`), and the others by bucket."""
        window = quarter.window
        bounds: dict[str, Any] = {"start": window.start, "end": min(window.end, order.before)}
        after: Sequence[Any] | None = None
        while True:
            with self.postgres.connection() as connection:
                columns = postgres_columns(connection, order.entry.name)
                rows, after = self._next(connection, order, columns, bounds, after, lock=delete)
                if not rows.is_empty():
                    proved, others = proof.proved(window, columns, rows.select(list(schema(columns))))
                    if delete and not proved.is_empty():
                        self._delete(connection, order, quarter, proved)
                    yield proved.height, others
            if after is None:
                return

    def _next(
        self,
        connection: Connection,
        order: Order,
        columns: Sequence[Column],
        bounds: dict[str, Any],
        after: Sequence[Any] | None,
        *,
        lock: bool,
    ) -> tuple[pl.DataFrame, Sequence[Any] | None]:
        """The next rows by their key, and the last one's; None where there are no more."""
        key = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, order.entry.key))
        statement = psycopg.sql.SQL(
            "select {columns} from {table} where {time} >= %(start)s and {time} < %(end)s {more}"
            " order by {key} limit %(rows)s {lock}"
        ).format(
            **self._names(order),
            columns=psycopg.sql.SQL(", ").join(map(as_text, columns)),
            more=psycopg.sql.SQL("and ({key}) > ({after})").format(
                key=key, after=psycopg.sql.SQL(", ").join(map(psycopg.sql.Literal, after))
            )
            if after is not None
            else psycopg.sql.SQL(""),
            key=key,
            lock=psycopg.sql.SQL("for update" if lock else ""),
        )
        rows = connection.execute(statement, {**bounds, "rows": BATCH_ROWS}).fetchall()
        last = [rows[-1][name] for name in order.entry.key] if len(rows) == BATCH_ROWS else None
        return pl.DataFrame(rows, schema=schema(columns)), last

    def _delete(self, connection: Connection, order: Order, quarter: Quarter, proved: pl.DataFrame) -> None:
        (name,) = order.entry.key
        deleting = psycopg.sql.SQL("delete from {table} where {key} = any(%(keys)s) and {time} < %(before)s").format(
            **self._names(order), key=psycopg.sql.Identifier(name)
        )
        went = connection.execute(deleting, {"keys": proved[name].to_list(), "before": order.before}).rowcount
        if went != proved.height:
            raise RuntimeError(f"{order.entry.name}: {went} rows went where {proved.height} were locked")
        self.ledger.deleted(connection, order.entry, str(quarter), went, "sealed")

    @staticmethod
    def _names(order: Order) -> dict[str, psycopg.sql.Composable]:
        assert order.entry.time is not None  # an archived table has one
        return {"table": identifier(order.entry.name), "time": psycopg.sql.Identifier(order.entry.time)}
