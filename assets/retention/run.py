"""One run of retention over one entry: lock, settle, count, compare the share, delete or check.

What belongs here: this order, and the contract that each store's old rows fulfil. What does not: how a store finds and
deletes them.
"""

from dataclasses import dataclass
from typing import Protocol

from assets.progress import Progress, silent
from assets.retention import share
from assets.retention.deletion import Deletion, Outcome, Portion
from assets.retention.log import DeletionLog, Record
from resources.postgres import Postgres


class OldRows(Protocol):
    """The old rows of one entry in its store. Its methods are called under the entry's lock, in this order."""

    def went(self, record: Record) -> tuple[int, int]:
        """How many rows and bytes a killed run deleted of what it had recorded."""

    def count(self, outcome: Outcome) -> list[Portion]:
        """The rows that may go, by place. Sets the outcome's total and records the old rows that stay."""

    def check(self, portion: Portion, outcome: Outcome) -> None:  # noqa: ARG002
        """In a dry run: prove the rows of a portion, where `count` only gave the most that may go. By default nothing,
        because `count` proved them.
        """
        return

    def delete(self, portion: Portion, outcome: Outcome) -> None:
        """Delete the rows of a portion that may go, and record them in the log."""


@dataclass
class Found:
    """What a run found of one entry before it deletes: the portions that may go, and whether they are admitted."""

    rows: OldRows
    outcome: Outcome
    portions: list[Portion]
    admitted: bool


def run(
    rows: OldRows, deletion: Deletion, log: DeletionLog, postgres: Postgres, progress: Progress = silent
) -> Outcome:
    """Delete what may go, or count it where it is a dry run or too much. One process at a time."""
    with postgres.lock(deletion.lock):
        found = find(rows, Outcome(deletion, progress=progress), log)
        finish(found)
    return found.outcome


def find(rows: OldRows, outcome: Outcome, log: DeletionLog) -> Found:
    """Settle what killed runs left, count, and compare the share. To be called under the entry's lock."""
    deletion = outcome.deletion
    if not deletion.dry_run:
        for record in log.unsettled(deletion.entry):
            log.settle(record, *rows.went(record))
    portions = rows.count(outcome)
    outcome.going = sum(portion.rows for portion in portions)
    return Found(rows, outcome, portions, share.admitted(outcome))


def finish(found: Found) -> None:
    """Delete the portions that were found; check them in a dry run; nothing where the share is too large."""
    for portion in found.portions:
        if found.admitted:
            found.rows.delete(portion, found.outcome)
        elif found.outcome.deletion.dry_run:
            found.rows.check(portion, found.outcome)
