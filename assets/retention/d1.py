"""Retention of tables in D1: in small paced steps, by conditions that each DELETE asks for again.

What belongs here: tables that are what they are called. What does not: families of partitions, which sesh.py prunes
together with their metrics.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from assets.apps.lifecycle import CONDITIONS, Condition, Lifecycle
from assets.archive.quarters import Quarter
from assets.progress import Progress, silent
from assets.retention import share
from assets.retention.d1_aged import COUNTED, AgedRows, key_of
from assets.retention.d1_sealed import SealedRows
from assets.retention.ledger import Ledger
from assets.retention.outcome import Order, Outcome
from assets.retention.proof import DAMAGED, LATE, UNSEALED, Proof
from resources.d1 import D1
from resources.d1.names import quoted
from resources.d1.pace import Pace
from resources.d1.ranges import between, ranges
from resources.postgres import Postgres
from resources.r2 import ObjectStore

# Conditions that this deleter proves of each row.
PROVED: frozenset[Condition] = frozenset({"expired", "sealed", "consumed"})
PAGE = 1_000
UNREAD = "not every reader has read them"
# A log goes up to where the last of its readers stands; while nobody reads it, nothing of it is read.
READ = "live.id <= (select min(last_id) from change_log_readers)"


@dataclass
class D1Pruner:
    """The deleter over one D1. `page`: rows that one transaction deletes at most."""

    d1: D1
    store: ObjectStore
    postgres: Postgres
    ledger: Ledger
    clock: Callable[[], datetime]
    pace: Pace
    page: int = PAGE
    progress: Progress = silent

    def run(self, order: Order) -> Outcome:
        """Delete what may go, or count it where it is a dry run or too much; one process at a time."""
        with self.postgres.lock(order.lock):
            return self._sealed(order) if order.entry.archive is not None else self._aged(order)

    def _aged(self, order: Order) -> Outcome:
        rows = AgedRows(self.d1, order.entry, order.before, self.clock(), self.pace, self.page)
        outcome = Outcome(order)
        rows.count(outcome)
        if not order.dry_run:
            settle_left(self.ledger, order.entry, {order.entry.name: outcome.going})
        if share.admitted(outcome) and outcome.going:
            note = self.ledger.intend(order.entry, order.entry.name, outcome.going, 0, why(order.entry))
            rows.delete(outcome)
            self.ledger.settle(note, outcome.deleted, 0)
        return outcome

    def _sealed(self, order: Order) -> Outcome:
        entry, outcome = order.entry, Outcome(order)
        proof = Proof(order.app, entry, self.store, self.postgres, outcome.faults)
        guard = READ if "consumed" in entry.requires else "true"
        rows = SealedRows(self.d1, proof, self.pace, self.page, guard)
        live = self._live(order, guard)
        outcome.total = sum(there.rows for there in live.values())
        old = {quarter: there for quarter, there in live.items() if quarter.window.end <= order.before}
        # At most: what of it goes, only deleting tells, or a dry run.
        outcome.going = sum(there.rows for there in old.values())
        if not order.dry_run:
            settle_left(self.ledger, entry, {str(quarter): there.rows for quarter, there in live.items()})
        admitted = share.admitted(outcome)
        if outcome.stopped and not order.dry_run:
            return outcome
        outcome.going = 0
        for number, (quarter, there) in enumerate(sorted(old.items()), start=1):
            tables = [(entry.name, quarter.window)]
            with proof.registry.lock(quarter):
                if admitted:
                    note = self.ledger.intend(entry, str(quarter), there.rows, 0, why(entry))
                    gone = sum(rows.delete(quarter, tables))
                    self.ledger.settle(note, gone, 0)
                    outcome.deleted += gone
                else:
                    gone = rows.count(quarter, tables)
                outcome.going += gone
                if there.rows > gone:
                    unread = there.unread >= there.rows - gone
                    outcome.hold(str(quarter), there.rows - gone, UNREAD if unread else why_not(proof, quarter))
            self.progress(number, len(old))
        return outcome

    def _live(self, order: Order, guard: str) -> dict[Quarter, "_Live"]:
        """The rows of a table by the quarters of their time, counted in steps."""
        entry, key = order.entry, key_of(self.d1, order.entry.name)
        assert entry.time is not None  # an archived table has one
        found: dict[Quarter, _Live] = {}
        for lower, upper in ranges(self.d1.query, entry.name, key, COUNTED):
            held, params = between(key, lower, upper)
            sql = (
                f"select substr({quoted(entry.time)}, 1, 10) as day, count(*) as n, "
                f"count(case when {guard} then 1 end) as read from {quoted(entry.name)} as live where {held} group by 1"
            )
            for row in self.pace.step(lambda sql=sql, params=params: self.d1.query(sql, params)):  # type: ignore[misc]
                there = found.setdefault(Quarter.of(date.fromisoformat(row["day"])), _Live())
                there.rows += row["n"]
                there.unread += row["n"] - row["read"]
        return found


@dataclass
class _Live:
    """Rows of a quarter, and how many of them some reader has not read."""

    rows: int = 0
    unread: int = 0


def settle_left(ledger: Ledger, entry: Lifecycle, there: Mapping[str, int]) -> None:
    """Settle what a killed run noted: what it meant to delete, less what is still there; rows by place."""
    for note in ledger.unsettled(entry):
        ledger.settle(note, max(0, note.rows - there.get(note.place, 0)), 0)


def why(entry: Lifecycle) -> str:
    """What lets rows go, for the ledger."""
    return "; ".join((f"older than {entry.delete_after_days} days", *(CONDITIONS[name] for name in entry.requires)))


def why_not(proof: Proof, quarter: Quarter) -> str:
    """Why rows of a quarter stay that are not in its archive as they are."""
    sealed = proof.sealed(quarter)
    if not all(proof.whole(revision) for revision in sealed.values()):
        return DAMAGED
    return LATE if sealed else UNSEALED
