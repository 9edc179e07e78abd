"""The section of requests by class, and what a month of them and of the storage costs by the price list."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from assets.page import figures, prices
from assets.page.blocks import Block, Chart, Charts, Column, Figure, Figures, Line, Note, Section, Standing, Table
from assets.page.prices import Price
from assets.page.sizes import latest
from assets.page.source import Source
from assets.requests_sent import Counted, by_day
from assets.windows import midnight
from resources.counts import counted

NAME, TITLE = "cost", "Requests and their cost"
MONTH = 30
STORES = {"r2": "R2", "kv": "Workers KV", "d1": "D1"}
SAYS = (
    f"Requests that this program sent and noted, and what {MONTH} days like those cost by {prices.SOURCE} as of"
    f" {prices.READ_ON}. Not counted: what applications send, and what engines read and write of the lake themselves."
    " Embedded stores are counted as if they were real, and cost nothing."
)


@dataclass(frozen=True)
class Used:
    """Requests by store, class and day; bytes by kind of store (None: nobody measured them)."""

    days: Sequence[date]
    requests: Sequence[Counted]
    stored: Mapping[str, float | None]


def read(source: Source) -> Used:
    """What was counted, and the newest sizes."""
    return Used(source.days, by_day(source.rooms.postgres, source.days[0]), _stored(latest(source)))


def _stored(sizes: Mapping[str, float]) -> dict[str, float | None]:
    stored: dict[str, float | None] = {}
    for kind, ending in (("r2", "object store"), ("kv", "-kv"), ("d1", "-d1")):
        found = [size for name, size in sizes.items() if name.endswith(ending)]
        stored[kind] = sum(found) if found else None
    return stored


def section(used: Used) -> Section:
    """How it is shown."""
    rows: list[list[str]] = []
    total, unknown = 0.0, False
    known_days = len({one.day for one in used.requests})
    for kind, price in prices.REQUESTS.items():
        number = sum(one.requests for one in used.requests if one.kind == kind)
        in_month = number * MONTH / known_days if known_days else None
        total += price.of(in_month) if in_month is not None else 0.0
        unknown |= in_month is None
        rows.append([kind, figures.count(number if known_days else None), *_month(in_month, price), _price(price, "")])
    for kind, price in prices.STORAGE.items():
        size = used.stored[kind]
        total += price.of(size) if size is not None else 0.0
        unknown |= size is None
        cost = figures.dollars(None if size is None else price.of(size))
        rows.append([f"{STORES[kind]} storage", "", figures.size(size), cost, _price(price, " GB")])
    columns = [
        *(Column("class"), Column(f"in {counted(known_days, 'day')}", True), Column("in a month", True)),
        *(Column("a month costs", True), Column("price")),
    ]
    sum_of = Figure(
        "a month costs",
        figures.dollars(total),
        "at least: some of it is unknown" if unknown else f"prices of {prices.READ_ON}",
        Standing.UNKNOWN if unknown else Standing.PLAIN,
    )
    blocks: list[Block] = [Figures([sum_of, Figure("counted", figures.count(known_days, "day"))])]
    if not known_days:
        blocks.append(Note("No data: no process has noted its requests yet.", Standing.UNKNOWN))
    blocks.append(Table("One row a class of requests, or a store", columns, rows))
    if charts := list(_charts(used)):
        blocks.append(Charts(charts))
    return Section(NAME, TITLE, SAYS, blocks)


def _month(in_month: float | None, price: Price) -> list[str]:
    if in_month is None:
        return [figures.count(None), figures.dollars(None)]
    return [figures.count(round(in_month)), figures.dollars(price.of(in_month))]


def _price(price: Price, unit: str) -> str:
    per, included = ("million", price.included / prices.MILLION) if not unit else ("GB", price.included / prices.GB)
    of = unit or " million"
    return f"{price.dollars:g} $ a {per} after {included:,.0f}{of}"


def _charts(used: Used) -> list[Chart]:
    moments = [midnight(day) for day in used.days]
    known = {one.day for one in used.requests}
    charts = []
    for kind in prices.REQUESTS:
        of_kind = [one for one in used.requests if one.kind == kind]
        counts: Counter[tuple[str, date]] = Counter()
        for one in of_kind:
            counts[one.store, one.day] += one.requests
        stores = sorted({one.store for one in of_kind})
        lines = [
            Line(store, [float(counts[store, day]) if day in known else None for day in used.days]) for store in stores
        ]
        if lines:
            charts.append(
                Chart(kind, "requests a day" if "rows" not in kind else "rows a day", moments, lines, bars=True)
            )
    return charts
