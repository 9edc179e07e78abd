"""The section of organisations: events, visitors, spend, CPA and ROAS of each, by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from assets.page import figures
from assets.page.blocks import Block, Cell, Chart, Charts, Column, Line, Section, Standing, Table
from assets.page.source import DAYS, Source
from assets.windows import midnight

NAME, TITLE = "organisations", "Organisations by day"
MODEL = "last"
MOST = 12
SAYS = (
    f"The last {DAYS} days. Visitors are distinct within a day. CPA is spend a conversion, ROAS revenue a unit of"
    f" spend, both by the model `{MODEL}` and in each currency apart; days of ad accounts are the account's own."
)


@dataclass(frozen=True)
class Visits:
    """An organisation's events and distinct visitors of a UTC day."""

    app: str
    org_tag: str
    day: date
    events: int
    visitors: int


@dataclass(frozen=True)
class Credited:
    """What an organisation's campaigns cost and brought on an account's day. currency: None where none is named."""

    app: str
    org_tag: str
    day: date
    currency: str | None
    spend: float
    conversions: float
    revenue: float


@dataclass(frozen=True)
class Organisations:
    """All of it, and the days that are shown."""

    days: Sequence[date]
    visits: Sequence[Visits]
    credited: Sequence[Credited]

    @property
    def names(self) -> list[tuple[str, str]]:
        """App and tag of each, the one with the most events first."""
        events: dict[tuple[str, str], int] = {(one.app, one.org_tag): 0 for one in self.credited}
        for one in self.visits:
            events[one.app, one.org_tag] = events.get((one.app, one.org_tag), 0) + one.events
        return sorted(events, key=lambda name: (-events[name], name))


def read(source: Source) -> Organisations:
    """What the roll-ups and credits say."""
    visits = [Visits(**row) for row in source.fetch("visits_by_day", since=source.days[0])]
    credited = [Credited(**row) for row in source.fetch("credits_by_day", since=source.days[0], model=MODEL)]
    return Organisations(source.days, visits, credited)


def section(of: Organisations) -> Section:
    """How it is shown."""
    names = of.names
    charts = [chart for name in names[:MOST] for chart in _charts(of, name)]
    left = f"{len(names) - MOST:,} more have no chart; the table has them." if len(names) > MOST else ""
    columns = [
        *(Column("organisation"), Column("last events on"), Column("events", True), Column("visitors a day", True)),
        *(
            Column("spend", True),
            Column("conversions", True),
            Column("revenue", True),
            Column("CPA", True),
            Column("ROAS", True),
        ),
    ]
    rows = [row for name in names for row in _rows(of, name)]
    blocks: list[Block] = [Table(f"One row an organisation and currency, of {DAYS} days", columns, rows)]
    if charts:
        blocks.append(Charts(charts, left))
    return Section(NAME, TITLE, SAYS, blocks)


def _rows(of: Organisations, name: tuple[str, str]) -> Iterable[list[str | Cell]]:
    visits = [one for one in of.visits if (one.app, one.org_tag) == name]
    days = [one for one in visits if one.events]
    last = max((one.day for one in days), default=None)
    quiet = Cell("none", Standing.UNKNOWN) if last is None else f"{last}"
    begin: list[str | Cell] = [
        _title(name),
        quiet,
        figures.count(sum(one.events for one in visits) if visits else None),
        figures.count(round(sum(one.visitors for one in days) / len(days)) if days else None),
    ]
    credited = [one for one in of.credited if (one.app, one.org_tag) == name]
    currencies = sorted({one.currency or "" for one in credited})
    if not currencies:
        yield [*begin, *([figures.count(None)] * 5)]
    for currency in currencies:
        parts = [one for one in credited if (one.currency or "") == currency]
        spend, conversions, revenue = (
            sum(getattr(one, what) for one in parts) for what in ("spend", "conversions", "revenue")
        )
        yield [
            *begin,
            figures.money(spend, currency),
            figures.count(round(conversions, 2)),
            figures.money(revenue, currency),
            figures.money(_divided(spend, conversions), currency),
            figures.ratio(_divided(revenue, spend)),
        ]
        begin = [_title(name), "", "", ""]  # the events are of all currencies together


def _charts(of: Organisations, name: tuple[str, str]) -> Iterable[Chart]:
    days: dict[date, Visits] = {one.day: one for one in of.visits if (one.app, one.org_tag) == name}
    moments, title = [midnight(day) for day in of.days], _title(name)
    if days:
        first = min(days)
        lines = [Line(what, [_of_day(days, day, what, first) for day in of.days]) for what in ("events", "visitors")]
        yield Chart(f"{title}: events, visitors", "events and distinct visitors, a day", moments, lines)
    credited = [one for one in of.credited if (one.app, one.org_tag) == name]
    for currency in sorted({one.currency or "" for one in credited if one.spend}):
        by_day: dict[date, Credited] = {one.day: one for one in credited if (one.currency or "") == currency}
        yield from _of_currency(of, by_day, title, currency, moments)


def _of_currency(
    of: Organisations, by_day: dict[date, Credited], title: str, currency: str, moments: Sequence[datetime]
) -> Iterable[Chart]:
    found = [by_day.get(day) for day in of.days]
    spend = [one.spend if one else None for one in found]
    cpa = [_divided(one.spend, one.conversions) if one else None for one in found]
    roas = [_divided(one.revenue, one.spend) if one else None for one in found]
    amount = currency or "an unnamed currency"
    yield Chart(
        f"{title}: spend and CPA in {amount}", f"{amount}, a day", moments, [Line("spend", spend), Line("CPA", cpa)]
    )
    yield Chart(f"{title}: ROAS in {amount}", f"revenue for 1 {amount} of spend", moments, [Line("ROAS", roas)])


def _of_day(days: dict[date, Visits], day: date, what: str, first: date) -> float | None:
    """Zero on a day without events after the first that was counted; nobody knows of the days before."""
    found = days.get(day)
    return float(getattr(found, what)) if found else 0.0 if day > first else None


def _title(name: tuple[str, str]) -> str:
    return f"{name[0]} {name[1]}"


def _divided(value: float, by: float) -> float | None:
    return round(value / by, 4) if value and by else None
