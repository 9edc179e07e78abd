"""Deleting rows of Postgres that are old enough: many short transactions, each asking again whether its rows may go."""

from dataclasses import dataclass
from typing import Any

import psycopg.sql

from assets.progress import Progress, silent
from assets.retention import share
from assets.retention.ledger import Ledger
from assets.retention.outcome import Order, Outcome
from assets.retention.rows import GIVEN, RULES, Rule
from resources.postgres import Connection, Postgres
from resources.postgres.copy import identifier
from resources.r2 import ObjectStore
from resources.sql_files import read_sql

# Some tens of milliseconds of locks.
BATCH_ROWS = 5_000


@dataclass
class PostgresPruner:
    """The engine for tables that have a rule."""

    store: ObjectStore
    postgres: Postgres
    ledger: Ledger
    progress: Progress = silent

    def run(self, order: Order) -> Outcome:
        """Delete what may go, or say what would. Where that is too much, nothing goes and the outcome says so."""
        rule, outcome = RULES[order.entry.name], Outcome(order)
        given: dict[str, Any] = {**GIVEN, "before": order.before}
        if rule.reads:
            given["there"] = [info.key for info in self.store.list(rule.reads)]
        with self.postgres.lock(order.lock):
            self._count(rule, given, outcome)
            if share.admitted(outcome):
                with self.postgres.connection() as connection:
                    self._prove(connection, rule, given)
                while went := self._batch(rule, given, order):
                    outcome.deleted += went
                    self.progress(outcome.deleted, max(outcome.going, outcome.deleted))
        return outcome

    def _count(self, rule: Rule, given: dict[str, Any], outcome: Outcome) -> None:
        counting = psycopg.sql.SQL(
            "select count(*) as total, count(*) filter (where {old}) as old,"
            " count(*) filter (where {old} and {may}) as going from {table} as t"
        ).format(table=identifier(outcome.order.entry.name), old=_sql(rule.old), may=_sql(rule.may))
        with self.postgres.connection() as connection:
            self._prove(connection, rule, given)
            (found,) = connection.execute(counting, given).fetchall()
            connection.rollback()  # what was proved is asked again where rows go
        outcome.total, outcome.going = found["total"], found["going"]
        if found["old"] > found["going"]:
            outcome.hold(outcome.order.entry.name, found["old"] - found["going"], rule.why_not)

    def _batch(self, rule: Rule, given: dict[str, Any], order: Order) -> int:
        deleting = psycopg.sql.SQL(
            "delete from {table} as t where t.ctid = any(array("
            "select t.ctid from {table} as t where {old} and {may} limit %(rows)s for update skip locked"
            ")) and {old} and {may}"
        ).format(table=identifier(order.entry.name), old=_sql(rule.old), may=_sql(rule.may))
        with self.postgres.connection() as connection:
            went = connection.execute(deleting, {**given, "rows": BATCH_ROWS}).rowcount
            if went:
                place = f"before {order.before:%Y-%m-%d}"
                self.ledger.deleted(connection, order.entry, place, went, _why(rule))
        return went

    @staticmethod
    def _prove(connection: Connection, rule: Rule, given: dict[str, Any]) -> None:
        if rule.first:
            connection.execute(read_sql(rule.first), given)


def _why(rule: Rule) -> str:
    return ", ".join(sorted(rule.proves)) or "old enough"


def _sql(text: str) -> psycopg.sql.SQL:
    return psycopg.sql.SQL(text)
