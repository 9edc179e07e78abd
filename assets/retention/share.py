"""The stop before a run that would delete more of a table than its policy expects. Pure.

What belongs here: this decision. What does not: counting rows.
"""

from assets.retention.deletion import DeletionOutcome
from resources.declined import DeclinedError

# Smaller tables are never stopped, because one day is a large share of their rows.
SMALL_TABLE = 1_000


def admitted(outcome: DeletionOutcome) -> bool:
    """Whether the rows that were found may be deleted now. To be called once, before any row is deleted.

    False in a dry run, and where more than the entry's share of its rows would go without confirmation. Then
    `outcome.stopped` has the numbers and what to do.
    """
    deletion = outcome.deletion
    entry, going, total = deletion.entry, outcome.going, outcome.total
    if not deletion.confirmed and total >= SMALL_TABLE and going > entry.largest_share * total:
        outcome.stopped = DeclinedError(
            f"{deletion.app} {entry.name}: {going:,} of {total:,} rows would be deleted, {going / total:.0%} where "
            f"at most {entry.largest_share:.0%} go without confirmation",
            f"look at `clearlift retention plan --app {deletion.app} --table {entry.table}`, then run it with "
            "--confirm, or with confirm: true in the launchpad",
        )
    return not deletion.dry_run and not outcome.stopped
