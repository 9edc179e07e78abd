"""Making partitions ahead of time: a month has its table before a row of it is written.

Months of a year that ended at least a year ago are made as this year. So a long history has few partitions.
"""

from collections.abc import Callable
from datetime import datetime

from assets.apps import Series
from assets.series import registry
from assets.series.layout import MOST_PARTITIONS, Partition, PartitionRegistry, joined, missing, uncovered
from assets.windows import Window, month_of
from resources.d1 import D1
from resources.d1.times import moment, stamp

# A try fails only because another process made a change.
TRIES = 20


class TooManyPartitionsError(ValueError):
    """History is asked for from so long ago that its partitions could not be read together."""


def make(d1: D1, series: Series, clock: Callable[[], datetime], since: datetime | None = None) -> list[Partition]:
    """Make what is missing, from the first partition (or from `since`) to the next month; returns what was made.

    The tables, their rows in the registry and the view are one transaction. A table that exists already keeps its rows,
    for example because the registry was lost.

    Raises:
        RegistryChangedError: other processes changed the registry during each try.
        TooManyPartitionsError: `since` is too long ago. Nothing was made.
    """
    return _made(d1, series, lambda current, now: missing(current, now, since), lambda: stamp(clock()))


def cover(d1: D1, series: Series, at: datetime) -> list[Partition]:
    """Make what holds the month of `at` and those between it and the partitions that exist; returns what was made.

    Raises: as `make`, where `at` is what is too long ago.
    """
    month = month_of(at.date())

    def wanted(current: PartitionRegistry, now: datetime) -> list[Partition]:
        start = min([month.start, *(p.window.end for p in current.answering[-1:])])
        end = max([month.end, *(p.window.start for p in current.answering[:1])])
        return joined(current, uncovered(current, Window(start, end)), now)

    def now() -> str:
        return str(d1.query("select strftime('%Y-%m-%dT%H:%M:%fZ', 'now') as now")[0]["now"])

    return _made(d1, series, wanted, now)


def _made(
    d1: D1,
    series: Series,
    choose: Callable[[PartitionRegistry, datetime], list[Partition]],
    now: Callable[[], str],
) -> list[Partition]:
    for attempt in range(TRIES):
        current, at = registry.load(d1, series), now()
        wanted = choose(current, moment(at))
        if not wanted:
            break
        names = {partition.name for partition in wanted}
        after = [*(p for p in current.partitions if p.name not in names), *wanted]
        answering = sum(partition.answers for partition in after)
        if answering > MOST_PARTITIONS:
            raise TooManyPartitionsError(
                f"{series.name} would have {answering} partitions, above {MOST_PARTITIONS}: ask for a shorter history"
            )
        tables = [statement for partition in wanted for statement in registry.table(series, partition)]
        try:
            registry.change(d1, current, after, tables, at)
        except registry.RegistryChangedError:
            if attempt == TRIES - 1:
                raise
        else:
            return wanted
    return []
