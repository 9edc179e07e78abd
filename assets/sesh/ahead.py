"""Making partitions: every month up to the next one has its table before a row of it is written."""

from collections.abc import Callable
from datetime import datetime

from assets.sesh import registry
from assets.sesh.families import Family
from assets.sesh.layout import Partition, Registry, missing, uncovered
from assets.windows import Window, month_of
from resources.d1 import D1
from resources.d1.times import stamp

# Each try is lost only to another process that made a change.
TRIES = 20


def make(d1: D1, family: Family, clock: Callable[[], datetime], since: datetime | None = None) -> list[Partition]:
    """Make the months that are missing, from the first partition (or from `since`) to the next month; those made.

    The tables, their rows in the registry and the view are one transaction. A table that is there already (its registry
    was lost, say) is taken with the rows that it has.

    Raises:
        ChangedMeanwhileError: others changed the registry without end.
    """
    return _made(d1, family, lambda found: missing(found, clock(), since), lambda: stamp(clock()))


def cover(d1: D1, family: Family, at: datetime) -> list[Partition]:
    """Make the month that `at` falls in, and those between it and the partitions that there are; those made."""
    month = month_of(at.date())

    def wanted(found: Registry) -> list[Partition]:
        start = min([month.start, *(p.window.end for p in found.answering[-1:])])
        end = max([month.end, *(p.window.start for p in found.answering[:1])])
        return uncovered(found, Window(start, end))

    def now() -> str:
        return str(d1.query("select strftime('%Y-%m-%dT%H:%M:%fZ', 'now') as now")[0]["now"])

    return _made(d1, family, wanted, now)


def _made(
    d1: D1, family: Family, wanting: Callable[[Registry], list[Partition]], now: Callable[[], str]
) -> list[Partition]:
    for attempt in range(TRIES):
        found = registry.load(d1, family)
        wanted = wanting(found)
        if not wanted:
            break
        after = [p for p in found.partitions if p.name not in {made.name for made in wanted}]
        tables = [statement for partition in wanted for statement in registry.table(family, partition)]
        try:
            registry.change(d1, found, [*after, *wanted], tables, now())
        except registry.ChangedMeanwhileError:
            if attempt == TRIES - 1:
                raise
        else:
            return wanted
    return []
