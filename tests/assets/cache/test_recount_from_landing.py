"""Every dashboard value counted again from the landing files: by DuckDB, and credits in plain Python. No difference."""

import json
import random
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from assets.events.record import NAMES
from assets.rollups.definition import Grain
from assets.windows import DAY, midnight
from tests.assets.attribution.attribution_stores import AttributionStores, Campaign
from tests.assets.attribution.recount import recount, touched
from tests.assets.attribution.strategies import CAMPAIGNS, CLICK_ADS, CLICKS, NAMED, REFUND_TYPES, RULES, A, B, prepare
from tests.assets.cache.attribution_recount import Books, unmatched
from tests.assets.cache.warmed_cache import DASHBOARDS, WarmedCache
from tests.assets.event_pipeline import Pipeline
from tests.assets.event_pipeline import event as landed

TODAY, SINCE = date(2026, 3, 20), date(2026, 3, 1)
RANGES = {"1d": 1, "7d": 7, "30d": 30, "90d": 90}
EVENTS, PARTS = 1000, 5
# More of everything than a value lists: campaigns that the platform knows and is paid for, and values that name none.
MANY = tuple(Campaign(f"org-{A}", "google", f"{500 + n}", f"filler {n}") for n in range(110))
UNKNOWN = [f"unknwon filler {n}" for n in range(100)]
RATES = {("EUR", 5): "1", ("NZD", 5): "2", ("USD", 5): "1.25", ("JPY", 5): "160", ("EUR", 14): "1", ("NZD", 15): "1.6"}
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
        names = ({"utm_campaign": chance.choice(MANY).name}, {"utm_campaign": chance.choice(UNKNOWN)})
        fields: dict[str, Any] = dict(chance.choice([chance.choice(NAMED), *names]))
        fields |= {
            "org_tag": chance.choice([A, A, B]),
            "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "session_id": f"s{chance.randrange(240)}",
            "anonymous_id": f"v{chance.randrange(40)}",
            "event_id": f"e{n}",
            "event_type": chance.choice(["page_view", "page_view", "conversion", "purchase", "refund"]),
            "event_value": chance.choice([None, 0.01, 10.0, 99.99, -5.0, 123456.789012]),
            "event_data": chance.choice(ORDERS),
            "page_path": f"/{chance.randrange(70)}",
            "page_hostname": chance.choice(["www.shop.example", "blog.example"]),
            "referrer_domain": chance.choice([None, "shop.example", "Blog.example", "www.google.de", "pay.example"]),
            "utm_source": fields.get("utm_source", chance.choice([None, "Google ", f"News{n % 90}"])),
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

    def first_day(self, tag: str) -> date:
        (row,) = self.rows(f"select min(day) as day from landed where org_tag = '{tag}'")
        return date.fromisoformat(str(row["day"]))

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


def test_no_value_differs_from_a_recount_of_the_landing_files(warmed_cache: WarmedCache, tmp_path: Path) -> None:
    chance = random.Random(11)
    event_lake, stores = warmed_cache.event_lake, warmed_cache.event_lake.stores
    pipeline = Pipeline(stores.postgres, stores.lake, tmp_path / "objects", orgs={A: True, B: True}, now=event_lake.now)
    attribution_stores = AttributionStores(event_lake)
    prepare(attribution_stores)
    event_lake.events = pipeline.table
    all_lines = lines(chance)
    size = EVENTS // PARTS
    for part in range(PARTS):
        # Some lines come again in the next batch, and some are no events.
        again = all_lines[part * size : (part + 1) * size + 10]
        pipeline.land(*again, b"{}", b"no line", at=event_lake.now - part * DAY / 48)
    pipeline.ingested(sweep=True)
    for grain in Grain:
        event_lake.roll_up(grain, midnight(SINCE), midnight(TODAY) + DAY)
    books = kept(attribution_stores, chance)
    attribution_stores.make(1, 21)
    warmed_cache.warm_all(*DASHBOARDS, "attribution", "unmatched_campaigns")
    held = {key: json.loads(value) for key, value in warmed_cache.held().items()}

    counted = Recount(tmp_path / "objects")
    events, campaigns = counted.events(), [*CAMPAIGNS, *MANY]
    books.since.update({tag: counted.first_day(tag) for tag in (A, B)})
    books.credited.extend(recount(events, campaigns, CLICKS, RULES, CLICK_ADS, refund_types=REFUND_TYPES))
    touches = list(touched(events, campaigns, CLICKS))
    compared = 0
    for tag in (A, B):
        for name, days in RANGES.items():
            now, before = period(days), period(days, 1) if known(days) else None
            expected = {
                "summary": summary(counted, tag, days),
                "series": series(counted, tag, days),
                **{of: top(counted, of, tag, days) for of in TOPS},
                "attribution": books.attribution(tag, now, before),
                "unmatched_campaigns": unmatched(touches, campaigns, tag, now),
            }
            for family, value in expected.items():
                assert held[f"dashboard:{tag}:{family}:{name}"] == plain(value), (tag, family, name)
                compared += 1
    assert compared == 56
    # What is compared is there: what is no longer listed, what is unmatched, what no rate converts.
    for family, things in {"top_pages": "pages", "top_sources": "sources", "top_campaigns": "campaigns"}.items():
        assert held[f"dashboard:{A}:{family}:30d"]["rest"][things] > 0
    shared = held[f"dashboard:{A}:attribution:30d"]
    assert any(row["campaigns"] for row in shared["rest"])
    assert {row["complete"] for row in shared["reporting"]["totals"]} == {False}
    assert any(row["rate_missing"] and row["spend"] for row in shared["items"])
    assert shared["from"] == str(SINCE), "what is spent on days before is not in it"
    assert held[f"dashboard:{A}:attribution:7d"]["previous"]["totals"]
    assert held[f"dashboard:{B}:attribution:30d"]["reporting"] is None
    values = held[f"dashboard:{A}:unmatched_campaigns:30d"]["items"]
    assert len(values) == 50
    assert {row["reason"] for row in values} == {"unknown_campaign", "ambiguous_campaign"}
    assert any(row["resembles"] for row in values)


def kept(stores: AttributionStores, chance: random.Random) -> Books:
    """What is not in the events: more campaigns, what campaigns cost, a currency that was chosen, rates."""
    stores.campaign(*MANY)
    stores.settle(f"org-{A}", refund_types=["refund"], currency="EUR")
    spent = []
    for place, campaign in enumerate((*CAMPAIGNS, *MANY)):
        for day in (SINCE - DAY, SINCE, TODAY - 8 * DAY, TODAY - DAY, TODAY):
            amount = Decimal(chance.randrange(10_000) * 1000 + place) / 100_000
            stores.spend(campaign, day, str(amount))
            spent.append((campaign.org.removeprefix("org-"), campaign, day, amount))
    rates = {(currency, date(2026, 3, day)): Decimal(rate) for (currency, day), rate in RATES.items()}
    for (currency, day), rate in rates.items():
        stores.postgres.execute(
            "insert into attribution.exchange_rates (app, currency, day, rate) values (%s, %s, %s, %s)",
            [stores.app.name, currency, day, rate],
        )
    names = {(one.org.removeprefix("org-"), one.id): one.name for one in (*CAMPAIGNS, *MANY)}
    return Books([], spent, rates, {A: "EUR"}, names)
