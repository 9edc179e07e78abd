"""Microsoft's names of time zones, and the facts of a day in another zone than the account's.

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
    """Microsoft's name of a time zone."""
    return next(name for name, zone in NAMES.items() if zone == iana)


def rows(series: Series, query: Query, zone: str) -> Iterator[Row]:
    """The query's rows with the days of `zone` (one of Microsoft's names).

    In the account's own zone these are its facts. For another zone, each day of the account is split at the zone's
    midnight, evenly by the hour. The sum over all days stays the same, and each single day differs. A client gets these
    rows when it does not ask for the account's zone.
    """
    if NAMES[zone] == query.account.time_zone:
        yield from series.slice(query, 0)
        return
    for day in days(query.since, query.until):
        first, first_hour = _midnight(day, query.account, zone)
        last, last_hour = _midnight(day + timedelta(days=1), query.account, zone)
        parts = []
        for account_day in days(first, last):
            for row in series.slice(replace(query, since=account_day, until=account_day), 0):
                until = _share(row.fact, last_hour if account_day == last else 24, query.account.cent)
                before = _share(row.fact, first_hour if account_day == first else 0, query.account.cent)
                part = Fact(*(late - early for late, early in zip(until, before, strict=True)))
                parts.append(row._replace(day=day, fact=part))
        yield from (row for row in sorted(totals(parts), key=identity) if any(row.fact))


def _midnight(day: date, account: Account, zone: str) -> tuple[date, int]:
    """The start of a day of the zone, by the account's clock: date and hour."""
    local = datetime.combine(day, time(), ZoneInfo(NAMES[zone])).astimezone(account.zone)
    return local.date(), local.hour


def _share(fact: Fact, hours: int, cent: int) -> Fact:
    """The part of a day's fact that belongs to its first `hours`, in whole coins and conversions."""
    units = Fact(impressions=1, clicks=1, cost=cent, conversions=1_000_000, value=cent)
    return Fact(*(amount // unit * hours // 24 * unit for amount, unit in zip(fact, units, strict=True)))
