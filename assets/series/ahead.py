"""Making partitions ahead of time: a month has its table before a row of it is written."""

from collections.abc import Callable
from datetime import datetime

from assets.apps import Series
from assets.series import registry
from assets.series.layout import Partition, PartitionRegistry, missing, uncovered
from assets.windows import Window, month_of
from resources.d1 import D1
from resources.d1.times import stamp

# A try fails only because another process made a change.
TRIES = 20


def make(d1: D1, series: Series, clock: Callable[[], datetime], since: datetime | None = None) -> list[Partition]:
    """Make the missing months, from the first partition (or from `since`) to the next month; returns what was made.

    The tables, their rows in the registry and the view are one transaction. A table that exists already keeps its rows,
    for example because the registry was lost.

    Raises:
        RegistryChangedError: other processes changed the registry during each try.
    """
    return _made(d1, series, lambda current: missing(current, clock(), since), lambda: stamp(clock()))


def cover(d1: D1, series: Series, at: datetime) -> list[Partition]:
    """Make the month that contains `at`, and those between it and the partitions that exist; returns what was made."""
    month = month_of(at.date())

    def wanted(current: PartitionRegistry) -> list[Partition]:
        start = min([month.start, *(p.window.end for p in current.answering[-1:])])
        end = max([month.end, *(p.window.start for p in current.answering[:1])])
        return uncovered(current, Window(start, end))

    def now() -> str:
        return str(d1.query("select strftime('%Y-%m-%dT%H:%M:%fZ', 'now') as now")[0]["now"])

    return _made(d1, series, wanted, now)


def _made(
    d1: D1, series: Series, choose: Callable[[PartitionRegistry], list[Partition]], now: Callable[[], str]
) -> list[Partition]:
    for attempt in range(TRIES):
        current = registry.load(d1, series)
        wanted = choose(current)
        if not wanted:
            break
        names = {partition.name for partition in wanted}
        after = [p for p in current.partitions if p.name not in names]
        tables = [statement for partition in wanted for statement in registry.table(series, partition)]
        try:
            registry.change(d1, current, [*after, *wanted], tables, now())
        except registry.RegistryChangedError:
            if attempt == TRIES - 1:
                raise
        else:
            return wanted
    return []
