"""Comparing what is stored with what the platform says: one day of one account, asked anew.

What belongs here: choosing the day, asking, comparing. What does not: checks that Postgres answers alone (checks.py).
"""

import random
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from assets.ads import connections, normalise
from assets.ads.connections import Connection
from assets.ads.normalise import Place
from assets.ads.sync import AdSync, words
from resources.ad_platforms import Client, Days, Fact, Notes, Stream
from resources.sql_files import read_sql

RECENT = timedelta(days=2)


@dataclass
class Audit:
    """One comparison. `day` is None where there was nothing to compare, which proves nothing."""

    account_id: str = ""
    day: date | None = None
    rows: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return self.day is not None and not self.differences


def audit(engine: AdSync) -> Audit:
    """A random final day of a connection that was synced lately: campaigns one by one, and the account's own total."""
    now = engine.clock()
    name = engine.platform.name
    found = engine.postgres.fetch(read_sql("ads/sample_day.sql"), {"platform": name, "recent": now - RECENT})
    if not found:
        return Audit()
    chosen = found[0]
    page = next(connections.active(engine.d1, name, connection=chosen["connection_id"]), [])
    if not page:
        return Audit()
    length = (chosen["final_until"] - chosen["since"]).days
    day = chosen["since"] + timedelta(days=random.randint(0, length))  # noqa: S311 (a sample, not a secret)
    place = Place(chosen["org_id"], name, chosen["account_id"], "", "", now, now)
    result = Audit(chosen["account_id"], day)
    try:
        told, account = _asked(engine, page[0], day, place)
    except Exception as error:  # noqa: BLE001 (a platform that can't be asked proves nothing, and breaks nothing)
        result.differences.append(f"the platform could not be asked: {words(error)[1]}")
        return result
    stored = {
        row["campaign_id"]: tuple(row[name] for name in normalise.FACT_COLUMNS[2:])
        for row in engine.postgres.fetch(
            read_sql("ads/stored_day.sql"),
            {"org_id": chosen["org_id"], "platform": name, "account_id": chosen["account_id"], "day": day},
        )
    }
    result.rows = len(stored)
    for key in sorted(stored.keys() | told.keys()):
        if stored.get(key) != told.get(key):
            result.differences.append(f"{key}: stored {_said(stored.get(key))}, source {_said(told.get(key))}")
    for what, position in (("impressions", 0), ("clicks", 1), ("spend", 2)):
        ours = sum((row[position] for row in stored.values()), Decimal(0))
        theirs = sum((row[position] for row in account), Decimal(0))
        if ours != theirs:
            result.differences.append(f"account {what}: campaigns stored {ours}, source {theirs}")
    return result


def _asked(
    engine: AdSync, connection: Connection, day: date, place: Place
) -> tuple[dict[str, tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The campaigns of the day by our id, and the account's own rows."""
    client = engine.client(connection)
    try:
        campaigns = {
            normalise.entity_of(fact, Stream.CAMPAIGN_DAYS, place): _values(fact)
            for fact in _facts(engine, client, Stream.CAMPAIGN_DAYS, day)
        }
        return campaigns, [_values(fact) for fact in _facts(engine, client, Stream.ACCOUNT_DAYS, day)]
    finally:
        client.close()


def _facts(engine: AdSync, client: Client, stream: Stream, day: date) -> list[Fact]:
    found = []
    for page in client.pages(stream, Days(day, day)):
        with closing(page.body):
            records = engine.platform.read(stream, page.body, page.context, Notes())
            found += [r for r in records if isinstance(r, Fact) and not normalise.is_nothing(r)]
    return found


def _values(fact: Fact) -> tuple[Any, ...]:
    return (fact.impressions, fact.clicks, fact.spend, fact.conversions, fact.conversions_value)


def _said(values: tuple[Any, ...] | None) -> str:
    return "nothing" if values is None else "/".join(str(v) for v in values)
