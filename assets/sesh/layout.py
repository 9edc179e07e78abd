"""How a family is laid out in partitions: which there are, which are to be made, which are to be folded, and the view.

Pure: a registry goes in as it was read, the moment as an argument.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from assets.sesh.families import Family
from assets.windows import Window, midnight, month_of
from resources.d1.times import stamp

# D1 takes at most this many terms in one compound SELECT; a term may be a compound SELECT in brackets.
COMPOUND_TERMS = 5


@dataclass(frozen=True)
class Partition:
    """One table of a family and the window of time for which it answers.

    state: `live`; `folding` while a month is copied into its year, and still the one to read and write; `folded` once
    the year answers for it and the month's table is gone. row_count and checksum are those of the fold.
    """

    family: str
    name: str
    window: Window
    grain: Literal["month", "year"]
    state: Literal["live", "folding", "folded"] = "live"
    row_count: int | None = None
    checksum: str | None = None
    copied_to: str | None = None

    @property
    def stands(self) -> bool:
        """Whether its table is there."""
        return self.state != "folded"

    @property
    def answers(self) -> bool:
        """Whether rows are read from it: a year before its first fold has an empty window."""
        return self.stands and self.window.start < self.window.end


@dataclass(frozen=True)
class Registry:
    """The partitions of a family by time, at one version of the registry."""

    family: Family
    version: int
    partitions: tuple[Partition, ...]

    @property
    def answering(self) -> list[Partition]:
        """The partitions that rows are read from, by time."""
        return sorted((p for p in self.partitions if p.answers), key=lambda p: p.window)

    def named(self, name: str) -> Partition | None:
        """The partition of this name."""
        return next((p for p in self.partitions if p.name == name), None)

    def over(self, window: Window) -> list[tuple[Partition, Window]]:
        """The partitions that a window needs, by time, and the part of it that each answers for."""
        parts = ((p, p.window.clipped(window)) for p in self.answering)
        return [(p, part) for p, part in parts if part is not None]


@dataclass(frozen=True)
class Fold:
    """A month to be folded, and the year that takes it: `year` as it is before, with an empty window at the first."""

    month: Partition
    year: Partition

    @property
    def folded(self) -> Partition:
        """The year after it."""
        window = Window(
            min(self.year.window.start, self.month.window.start), max(self.year.window.end, self.month.window.end)
        )
        return replace(self.year, window=window)


def month_partition(family: Family, at: datetime) -> Partition:
    """The month that `at` falls in, as a partition of its own."""
    window = month_of(at.astimezone(UTC).date())
    return Partition(family.name, f"{family.name}_{window.start:%Y_%m}", window, "month")


def year_partition(family: Family, at: datetime) -> Partition:
    """The year that `at` falls in, before it answers for anything: its window is empty and begins at `at`."""
    return Partition(family.name, f"{family.name}_{at.astimezone(UTC):%Y}", Window(at, at), "year")


def bounds(partition: Partition) -> Window:
    """The times that a partition's table can hold: its month, or the whole of its year."""
    if partition.grain == "month":
        return partition.window
    year = partition.window.start.year
    return Window(midnight(datetime(year, 1, 1, tzinfo=UTC)), midnight(datetime(year + 1, 1, 1, tzinfo=UTC)))


def missing(registry: Registry, now: datetime, since: datetime | None = None) -> list[Partition]:
    """Months that have no partition yet: from the first partition (or from `since`) to the month after `now`'s."""
    starts = [p.window.start for p in registry.answering]
    first = min([now.astimezone(UTC), *starts, *([since.astimezone(UTC)] if since else [])])
    last = month_of(month_of(now.astimezone(UTC).date()).end.date()).start
    return uncovered(registry, Window(first, last + timedelta(days=1)))


def aged(registry: Registry, now: datetime) -> list[Partition]:
    """The months that are wholly older than a year, by time."""
    return [p for p in registry.answering if p.grain == "month" and p.window.end <= year_before(now)]


def next_fold(registry: Registry, now: datetime) -> Fold | None:
    """The next month that is older than a year and can be folded: what was begun goes first, then by time.

    A year answers for one window without holes, so a month is folded when it lies beside that.
    """
    for month in sorted(aged(registry, now), key=lambda p: (p.state != "folding", p.window)):
        year = registry.named(year_partition(registry.family, month.window.start).name)
        if year is None or not year.answers:
            return Fold(month, year_partition(registry.family, month.window.start))
        if month.window.start == year.window.end or month.window.end == year.window.start:
            return Fold(month, year)
    return None


def year_before(at: datetime) -> datetime:
    """The same day of the year before; of 29 February the 28th."""
    utc = at.astimezone(UTC)
    return utc.replace(year=utc.year - 1, day=28 if (utc.month, utc.day) == (2, 29) else utc.day)


def view(family: Family, partitions: Iterable[Partition]) -> str:
    """The SELECT of the family's view: each partition within its window."""
    columns = ", ".join(family.columns)
    terms = [
        f"select {columns} from {p.name} where {within(family, p.window)}"
        for p in sorted(partitions, key=lambda p: p.window)
        if p.answers
    ]
    return union(terms, columns)


def within(family: Family, window: Window) -> str:
    """The condition that a row lies in a window."""
    return f"{family.time} >= '{stamp(window.start)}' and {family.time} < '{stamp(window.end)}'"


def source(registry: Registry, window: Window) -> str:
    """What to select the rows of a window from that lies in one month: its partition, or nothing where none is."""
    found = registry.over(window)
    if not found:
        return f"(select {', '.join(f'null as {name}' for name in registry.family.columns)} where false)"
    ((partition, _),) = found
    return partition.name


def uncovered(registry: Registry, window: Window) -> list[Partition]:
    """The months of a window for which no partition answers."""
    return [
        month
        for month in _months(registry.family, window.start, window.end - timedelta(microseconds=1))
        if not any(p.window.start <= month.window.start < p.window.end for p in registry.answering)
    ]


def union(terms: Sequence[str], columns: str) -> str:
    """UNION ALL of any number of SELECTs, nested where there are more than D1 takes at once."""
    while len(terms) > COMPOUND_TERMS:
        groups = [terms[at : at + COMPOUND_TERMS] for at in range(0, len(terms), COMPOUND_TERMS)]
        terms = [f"select {columns} from ({' union all '.join(group)})" for group in groups]
    return " union all ".join(terms)


def _months(family: Family, first: datetime, last: datetime) -> Iterator[Partition]:
    month = month_partition(family, first)
    while month.window.start <= last:
        yield month
        month = month_partition(family, month.window.end)
