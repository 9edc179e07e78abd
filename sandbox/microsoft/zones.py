"""Microsoft's names of time zones, and what a day in another zone is worth.

What does not belong here: how a report asks for a zone (`report`).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sandbox.world.entities import Account
from sandbox.world.facts import Fact
from sandbox.world.series import Query, Series, days, identity, totals
from sandbox.world.world import Row

DEFAULT = "PacificTimeUSCanadaTijuana"
NAMES = {
    DEFAULT: "America/Los_Angeles",
    "EasternTimeUSCanada": "America/New_York",
    "OsakaSapporoTokyo": "Asia/Tokyo",
    "Nukualofa": "Pacific/Tongatapu",
    "AmsterdamBerlinBernRomeStockholmVienna": "Europe/Berlin",
    "GreenwichMeanTimeDublinEdinburghLisbonLondon": "Europe/London",
}


def name(iana: str) -> str:
    return next(name for name, zone in NAMES.items() if zone == iana)


def rows(series: Series, query: Query, zone: str) -> Iterator[Row]:
    """The query's rows with their days counted in `zone` (one of Microsoft's names).

    In the account's own zone these are its facts. In another, each of the account's days is split where the other zone
    has its midnight, evenly by the hour: the sum over all days is the same and no single day is, which is what a
    client gets that forgets to ask for the account's zone.
    """
    if NAMES[zone] == query.account.time_zone:
        yield from series.slice(query, 0)
        return
    for day in days(query.since, query.until):
        first, first_hour = _midnight(day, query.account, zone)
        last, last_hour = _midnight(day + timedelta(days=1), query.account, zone)
        found = []
        for its_day in days(first, last):
            for row in series.slice(replace(query, since=its_day, until=its_day), 0):
                until = _share(row.fact, last_hour if its_day == last else 24, query.account.cent)
                before = _share(row.fact, first_hour if its_day == first else 0, query.account.cent)
                gained = Fact(*(all_of_it - part for all_of_it, part in zip(until, before, strict=True)))
                found.append(row._replace(day=day, fact=gained))
        yield from _merged(found)


def _midnight(day: date, account: Account, zone: str) -> tuple[date, int]:
    """When a day of the zone begins, by the account's clock: its date and hour."""
    local = datetime.combine(day, time(), ZoneInfo(NAMES[zone])).astimezone(account.zone)
    return local.date(), local.hour


def _merged(found: list[Row]) -> Iterator[Row]:
    return (row for row in sorted(totals(found), key=identity) if any(row.fact))


def _share(fact: Fact, hours: int, cent: int) -> Fact:
    """What the first `hours` of a day had of it, in whole coins and conversions."""

    def part(amount: int, unit: int) -> int:
        return amount // unit * hours // 24 * unit

    return Fact(
        part(fact.impressions, 1),
        part(fact.clicks, 1),
        part(fact.cost, cent),
        part(fact.conversions, 1_000_000),
        part(fact.value, cent),
    )
