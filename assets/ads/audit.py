"""Comparing what is stored with what the platform says now: one day of one account.

What belongs here: choosing the day, asking the platform, comparing. What does not: checks that Postgres answers alone
(assets.py).

Platforms restate days at any time. The staged pages tell a restatement from a fault of ours: a stored row that equals
the page that it was merged from was right when it was written.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias

from assets.ads import normalise
from assets.ads.connections import AdConnection
from assets.ads.normalise import AccountContext
from assets.ads.sync import AdSync, describe
from resources.ad_platforms import AccountDays, Client, Fact, Notes, Record, Stream
from resources.r2 import ObjectNotFoundError
from resources.sql_files import read_sql

RECENT = timedelta(days=2)
# As the columns of the facts have them.
STORED_DIGITS = Decimal("0.000001")

Numbers: TypeAlias = tuple[int | Decimal, ...]
"""Impressions, clicks, spend, conversions and their value."""


@dataclass
class AdAudit:
    """One comparison. `day` is None where there was nothing to compare, which proves nothing.

    rows: stored campaigns of the day. restated: what the platform has changed since it was synced. differences: every
    other disagreement.
    """

    account_id: str = ""
    day: date | None = None
    rows: int = 0
    restated: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether a day was compared and agrees."""
        return self.day is not None and not self.restated and not self.differences


def audit(engine: AdSync) -> AdAudit:
    """Compare a random final day of a connection that was synced lately: each campaign, and the account's own total."""
    now, platform = engine.clock(), engine.platform.name
    rows = engine.postgres.fetch(
        read_sql("ads/sample_day.sql"), {"app": engine.app.name, "platform": platform, "recent": now - RECENT}
    )
    if not rows:
        return AdAudit()
    sample = rows[0]
    connections = next(engine.connections.active(platform, connection=sample["connection_id"]), [])
    if not connections:
        return AdAudit()
    length = (sample["final_until"] - sample["since"]).days
    day = sample["since"] + timedelta(days=random.randint(0, length))  # noqa: S311 (a sample, not a secret)
    context = AccountContext(
        org_id=sample["org_id"],
        platform=platform,
        account_id=sample["account_id"],
        currency="",
        run_id="",
        observed_at=now,
        now=now,
    )
    result = AdAudit(sample["account_id"], day)
    try:
        source, account = _source(engine, connections[0], day, context)
    except Exception as error:  # noqa: BLE001 (a platform that does not answer proves nothing, and breaks nothing)
        result.differences.append(f"the platform could not be asked: {describe(error)[1]}")
        return result
    stored, prefix = _stored(engine, sample, day)
    result.rows = len(stored)
    compare(result, source=source, account=account, stored=stored, staged=_staged(engine, prefix, day, context))
    return result


def compare(
    result: AdAudit,
    *,
    source: Mapping[str, Numbers],
    account: Iterable[Numbers],
    stored: Mapping[str, Numbers],
    staged: Mapping[str, Numbers] | None,
) -> None:
    """Write into `result` how campaigns differ.

    source: what the platform says now. account: its own rows of the whole account. stored: our rows. staged: the pages
    that these were merged from; None where they are gone.
    """
    for key in sorted(stored.keys() | source.keys() | (staged or {}).keys()):
        ours, theirs = stored.get(key), source.get(key)
        as_staged = staged is not None and staged.get(key) == ours
        if staged is not None and not as_staged:
            result.differences.append(f"{key}: stored {_text(ours)}, its page {_text(staged.get(key))}")
        if ours != theirs:
            findings = result.restated if as_staged else result.differences
            findings.append(f"{key}: stored {_text(ours)}, source {_text(theirs)}")
    account_rows = list(account)
    for position, name in enumerate(("impressions", "clicks", "spend")):
        campaigns = sum((row[position] for row in source.values()), Decimal(0))
        total = sum((row[position] for row in account_rows), Decimal(0))
        if campaigns != total:
            result.differences.append(f"account {name}: its campaigns {campaigns}, the account itself {total}")


def _source(
    engine: AdSync, connection: AdConnection, day: date, context: AccountContext
) -> tuple[dict[str, Numbers], list[Numbers]]:
    """The platform's campaigns of the day by our id, and the account's own rows."""
    client = engine.client(connection)
    try:
        campaigns = _by_campaign(_facts(engine, client, Stream.CAMPAIGN_DAYS, day), context)
        return campaigns, [numbers(fact) for fact in _facts(engine, client, Stream.ACCOUNT_DAYS, day)]
    finally:
        client.close()


def _stored(engine: AdSync, sample: Mapping[str, Any], day: date) -> tuple[dict[str, Numbers], str]:
    """The stored campaigns of the day by our id, and the prefix of the slice that they were merged from."""
    parameters = {name: sample[name] for name in ("connection_id", "org_id", "account_id")}
    rows = engine.postgres.fetch(
        read_sql("ads/stored_day.sql"),
        {**parameters, "app": engine.app.name, "platform": engine.platform.name, "day": day},
    )
    columns = normalise.FACT_COLUMNS[2:]
    stored = {row["campaign_id"]: tuple(row[name] for name in columns) for row in rows if row["campaign_id"]}
    return stored, rows[0]["raw_prefix"]


def _staged(engine: AdSync, prefix: str, day: date, context: AccountContext) -> dict[str, Numbers] | None:
    """The campaigns of the day in their staged pages; None where these are kept no longer."""
    try:
        manifest = engine.staging.manifest(prefix)
        return _by_campaign(
            (
                record
                for body, page in engine.staging.bodies(manifest)
                for record in engine.platform.read(manifest.stream, body, page, Notes())
                if isinstance(record, Fact) and record.day == day
            ),
            context,
        )
    except ObjectNotFoundError:
        return None


def _facts(engine: AdSync, client: Client, stream: Stream, day: date) -> Iterator[Record]:
    for page in client.pages(stream, AccountDays(day, day)):
        with closing(page.body):
            yield from engine.platform.read(stream, page.body, page.context, Notes())


def _by_campaign(records: Iterable[Record], context: AccountContext) -> dict[str, Numbers]:
    return {
        normalise.entity_of(fact, Stream.CAMPAIGN_DAYS, context): numbers(fact)
        for fact in records
        if isinstance(fact, Fact) and not normalise.is_nothing(fact)
    }


def numbers(fact: Record) -> Numbers:
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


def _text(values: Numbers | None) -> str:
    return "nothing" if values is None else "/".join(str(value) for value in values)
