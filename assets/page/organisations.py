"""The section of organisations: events, visitors, spend, CPA and ROAS of each, by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from assets.page import figures
from assets.page.blocks import Block, Cell, Chart, Charts, Column, Line, Note, Section, Standing, Table
from assets.page.source import DAYS, Source
from assets.windows import midnight

NAME, TITLE = "organisations", "Organisations by day"
MODEL = "last"
AMOUNTS = ("spend", "conversions", "revenue")
MOST = 12
Name = tuple[str, str]  # app and tag
SAYS = (
    f"The last {DAYS} days. Visitors are distinct within a day. CPA is spend a conversion, ROAS revenue a unit of"
    f" spend, both by the model `{MODEL}` and in each currency apart; days of ad accounts are the account's own."
    " Spend counts from the first day with events on. ROAS is not known where revenue has no exchange rate."
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
    """What an organisation's campaigns cost and brought on an account's day.

    currency: None where none is named. rate_missing: whether revenue stands apart, so that it has no return on spend.
    """

    app: str
    org_tag: str
    day: date
    currency: str | None
    spend: float
    conversions: float
    revenue: float
    rate_missing: bool

    @property
    def roas(self) -> float | None:
        return None if self.rate_missing else _divided(self.revenue, self.spend)


@dataclass(frozen=True)
class Organisations:
    """All of it, and the days that are shown."""

    days: Sequence[date]
    visits: Sequence[Visits]
    credited: Sequence[Credited]

    @cached_property
    def each(self) -> "list[Organisation]":
        """Each organisation, the one with the most events first."""
        found: dict[Name, Organisation] = {}

        def named(name: Name) -> Organisation:
            return found.setdefault(name, Organisation(name))

        for visits in self.visits:
            named((visits.app, visits.org_tag)).visits[visits.day] = visits
        for credited in self.credited:
            by_day = named((credited.app, credited.org_tag)).credited.setdefault(credited.currency or "", {})
            by_day[credited.day] = credited
        return sorted(found.values(), key=lambda of: (-of.events, of.name))


@dataclass(frozen=True)
class Organisation:
    """One of them: its visits by day, and what was credited by currency ('' where none is named) and day."""

    name: Name
    visits: dict[date, Visits] = field(default_factory=dict)
    credited: dict[str, dict[date, Credited]] = field(default_factory=dict)

    @property
    def events(self) -> int:
        return sum(one.events for one in self.visits.values())

    @property
    def title(self) -> str:
        return " ".join(self.name)


def read(source: Source) -> Organisations:
    """What the roll-ups and credits say."""
    visits = [Visits(**row) for row in source.fetch("visits_by_day", since=source.days[0])]
    credited = [Credited(**row) for row in source.fetch("credits_by_day", since=source.days[0], model=MODEL)]
    return Organisations(source.days, visits, credited)


def section(of: Organisations) -> Section:
    """How it is shown."""
    more = len(of.each) - MOST
    columns = [
        *(Column("organisation"), Column("last events on"), Column("events", True), Column("visitors a day", True)),
        *(Column("spend", True), Column("conversions", True), Column("revenue", True)),
        *(Column("CPA", True), Column("ROAS", True)),
    ]
    rows = [row for one in of.each for row in _rows(one)]
    blocks: list[Block] = [Table(f"One row an organisation and currency, of {DAYS} days", columns, rows)]
    charted = ((one.title, list(_charts(of.days, one))) for one in of.each[:MOST])
    blocks += [Charts(charts, title) for title, charts in charted if charts]
    if more > 0:
        blocks.append(Note(f"{more:,} more have no chart; the table has them."))
    return Section(NAME, TITLE, SAYS, blocks)


def _rows(of: Organisation) -> Iterable[list[str | Cell]]:
    days = [one for one in of.visits.values() if one.events]
    last = max((one.day for one in days), default=None)
    begin: list[str | Cell] = [
        of.title,
        Cell("none", Standing.UNKNOWN) if last is None else f"{last}",
        figures.count(of.events if of.visits else None),
        figures.count(round(sum(one.visitors for one in days) / len(days)) if days else None),
    ]
    if not of.credited:
        yield [*begin, *([figures.count(None)] * 5)]
    for currency, by_day in sorted(of.credited.items()):
        found = by_day.values()
        spend, conversions, revenue = (sum(getattr(one, what) for one in found) for what in AMOUNTS)
        yield [
            *begin,
            figures.money(spend, currency),
            figures.count(round(conversions, 2)),
            figures.money(revenue, currency),
            figures.money(_divided(spend, conversions), currency),
            figures.ratio(None if any(one.rate_missing for one in found) else _divided(revenue, spend)),
        ]
        begin = [of.title, "", "", ""]  # the events are of all currencies together


def _charts(days: Sequence[date], of: Organisation) -> Iterable[Chart]:
    moments = [midnight(day) for day in days]
    if of.visits:
        first = min(of.visits)
        lines = [Line(what, [_of_day(of.visits, day, what, first) for day in days]) for what in ("events", "visitors")]
        yield Chart(f"{of.title}: events, visitors", "events and distinct visitors, a day", moments, lines)
    for currency, by_day in sorted(of.credited.items()):
        if any(one.spend for one in by_day.values()):
            yield from _of_currency([by_day.get(day) for day in days], of.title, currency, moments)


def _of_currency(
    found: Sequence[Credited | None], title: str, currency: str, moments: Sequence[datetime]
) -> Iterable[Chart]:
    spend = [one.spend if one else None for one in found]
    cpa = [_divided(one.spend, one.conversions) if one else None for one in found]
    roas = [one.roas if one else None for one in found]
    amount = currency or "an unnamed currency"
    yield Chart(
        f"{title}: spend and CPA in {amount}",
        f"{amount}, a day",
        moments,
        [Line("spend", spend, f"spend in {amount}"), Line("CPA", cpa, f"CPA in {amount}")],
    )
    line = Line("ROAS", roas, f"ROAS in {amount}")
    yield Chart(f"{title}: ROAS in {amount}", f"revenue for 1 {amount} of spend", moments, [line])


def _of_day(days: dict[date, Visits], day: date, what: str, first: date) -> float | None:
    """Zero on a day without events after the first that was counted; nobody knows of the days before."""
    found = days.get(day)
    return float(getattr(found, what)) if found else 0.0 if day > first else None


def _divided(value: float, by: float) -> float | None:
    return round(value / by, 4) if value and by else None
