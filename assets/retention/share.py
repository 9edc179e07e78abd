"""The stop before a run that would delete more of a table than its policy expects. Pure."""

from assets.retention.outcome import Outcome

# Tables with fewer rows are never stopped: a day more or less is a large share of them.
SMALL_TABLE = 1_000


def admitted(outcome: Outcome) -> bool:
    """Whether what was found to go may be deleted now; asked once, before anything of the table is deleted.

    False for a dry run, and where more than the entry's share of its rows would go unconfirmed: `outcome.stopped` is
    then one line that says how much it is and what to do.
    """
    order = outcome.order
    entry, going, total = order.entry, outcome.going, outcome.total
    if not order.confirmed and total >= SMALL_TABLE and going > entry.largest_share * total:
        outcome.stopped = (
            f"{order.app} {entry.name}: {going:,} of {total:,} rows would be deleted, {going / total:.0%} where at "
            f"most {entry.largest_share:.0%} go unasked; see `clearlift retention plan --app {order.app} --table "
            f"{entry.table}`, then run it with --confirm, or with confirm: true in the launchpad"
        )
    return not order.dry_run and not outcome.stopped
