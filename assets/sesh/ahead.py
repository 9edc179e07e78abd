"""Making partitions: every month up to the next one has its table before a row of it is written."""

from collections.abc import Callable
from datetime import datetime

from assets.sesh import registry
from assets.sesh.families import Family
from assets.sesh.layout import Partition, missing, stamp
from resources.d1 import D1

# Each try is lost only to another process that made a change.
TRIES = 20


def make(d1: D1, family: Family, clock: Callable[[], datetime], since: datetime | None = None) -> list[Partition]:
    """Make the months that are missing, from the first partition (or from `since`) to the next month; those made.

    The tables, their rows in the registry and the view are one transaction. A table that is there already (its registry
    was lost, say) is taken with the rows that it has.

    Raises:
        ChangedMeanwhileError: others changed the registry without end.
    """
    for attempt in range(TRIES):
        found = registry.load(d1, family)
        wanted = missing(found, clock(), since)
        if not wanted:
            break
        try:
            registry.change(
                d1,
                found,
                [*found.partitions, *wanted],
                [statement for partition in wanted for statement in registry.table(family, partition)],
                stamp(clock()),
            )
        except registry.ChangedMeanwhileError:
            if attempt == TRIES - 1:
                raise
        else:
            return wanted
    return []
