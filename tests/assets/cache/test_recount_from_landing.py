"""Every dashboard value counted again from the landing files: by DuckDB, and credits in plain Python. No difference."""

import json
import random
from collections import defaultdict
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from assets.events.record import NAMES
from assets.rollups.definition import Grain
from assets.windows import DAY, midnight
from tests.assets.attribution.attribution_stores import CURRENCIES, AttributionStores
from tests.assets.attribution.recount import MODELS, recount
from tests.assets.attribution.strategies import CAMPAIGNS, CLICK_ADS, CLICKS, NAMED, REFUND_TYPES, RULES, A, B, prepare
from tests.assets.cache.warmed_cache import DASHBOARDS, WarmedCache
from tests.assets.event_pipeline import Pipeline
from tests.assets.event_pipeline import event as landed

TODAY, SINCE = date(2026, 3, 20), date(2026, 3, 1)
RANGES = {"1d": 1, "7d": 7, "30d": 30, "90d": 90}
EVENTS = 500
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1)"
ORDERS = [None, "{}", '{"order_id": "1"}', '{"order_id": "2", "currency": "EUR"}', '{"currency": "NZD"}', "no JSON"]
# One row an event of the landing files, without doubles; lines that are no event are left out.
LANDED = """
create table landed as
select * replace (timestamp::timestamptz as timestamp), (timestamp::timestamptz at time zone 'UTC')::date as day
from read_json('{files}', format = 'newline_delimited', ignore_errors = true, union_by_name = true,
    columns = {{{columns}}})
where event_id is not null and timestamp is not null
qualify row_number() over (partition by org_tag, day, event_id order by timestamp) = 1
"""
# The events with the source and medium of their session's first event of the day.
SOURCED = r"""
create table sourced as
with first as (
    select *, regexp_replace(lower(trim(coalesce(referrer_domain, ''))), '^(www|m|l|lm)\.', '') as came_from,
        regexp_replace(lower(trim(page_hostname)), '^(www|m|l|lm)\.', '') as host
    from landed
    qualify row_number() over (
        partition by org_tag, day, session_id order by timestamp, event_type <> 'page_view', event_id
    ) = 1
), visit as (
    select org_tag, day, session_id, lower(trim(coalesce(utm_medium, ''))) as medium,
        case
            when trim(coalesce(utm_source, '')) <> '' then lower(trim(utm_source))
            when came_from = '' or exists (
                select 1 from first own where own.org_tag = f.org_tag and own.day = f.day and own.host = f.came_from
            ) then 'direct'
            when regexp_matches(came_from, '^google\.(com?\.)?[a-z]{2,3}$') then 'google'
            else came_from
        end as source
    from first f
)
select l.*, v.source, v.medium from landed l join visit v using (org_tag, day, session_id)
"""
SUMS = """
    count(*) as events, count(distinct (day, session_id)) as daily_sessions,
    count(distinct (day, anonymous_id)) as daily_visitors,
    coalesce(sum(event_value::decimal(38, 6)), 0) as event_value_sum
"""


def lines(chance: random.Random) -> list[bytes]:
    """Events of two organisations on twenty days: campaigns, own hosts, orders, refunds, bots, refusals."""
    found = []
    for n in range(EVENTS):
        moment = midnight(SINCE) + timedelta(seconds=chance.randrange(20 * 86_400 - 43_200), milliseconds=n)
        fields: dict[str, Any] = dict(chance.choice(NAMED))
        fields |= {
            "org_tag": chance.choice([A, A, B]),
            "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "session_id": f"s{chance.randrange(120)}",
            "anonymous_id": f"v{chance.randrange(40)}",
            "event_id": f"e{n}",
            "event_type": chance.choice(["page_view", "page_view", "conversion", "purchase", "refund"]),
            "event_value": chance.choice([None, 0.01, 10.0, 99.99, -5.0, 123456.789012]),
            "event_data": chance.choice(ORDERS),
            "page_path": f"/{chance.randrange(4)}",
            "page_hostname": chance.choice(["www.shop.example", "blog.example"]),
            "referrer_domain": chance.choice([None, "shop.example", "Blog.example", "www.google.de", "pay.example"]),
            "utm_source": fields.get("utm_source", chance.choice([None, "Google ", "news"])),
            "utm_medium": chance.choice([None, "CPC", "cpc"]),
            "user_agent": chance.choice([None, "Mozilla/5.0", BOT]),
            "consent_marketing": chance.choice([True, True, True, None, False]),
        }
        found.append(msgspec.json.encode(landed(n, **fields)))
    return found


class Recount:
    """The landing files in DuckDB."""

    def __init__(self, folder: Path) -> None:
        kinds = {"timestamp": "varchar", "event_value": "double", "consent_marketing": "boolean"}
        columns = ", ".join(f"{name}: '{kinds.get(name, 'varchar')}'" for name in NAMES)
        self.engine = duckdb.connect()
        self.engine.execute("set timezone = 'UTC'")
        self.engine.execute(LANDED.format(files=f"{folder}/landing/events/**/*.ndjson", columns=columns))
        self.engine.execute(SOURCED)

    def rows(self, query: str) -> list[dict[str, Any]]:
        found = self.engine.execute(query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def events(self) -> list[dict[str, Any]]:
        rows = self.rows("select * exclude (day) from landed")
        return [{**row, "timestamp": row["timestamp"].astimezone(UTC)} for row in rows]


def period(days: int, before: int = 0) -> tuple[date, date]:
    """First and last day of a range, or of the one `before` it."""
    last = TODAY - timedelta(days=days * before)
    return last - timedelta(days=days - 1), last


def plain(value: Any) -> Any:
    """As JSON has it."""
    return json.loads(json.dumps(value, default=lambda v: float(v) if isinstance(v, Decimal) else str(v)))


def known(days: int) -> bool:
    return period(days, 1)[0] >= SINCE


def within(tag: str, days: tuple[date, date]) -> str:
    return f"org_tag = '{tag}' and day between '{days[0]}' and '{days[1]}'"


def summary(counted: Recount, tag: str, days: int) -> dict[str, Any]:
    def of(bounds: tuple[date, date]) -> dict[str, Any]:
        (row,) = counted.rows(
            f"""select count(*) as events, count(*) filter (where event_type = 'page_view') as page_views,
            count(distinct anonymous_id) as visitors, count(distinct session_id) as sessions,
            coalesce(sum(event_value::decimal(38, 6)), 0) as event_value_sum, true as exact
            from landed where {within(tag, bounds)}"""
        )
        return {"from": bounds[0], "to": bounds[1], **row}

    return {**of(period(days)), "previous": of(period(days, 1)) if known(days) else None}


def series(counted: Recount, tag: str, days: int) -> dict[str, Any]:
    at = "strftime(timestamp, '%Y-%m-%dT%H:00:00Z')" if days == 1 else "strftime(day, '%Y-%m-%d')"

    def of(bounds: tuple[date, date]) -> dict[str, Any]:
        items = counted.rows(
            f"""select {at} as at, count(*) as events, count(distinct anonymous_id) as visitors,
            count(distinct session_id) as sessions, coalesce(sum(event_value::decimal(38, 6)), 0) as event_value_sum
            from landed where {within(tag, bounds)} group by 1 order by 1"""
        )
        return {"from": bounds[0], "to": bounds[1], "items": items}

    return {**of(period(days)), "previous": of(period(days, 1)) if known(days) else None}


TOPS = {
    "top_pages": ("pages", "page_hostname as hostname, page_path as path", "event_type = 'page_view'"),
    "top_sources": ("sources", "source, medium", "true"),
    "top_campaigns": (
        "campaigns",
        "utm_campaign as campaign, coalesce(utm_source, '') as source, coalesce(utm_medium, '') as medium",
        "coalesce(utm_campaign, '') <> ''",
    ),
}


def top(counted: Recount, name: str, tag: str, days: int) -> dict[str, Any]:
    many, dimensions, where = TOPS[name]
    table = "sourced" if name == "top_sources" else "(select * from landed)"

    def of(bounds: tuple[date, date]) -> dict[tuple[Any, ...], dict[str, Any]]:
        rows = counted.rows(
            f"select {dimensions}, {SUMS} from {table} where {where} and {within(tag, bounds)} group by all"
        )
        named = [{"views" if name == "top_pages" and k == "events" else k: v for k, v in row.items()} for row in rows]
        if name == "top_pages":
            named = [{k: v for k, v in row.items() if k != "event_value_sum"} for row in named]
        size = 3 if name == "top_campaigns" else 2
        return {tuple(row.values())[:size]: dict(list(row.items())[size:]) for row in named}

    now, before = of(period(days)), of(period(days, 1))
    names = {"top_pages": ("hostname", "path"), "top_sources": ("source", "medium")}.get(
        name, ("campaign", "source", "medium")
    )
    zero = dict.fromkeys(
        ("views", "daily_sessions", "daily_visitors")
        if name == "top_pages"
        else ("events", "daily_sessions", "daily_visitors", "event_value_sum"),
        0,
    )
    ranked = sorted(now, key=lambda key: (-next(iter(now[key].values())), key))

    def total(keys: Any, figures: dict[tuple[Any, ...], dict[str, Any]]) -> dict[str, Any]:
        return {field: sum((figures[key][field] for key in keys), Decimal(0)) for field in zero}

    first, last = period(days)
    return {
        "from": first,
        "to": last,
        "totals": {many: len(now), **total(now, now)},
        "items": [
            {
                **dict(zip(names, key, strict=True)),
                **now[key],
                "previous": before.get(key, zero) if known(days) else None,
            }
            for key in ranked[:50]
        ],
        "rest": {many: len(ranked[50:]), **total(ranked[50:], now)},
        "previous": {"from": period(days, 1)[0], "to": period(days, 1)[1], **total(before, before)}
        if known(days)
        else None,
    }


def attribution(
    credited: list[tuple[Any, ...]], spent: list[tuple[str, str, date, Decimal]], tag: str, days: int
) -> dict[str, Any]:
    """Sums of an organisation's credits and spend by model and currency, and by campaign or reason."""
    totals: dict[tuple[str, str | None], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    parts: dict[tuple[Any, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)

    def add(model: str, currency: str | None, whose: str, missing: bool, *amounts: Any) -> None:
        for found, key in ((totals, (model, currency)), (parts, (model, currency, whose, missing))):
            found[key] = [had + more for had, more in zip(found[key], amounts, strict=True)]  # type: ignore[index]

    first, last = period(days)
    for row in credited:
        _, org, day, platform, _, campaign, reason, visits, _, model, held, conversions, revenue = row
        if org != tag or not first <= day <= last:
            continue
        own = CURRENCIES[platform] if platform else held or None
        for name in MODELS if model == "" else (model,):
            missing = bool(platform) and held not in ("", own)
            add(name, own, campaign or reason, False, visits, conversions, 0 if missing else revenue, 0)
            if missing and revenue:
                add(name, held, campaign, True, 0, 0, revenue, 0)
    for org, campaign, day, amount in spent:
        if org == tag and first <= day <= last:
            for name in MODELS:
                add(name, CURRENCIES[campaign.split(":")[0]], campaign, False, 0, 0, 0, amount)
    return {"totals": nonzero(totals), "parts": nonzero(parts)}


def nonzero(found: dict[Any, list[Decimal]]) -> dict[Any, list[float]]:
    return {key: [float(n) for n in amounts] for key, amounts in found.items() if any(amounts)}


def said(value: dict[str, Any]) -> dict[str, Any]:
    """The same of a value of attribution."""

    def figures(row: dict[str, Any]) -> list[Decimal]:
        return [Decimal(str(row[name])) for name in ("visits", "conversions", "revenue", "spend")]

    rows = [(r, r["campaign_id"], r["rate_missing"]) for r in value["items"]]
    rows += [(r, r["reason"], False) for r in value["reasons"]]
    return {
        "totals": nonzero({(r["model"], r["currency"]): figures(r) for r in value["totals"]}),
        "parts": nonzero({(r["model"], r["currency"], whose, missing): figures(r) for r, whose, missing in rows}),
    }


def test_no_value_differs_from_a_recount_of_the_landing_files(warmed_cache: WarmedCache, tmp_path: Path) -> None:
    chance = random.Random(11)
    event_lake, stores = warmed_cache.event_lake, warmed_cache.event_lake.stores
    pipeline = Pipeline(stores.postgres, stores.lake, tmp_path / "objects", orgs={A: True, B: True}, now=event_lake.now)
    attribution_stores = AttributionStores(event_lake)
    prepare(attribution_stores)
    event_lake.events = pipeline.table
    all_lines = lines(chance)
    for part in range(5):
        # Some lines come again in the next batch, and some are no events.
        pipeline.land(*all_lines[part * 100 : part * 100 + 110], b"{}", b"no line", at=event_lake.now - part * DAY / 48)
    pipeline.ingested(sweep=True)
    for grain in Grain:
        event_lake.roll_up(grain, midnight(SINCE), midnight(TODAY) + DAY)
    spent = []
    for campaign in CAMPAIGNS:
        for day in (SINCE, TODAY - DAY, TODAY):
            amount = Decimal(chance.randrange(10_000)) / 100
            attribution_stores.spend(campaign, day, str(amount))
            spent.append((campaign.org.removeprefix("org-"), campaign.id, day, amount))
    attribution_stores.make(1, 21)
    warmed_cache.warm_all(*DASHBOARDS, "attribution")
    held = {key: json.loads(value) for key, value in warmed_cache.held().items()}

    counted = Recount(tmp_path / "objects")
    credited = recount(counted.events(), CAMPAIGNS, CLICKS, RULES, CLICK_ADS, refund_types=REFUND_TYPES)
    compared = 0
    for tag in (A, B):
        for name, days in RANGES.items():
            expected = {
                "summary": summary(counted, tag, days),
                "series": series(counted, tag, days),
                **{of: top(counted, of, tag, days) for of in TOPS},
            }
            for family, value in expected.items():
                assert held[f"dashboard:{tag}:{family}:{name}"] == plain(value), (tag, family, name)
                compared += 1
            found, wanted = said(held[f"dashboard:{tag}:attribution:{name}"]), attribution(credited, spent, tag, days)
            for what in ("totals", "parts"):
                keys = found[what].keys() | wanted[what].keys()
                differing = {k: (found[what].get(k), wanted[what].get(k)) for k in keys}
                assert {k: pair for k, pair in differing.items() if pair[0] != pair[1]} == {}, (tag, name)
            compared += 1
    assert compared == 48
