"""Comparing what is stored with what the platform says: one day of one account, asked anew.

What belongs here: choosing the day, asking, comparing. What does not: checks that Postgres answers alone (assets.py).

Platforms restate days at any time. What tells their doing from a fault of ours are the staged pages: stored rows that
equal the pages that they were merged from were right when they were written.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias

from assets.ads import connections, normalise, staging
from assets.ads.connections import Connection
from assets.ads.normalise import Place
from assets.ads.sync import AdSync, words
from resources.ad_platforms import AccountDays, Client, Fact, Notes, Record, Stream
from resources.r2 import ObjectNotFoundError
from resources.sql_files import read_sql

RECENT = timedelta(days=2)
# Of the columns of the facts.
STORED_DIGITS = Decimal("0.000001")

Values: TypeAlias = tuple[int | Decimal, ...]
"""Impressions, clicks, spend, conversions and their value."""


@dataclass
class Audit:
    """One comparison. `day` is None where there was nothing to compare, which proves nothing.

    restated: what the platform has changed since it was asked last. differences: whatever else does not agree.
    """

    account_id: str = ""
    day: date | None = None
    rows: int = 0
    restated: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return self.day is not None and not self.restated and not self.differences


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
    stored, prefix = _stored(engine, chosen, day)
    result.rows = len(stored)
    staged = _staged(engine, prefix, day, place)
    compare(result, told, account, stored, staged)
    return result


def compare(
    result: Audit,
    told: Mapping[str, Values],
    account: Iterable[Values],
    stored: Mapping[str, Values],
    staged: Mapping[str, Values] | None,
) -> None:
    """Write into `result` how campaigns differ: what the source tells, what is stored, what is staged (None: gone)."""
    for key in sorted(stored.keys() | told.keys() | (staged or {}).keys()):
        ours, theirs = stored.get(key), told.get(key)
        as_staged = staged is not None and staged.get(key) == ours
        if staged is not None and not as_staged:
            result.differences.append(f"{key}: stored {_said(ours)}, its page {_said(staged.get(key))}")
        if ours != theirs:
            where = result.restated if as_staged else result.differences
            where.append(f"{key}: stored {_said(ours)}, source {_said(theirs)}")
    whole = list(account)
    for what, position in (("impressions", 0), ("clicks", 1), ("spend", 2)):
        campaigns = sum((row[position] for row in told.values()), Decimal(0))
        total = sum((row[position] for row in whole), Decimal(0))
        if campaigns != total:
            result.differences.append(f"account {what}: its campaigns {campaigns}, the account itself {total}")


def _asked(engine: AdSync, connection: Connection, day: date, place: Place) -> tuple[dict[str, Values], list[Values]]:
    """The campaigns of the day by our id, and the account's own rows."""
    client = engine.client(connection)
    try:
        campaigns = _by_campaign(_facts(engine, client, Stream.CAMPAIGN_DAYS, day), place)
        return campaigns, [values(fact) for fact in _facts(engine, client, Stream.ACCOUNT_DAYS, day)]
    finally:
        client.close()


def _stored(engine: AdSync, chosen: Mapping[str, Any], day: date) -> tuple[dict[str, Values], str]:
    """The stored campaigns of the day by our id, and where the slice lies that they were merged from."""
    which = {name: chosen[name] for name in ("connection_id", "org_id", "account_id")}
    rows = engine.postgres.fetch(
        read_sql("ads/stored_day.sql"), {**which, "platform": engine.platform.name, "day": day}
    )
    columns = normalise.FACT_COLUMNS[2:]
    found = {row["campaign_id"]: tuple(row[name] for name in columns) for row in rows if row["campaign_id"]}
    return found, rows[0]["raw_prefix"]


def _staged(engine: AdSync, prefix: str, day: date, place: Place) -> dict[str, Values] | None:
    """The campaigns of the day as their staged pages have them; None where those are kept no longer."""
    try:
        manifest = staging.manifest(engine.store, prefix)
        return _by_campaign(
            (
                record
                for body, context in staging.bodies(engine.store, manifest)
                for record in engine.platform.read(manifest.stream, body, context, Notes())
                if isinstance(record, Fact) and record.day == day
            ),
            place,
        )
    except ObjectNotFoundError:
        return None


def _facts(engine: AdSync, client: Client, stream: Stream, day: date) -> Iterator[Record]:
    for page in client.pages(stream, AccountDays(day, day)):
        with closing(page.body):
            yield from engine.platform.read(stream, page.body, page.context, Notes())


def _by_campaign(records: Iterable[Record], place: Place) -> dict[str, Values]:
    return {
        normalise.entity_of(fact, Stream.CAMPAIGN_DAYS, place): values(fact)
        for fact in records
        if isinstance(fact, Fact) and not normalise.is_nothing(fact)
    }


def values(fact: Record) -> Values:
    """The numbers of a fact as Postgres stores them: further digits of a fraction are rounded, half away from zero."""
    assert isinstance(fact, Fact)
    return (
        fact.impressions,
        fact.clicks,
        *(
            amount.quantize(STORED_DIGITS, ROUND_HALF_UP)
            for amount in (fact.spend, fact.conversions, fact.conversions_value)
        ),
    )


def _said(found: Values | None) -> str:
    return "nothing" if found is None else "/".join(str(value) for value in found)
