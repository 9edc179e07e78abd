"""Comparing what is stored with what the platform says now: one day of one account.

What belongs here: choosing the day, asking the platform, comparing. What does not: checks that Postgres answers alone
(assets.py).

Platforms restate days at any time. The staged pages tell a restatement from a fault of ours: a stored row that equals
the page that it was merged from was right when it was written.
"""

import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from assets.ads import normalise
from assets.ads.connections import AdConnection
from assets.ads.failure import describe
from assets.ads.normalise import AccountContext
from assets.ads.numbers import Numbers, by_entity, numbers
from assets.ads.rounding import rounding
from assets.ads.sync import AdSync
from resources.ad_platforms import AccountDays, Client, Conversion, Fact, Level, Notes, Record, Stream
from resources.r2 import ObjectNotFoundError
from resources.sql_files import read_sql

RECENT = timedelta(days=2)


@dataclass
class AdAudit:
    """One comparison. `day` is None where there was nothing to compare, which proves nothing.

    rows: stored campaigns of the day. restated: what the platform has changed since it was synced. unassigned: what the
    account has and none of its campaigns. differences: every other disagreement. unasked: why the platform could
    not be asked, which proves nothing either.
    """

    account_id: str = ""
    day: date | None = None
    rows: int = 0
    restated: list[str] = field(default_factory=list)
    unassigned: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    unasked: str = ""

    @property
    def passed(self) -> bool:
        """Whether a day was compared and agrees."""
        return self.day is not None and not (self.unasked or self.restated or self.unassigned or self.differences)


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
        result.unasked = str(describe(error, engine.platform))
        return result
    stored, deleted, prefix = _stored(engine, sample, day)
    result.rows = len(stored)
    staged = _staged(engine, prefix, day, context)
    for key in deleted - source.keys() - (staged or {}).keys():
        del stored[key]  # kept, because a report that leaves out a deleted campaign says nothing of its days
    compare(result, source=source, account=account, stored=stored, staged=staged, currency=sample["currency"])
    return result


def compare(
    result: AdAudit,
    *,
    source: Mapping[str, Numbers],
    account: Iterable[Numbers],
    stored: Mapping[str, Numbers],
    staged: Mapping[str, Numbers] | None,
    currency: str,
) -> None:
    """Write into `result` how campaigns differ.

    source: what the platform says now. account: its own rows of the whole account. stored: our rows. staged: the pages
    that these were merged from; None where they are gone. currency: the account's, by whose coins spend is rounded.
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
        may_differ = rounding(len(source), currency) if name == "spend" else Decimal(0)
        line = f"account {name}: its campaigns {campaigns}, the account itself {total}"
        if campaigns > total + may_differ:
            result.differences.append(line)
        elif campaigns < total - may_differ:
            result.unassigned.append(line)


def _source(
    engine: AdSync, connection: AdConnection, day: date, context: AccountContext
) -> tuple[dict[str, Numbers], list[Numbers]]:
    """The platform's campaigns of the day by our id, and the account's own rows."""
    settings = engine.connections.open(connection)
    client = engine.client(connection)
    try:
        campaigns = _by_campaign(
            engine, _rows(engine, client, Stream.CAMPAIGN_DAYS, day), context, settings.sync.conversion_actions
        )
        account = [numbers(fact) for fact in _rows(engine, client, Stream.ACCOUNT_DAYS, day) if isinstance(fact, Fact)]
        return campaigns, account
    finally:
        client.close()


def _stored(engine: AdSync, sample: Mapping[str, Any], day: date) -> tuple[dict[str, Numbers], Collection[str], str]:
    """The stored campaigns of the day by our id, those of them that no list has, and the prefix of the latest slice."""
    parameters = {name: sample[name] for name in ("connection_id", "org_id", "account_id")}
    rows = engine.postgres.fetch(
        read_sql("ads/stored_day.sql"),
        {**parameters, "app": engine.app.name, "platform": engine.platform.name, "day": day},
    )
    stored = {row["campaign_id"]: tuple(row[name] for name in normalise.NUMBERS) for row in rows if row["campaign_id"]}
    return stored, {row["campaign_id"] for row in rows if not row["is_listed"]} & stored.keys(), rows[0]["raw_prefix"]


def _staged(engine: AdSync, prefix: str, day: date, context: AccountContext) -> dict[str, Numbers] | None:
    """The campaigns of the day in their staged pages; None where these are kept no longer."""
    try:
        manifest = engine.staging.manifest(prefix)
        records = (
            record
            for body, page in engine.staging.bodies(manifest)
            for record in engine.platform.read(manifest.stream, body, page, Notes())
            if isinstance(record, Fact | Conversion) and record.day == day
        )
        return _by_campaign(engine, records, context, manifest.actions)
    except ObjectNotFoundError:
        return None


def _rows(engine: AdSync, client: Client, stream: Stream, day: date) -> Iterator[Record]:
    for page in client.pages(stream, AccountDays(day, day)):
        with closing(page.body):
            yield from engine.platform.read(stream, page.body, page.context, Notes())


def _by_campaign(
    engine: AdSync, rows: Iterable[Record], context: AccountContext, actions: Sequence[str]
) -> dict[str, Numbers]:
    return by_entity(
        (row for row in rows if isinstance(row, Fact | Conversion)),
        lambda row: normalise.entity_of(row, Level.CAMPAIGN, context),
        engine.platform.counts(actions) if actions else None,
    )


def _text(values: Numbers | None) -> str:
    return "nothing" if values is None else "/".join(str(value) for value in values)
