"""The layout of a series in partitions: which exist, which must be made, which must be folded, and the view. Pure.

A registry comes in as it was read, and the present time as an argument.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Literal

from assets.apps import Series
from assets.windows import Window, midnight, month_of
from resources.d1.times import stamp

# D1 accepts at most this many terms in one compound SELECT. A term may be a compound SELECT in brackets.
COMPOUND_TERMS = 5
# So many partitions may be read together: the view over them, and the read that names every column, are statements
# below D1's 100 KB. Months of two years are 26 at most, so that 94 are left for the years before them.
MOST_PARTITIONS = 120


@dataclass(frozen=True)
class Partition:
    """One table of a series, and the window of time whose rows are read from it.

    state: `live`; `folding` while a month is copied into its year (it is still read and written); `folded` once its
    rows are read from the year and its table is dropped. row_count and checksum: as counted by the fold. copied_to: the
    key, as a JSON array, up to which a folding month is copied.
    """

    series: str
    name: str
    window: Window
    grain: Literal["month", "year"]
    state: Literal["live", "folding", "folded"] = "live"
    row_count: int | None = None
    checksum: str | None = None
    copied_to: str | None = None

    @property
    def stands(self) -> bool:
        """Whether its table exists."""
        return self.state != "folded"

    @property
    def answers(self) -> bool:
        """Whether rows are read from it. A year has an empty window before its first fold."""
        return self.stands and self.window.start < self.window.end


@dataclass(frozen=True)
class PartitionRegistry:
    """The partitions of a series by time, at one version of the registry."""

    series: Series
    version: int
    partitions: tuple[Partition, ...]

    @property
    def answering(self) -> list[Partition]:
        """The partitions that rows are read from, by time."""
        return sorted((p for p in self.partitions if p.answers), key=lambda p: p.window)

    def named(self, name: str) -> Partition | None:
        """The partition with this name, if there is one."""
        return next((p for p in self.partitions if p.name == name), None)

    def over(self, window: Window) -> list[tuple[Partition, Window]]:
        """The partitions that hold a window's rows, by time, each with its part of the window."""
        parts = ((p, p.window.clipped(window)) for p in self.answering)
        return [(p, part) for p, part in parts if part is not None]


@dataclass(frozen=True)
class Fold:
    """A month that must be folded, and the year that receives it, as the year is before the fold."""

    month: Partition
    year: Partition

    @property
    def folded(self) -> Partition:
        """The year after the fold."""
        window = Window(
            min(self.year.window.start, self.month.window.start), max(self.year.window.end, self.month.window.end)
        )
        return replace(self.year, window=window)


def month_partition(series: Series, at: datetime) -> Partition:
    """The partition of the month that contains `at`."""
    window = month_of(at.astimezone(UTC).date())
    return Partition(series.name, f"{series.name}_{window.start:%Y_%m}", window, "month")


def year_partition(series: Series, at: datetime) -> Partition:
    """The partition of the year that contains `at`, before the first fold: its window is empty and begins at `at`."""
    return Partition(series.name, f"{series.name}_{at.astimezone(UTC):%Y}", Window(at, at), "year")


def bounds(partition: Partition) -> Window:
    """The times that a partition's table accepts: its month, or its whole year."""
    if partition.grain == "month":
        return partition.window
    year = partition.window.start.year
    return Window(midnight(datetime(year, 1, 1, tzinfo=UTC)), midnight(datetime(year + 1, 1, 1, tzinfo=UTC)))


def missing(registry: PartitionRegistry, now: datetime, since: datetime | None = None) -> list[Partition]:
    """What to make, so that every month has a partition: from the first (or `since`) to the month after that of `now`.

    See `joined`.
    """
    starts = [p.window.start for p in registry.answering]
    first = min([now.astimezone(UTC), *starts, *([since.astimezone(UTC)] if since else [])])
    last = month_of(month_of(now.astimezone(UTC).date()).end.date()).start
    return joined(registry, uncovered(registry, Window(first, last + timedelta(days=1))), now)


def joined(registry: PartitionRegistry, months: Iterable[Partition], now: datetime) -> list[Partition]:
    """What to make for months without a partition: the months, but one year for those of a year that ended a year ago.

    So the number of partitions grows by one a year, however far back history is imported.
    """
    by_year = groupby(sorted(months, key=lambda p: p.window), key=lambda p: p.window.start.year)
    return [p for _, together in by_year for p in _joined(registry, list(together), now)]


def _joined(registry: PartitionRegistry, months: list[Partition], now: datetime) -> list[Partition]:
    """The same for months of one year. A year has one window without holes: a month that is not beside it stays."""
    empty = year_partition(registry.series, months[0].window.start)
    found = registry.named(empty.name)
    if bounds(empty).end > year_before(now) or (found is not None and not found.answers):
        return months
    year = found or empty
    for month in months:
        if month.window.start == year.window.end:
            year = replace(year, window=Window(year.window.start, month.window.end))
    for month in reversed(months):
        if month.window.end == year.window.start:
            year = replace(year, window=Window(month.window.start, year.window.end))
    beside = [month for month in months if month.window.clipped(year.window) is None]
    return beside if year == found else [*beside, year]


def aged(registry: PartitionRegistry, now: datetime) -> list[Partition]:
    """The months that ended at least a year ago, by time."""
    return [p for p in registry.answering if p.grain == "month" and p.window.end <= year_before(now)]


def next_fold(registry: PartitionRegistry, now: datetime) -> Fold | None:
    """The next month that is older than a year and can be folded: a fold that was begun comes first, then by time.

    A year has one window without holes. So a month can be folded only when it lies beside this window.
    """
    for month in sorted(aged(registry, now), key=lambda p: (p.state != "folding", p.window)):
        year = registry.named(year_partition(registry.series, month.window.start).name)
        if year is None or not year.answers:
            return Fold(month, year_partition(registry.series, month.window.start))
        if month.window.start == year.window.end or month.window.end == year.window.start:
            return Fold(month, year)
    return None


def year_before(at: datetime) -> datetime:
    """The same day of the year before; 28 February for 29 February."""
    utc = at.astimezone(UTC)
    return utc.replace(year=utc.year - 1, day=28 if (utc.month, utc.day) == (2, 29) else utc.day)


def view(series: Series, partitions: Iterable[Partition]) -> str:
    """The SELECT of a series's view: each partition within its window."""
    columns = ", ".join(series.columns)
    terms = [
        f"select {columns} from {p.name} where {within(series, p.window)}"
        for p in sorted(partitions, key=lambda p: p.window)
        if p.answers
    ]
    return union(terms, columns)


def within(series: Series, window: Window) -> str:
    """The condition that a row lies in a window."""
    return f"{series.time} >= '{stamp(window.start)}' and {series.time} < '{stamp(window.end)}'"


def source(registry: PartitionRegistry, window: Window) -> str:
    """The table that holds the rows of a window within one month; an empty SELECT where no partition exists."""
    parts = registry.over(window)
    if not parts:
        return f"(select {', '.join(f'null as {name}' for name in registry.series.columns)} where false)"
    ((partition, _),) = parts
    return partition.name


def uncovered(registry: PartitionRegistry, window: Window) -> list[Partition]:
    """The months of a window that have no partition."""
    return [
        month
        for month in _months(registry.series, window.start, window.end - timedelta(microseconds=1))
        if not any(p.window.start <= month.window.start < p.window.end for p in registry.answering)
    ]


def union(terms: Sequence[str], columns: str) -> str:
    """UNION ALL of any number of SELECTs, nested when there are more than D1 accepts side by side."""
    while len(terms) > COMPOUND_TERMS:
        groups = [terms[at : at + COMPOUND_TERMS] for at in range(0, len(terms), COMPOUND_TERMS)]
        terms = [f"select {columns} from ({' union all '.join(group)})" for group in groups]
    return " union all ".join(terms)


def _months(series: Series, first: datetime, last: datetime) -> Iterator[Partition]:
    month = month_partition(series, first)
    while month.window.start <= last:
        yield month
        month = month_partition(series, month.window.end)
