"""The section of stores: how large each is, how it grows, when it is full, and how quickly it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import isinf

from assets.health.ledger import Ledger
from assets.health.sizes import DAY_LOOKS, HOUR_LOOKS, days_until_full, measured
from assets.page import figures
from assets.page.blocks import NO_DATA, Block, Cell, Chart, Charts, Column, Line, Section, Standing, Table
from assets.page.source import DAYS, Source
from assets.windows import midnight
from resources.sql_files import read_sql

NAME, TITLE = "stores", "Stores"
SAYS = (
    f"Sizes are measured hourly; growth is a line through the last {DAYS} days. How long a look at the store took is"
    " the median of an hour and the 99th percentile of a day."
)


@dataclass(frozen=True)
class Size:
    """A store: its bytes and what it may hold (None: no limit), growth a day, days until it is full; None: unknown."""

    store: str
    bytes: float | None
    limit: float | None
    share: float
    grown: float | None
    full_in: float | None


@dataclass(frozen=True)
class Sizes:
    """All stores, their sizes by day, and by store the milliseconds of a look (median, p99)."""

    stores: Sequence[Size]
    days: Sequence[date]
    by_day: Mapping[tuple[str, date], float]
    looks: Mapping[str, tuple[float | None, float | None]]
    forecast_days: float


def latest(source: Source) -> dict[str, float]:
    """The newest size of every store that was measured."""
    return {row["subject"]: row["bytes"] for row in Ledger(source.rooms.postgres).growth(source.since)}


def read(source: Source) -> Sizes:
    """What the samples say; a store that was never measured is there without a size."""
    thresholds = source.thresholds
    grown = {row["subject"]: row for row in Ledger(source.rooms.postgres).growth(source.since)}
    stores = []
    for one in measured(source.rooms, source.apps, source.home, thresholds):
        row = grown.get(one.name)
        size = row["bytes"] if row else None
        stores.append(
            Size(
                one.name,
                size,
                None if isinf(one.limit) else one.limit,
                thresholds.disk_share if one.name == "disk" else thresholds.size_share,
                row["a_day"] if row and row["days"] >= 1 else None,
                None if size is None or isinf(one.limit) else days_until_full(one.limit - size, row),
            )
        )
    by_day = {(row["store"], row["day"]): row["bytes"] for row in source.fetch("sizes_by_day", since=source.since)}
    given = {"at": source.now, "hour_looks": HOUR_LOOKS, "day_looks": DAY_LOOKS}
    looks = {
        row["subject"]: (row["median"], row["p99"])
        for row in source.rooms.postgres.fetch(read_sql("health/latency.sql"), given)
    }
    return Sizes(stores, source.days, by_day, looks, thresholds.forecast_days)


def section(sizes: Sizes) -> Section:
    """How it is shown."""
    columns = [
        *(Column("store"), Column("size", True), Column("may hold", True), Column("used", True)),
        *(Column("grows a day", True), Column("full in", True)),
    ]
    blocks: list[Block] = [Table("Sizes, one row a store", columns, [_row(sizes, one) for one in sizes.stores])]
    charts = [_chart(sizes, one) for one in sizes.stores if one.bytes is not None]
    if charts:
        blocks.append(Charts(charts))
    looks = [[name, *map(figures.milliseconds, times)] for name, times in sorted(sizes.looks.items())]
    columns = [Column("store"), Column("median", True), Column("99th percentile", True)]
    empty = "no data: nobody looked in the last day"
    blocks.append(Table("How long a look at each store takes", columns, looks, empty, folded=True))
    return Section(NAME, TITLE, SAYS, blocks)


def _row(sizes: Sizes, one: Size) -> list[str | Cell]:
    used = one.bytes / one.limit if one.bytes is not None and one.limit else None
    soon = one.full_in is not None and one.full_in < sizes.forecast_days
    return [
        one.store,
        Cell(figures.size(one.bytes), Standing.UNKNOWN if one.bytes is None else Standing.PLAIN),
        figures.size(one.limit) if one.limit else "no limit",
        Cell(
            figures.share(used) if one.limit else "",
            Standing.WARNING if used is not None and used >= one.share else Standing.PLAIN,
        ),
        figures.size(one.grown),
        Cell(_full_in(one), Standing.WARNING if soon else Standing.PLAIN),
    ]


def _full_in(one: Size) -> str:
    if one.limit is None:
        return ""
    if one.full_in is not None:
        return figures.duration(timedelta(days=min(one.full_in, 99_999)))
    return "it does not grow" if one.grown is not None and one.grown <= 0 else NO_DATA


def _chart(sizes: Sizes, one: Size) -> Chart:
    values = [sizes.by_day.get((one.store, day)) for day in sizes.days]
    unit, bytes_of = figures.bytes_unit(max((value for value in values if value is not None), default=0))
    line = Line(one.store, [None if value is None else round(value / bytes_of, 3) for value in values])
    return Chart(f"{one.store}: size", unit, [midnight(day) for day in sizes.days], [line])
