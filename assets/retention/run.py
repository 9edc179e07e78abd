"""One run of retention over one entry: lock, settle, count, compare the share, delete or check.

What belongs here: this order, and the contract that each store's old rows fulfil. What does not: how a store finds and
deletes them.
"""

from dataclasses import dataclass
from typing import Protocol

from assets.progress import Progress, silent
from assets.retention import share
from assets.retention.deletion import Deletion, DeletionOutcome, Portion
from assets.retention.log import DeletionLog, DeletionRecord
from resources.postgres import Postgres


class OldRows(Protocol):
    """The old rows of one entry in its store. Its methods are called under the entry's lock, in this order."""

    def went(self, record: DeletionRecord) -> tuple[int, int]:
        """How many rows and bytes a killed run deleted of what it had recorded."""

    def count(self, outcome: DeletionOutcome) -> list[Portion]:
        """The rows that may go, by place. Sets the outcome's total and records the old rows that stay."""

    def check(self, portion: Portion, outcome: DeletionOutcome) -> None:  # noqa: ARG002
        """In a dry run: prove the rows of a portion, where `count` only gave the most that may go. By default nothing,
        because `count` proved them.
        """
        return

    def delete(self, portion: Portion, outcome: DeletionOutcome) -> None:
        """Delete the rows of a portion that may go, and record them in the log."""


@dataclass
class DeletionPlan:
    """What a run will delete of one entry: the portions that may go, and whether their share is admitted."""

    rows: OldRows
    outcome: DeletionOutcome
    portions: list[Portion]
    admitted: bool


def run(
    rows: OldRows, deletion: Deletion, log: DeletionLog, postgres: Postgres, progress: Progress = silent
) -> DeletionOutcome:
    """Delete what may go, or count it where it is a dry run or too much. One process at a time."""
    with postgres.lock(deletion.lock):
        planned = plan(rows, DeletionOutcome(deletion, progress=progress), log)
        finish(planned)
    return planned.outcome


def plan(rows: OldRows, outcome: DeletionOutcome, log: DeletionLog) -> DeletionPlan:
    """Settle what killed runs left, count, and compare the share. To be called under the entry's lock."""
    deletion = outcome.deletion
    if not deletion.dry_run:
        settle(rows, deletion, log)
    portions = rows.count(outcome)
    outcome.going = sum(portion.rows for portion in portions)
    return DeletionPlan(rows, outcome, portions, share.admitted(outcome))


def settle(rows: OldRows, deletion: Deletion, log: DeletionLog) -> None:
    """Record what killed runs deleted of an entry. To be called under the entry's lock."""
    for record in log.unsettled(deletion.entry):
        log.settle(record, *rows.went(record))


def finish(planned: DeletionPlan) -> None:
    """Delete the planned portions; check them in a dry run; nothing where the share is too large."""
    for portion in planned.portions:
        if planned.admitted:
            planned.rows.delete(portion, planned.outcome)
        elif planned.outcome.deletion.dry_run:
            planned.rows.check(portion, planned.outcome)
