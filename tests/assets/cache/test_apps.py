"""Two apps whose organisations have the same tags and ids: neither sees or changes what is of the other."""

from datetime import date

from assets.cache.families import families
from assets.cache.wanted import Sources, Wanted, draw
from assets.rollups import sketch as sketches
from resources.postgres import Postgres
from tests.assets.cache.warmed_cache import CLEARLIFT, WarmedCache

TODAY = date(2026, 3, 20)
POSTGRES = ["summary", *(family.name for family in CLEARLIFT.cache if family.store == "postgres")]


def wanted(warmed_cache: WarmedCache, app: str) -> dict[str, list[Wanted]]:
    """What each family that reads Postgres gives for an app."""
    warmed_cache.tags("a")
    sources = Sources(app, warmed_cache.d1, warmed_cache.event_lake.postgres, TODAY)
    return {family.name: list(draw(family, sources)) for family in families(CLEARLIFT) if family.name in POSTGRES}


def test_an_app_sees_no_row_of_another_that_has_the_same_organisations(warmed_cache: WarmedCache) -> None:
    postgres = warmed_cache.event_lake.postgres
    postgres.execute(
        "insert into attribution.windows (app, day, version, sequence, types_change, touches, conversions, built_at,"
        " credited) select app, %s, 1, 1, 0, 0, 0, now(), 0 from unnest(array['clearlift', 'other']) as app",
        [TODAY],
    )
    _rows_of_every_table(postgres, "clearlift", 1)
    before = wanted(warmed_cache, "clearlift")
    # What an app without rows says of an active organisation.
    nothing = {name: {w.value for w in values} for name, values in wanted(warmed_cache, "other").items()}
    assert all({w.value for w in before[name]} - nothing[name] for name in before), "each family has a row to read"
    _rows_of_every_table(postgres, "other", 1000)
    assert wanted(warmed_cache, "clearlift") == before
    theirs = wanted(warmed_cache, "other")
    for name, values in before.items():
        assert {v.key for v in values} == {v.key for v in theirs[name]} or name == "currencies"
        assert not ({v.value for v in values} & {v.value for v in theirs[name]}) - nothing[name], name


def test_warming_one_app_leaves_the_index_of_the_other_alone(warmed_cache: WarmedCache) -> None:
    warmed_cache.warm({"dashboard:a:summary:7d": b"{}"})
    postgres = warmed_cache.event_lake.postgres
    postgres.execute(
        "insert into cache.entries select 'other', key, family, hash, bytes, expires_at, written_at, tenant "
        "from cache.entries"
    )
    theirs = postgres.fetch("select * from cache.entries where namespace = 'other'")
    assert warmed_cache.warm({"dashboard:b:summary:7d": b"[]"}).deleted == 1
    assert warmed_cache.forget({}) == 1
    assert postgres.fetch("select * from cache.entries where namespace = 'other'") == theirs


def test_the_activity_that_ranks_is_that_of_the_app(warmed_cache: WarmedCache) -> None:
    postgres = warmed_cache.event_lake.postgres
    for app, tag, events in (("clearlift", "a", 2), ("clearlift", "b", 1), ("other", "b", 100)):
        postgres.execute(
            "insert into rollups.daily_totals values (%s, '2026-03-20', %s, 1, 1, 0, '', '', %s)", [tag, events, app]
        )
    warmed_cache.warm({f"dashboard:{tag}:summary:7d": b"{}" for tag in "ab"}, writes=1)
    assert warmed_cache.put == ["dashboard:a:summary:7d"]


def _rows_of_every_table(postgres: Postgres, app: str, number: int) -> None:
    """For organisation `org a` with tag `a`: one row in each table that a family reads, with a number in it."""
    sketch = sketches.sketch(["v"])
    statements = {
        "rollups.hourly_totals": ("'a', '2026-03-20 09:00+00', %(n)s, 1, 1, 0, %(s)s, %(s)s"),
        "rollups.daily_totals": ("'a', '2026-03-20', %(n)s, 1, 1, 0, %(s)s, %(s)s"),
        "rollups.daily_pages": ("'a', '2026-03-20', 'y.example', '/', %(n)s, 1, 1, 0"),
        "rollups.daily_sources": ("'a', '2026-03-20', 'google', '', %(n)s, 1, 1, 0"),
        "rollups.daily_campaigns": ("'a', '2026-03-20', 'c', '', '', %(n)s, 1, 1, 0"),
    }
    values = {"n": number, "s": sketch, "app": app}
    for table, row in statements.items():
        postgres.execute(f"insert into {table} values ({row}, %(app)s)", values)
    postgres.execute(
        "insert into attribution.organizations (app, org_tag, org_id, conversion_types, window_days) "
        "values (%(app)s, 'a', 'org a', '{purchase}', 30)",
        values,
    )
    postgres.execute(
        "insert into ads.campaign_metrics_daily (app, org_id, campaign_id, date, platform, account_id, impressions, "
        "clicks, spend, conversions, conversions_value, currency, time_zone, attribution_window, is_final, "
        "sync_run_id) "
        "values (%(app)s, 'org a', 'c', '2026-03-20', 'google', '1', 1, 1, %(n)s, 0, 0, 'EUR', 'UTC', 'default', true, "
        "gen_random_uuid())",
        values,
    )
    postgres.execute(
        "insert into attribution.touches (app, day, org_tag, visitor, browser, session, at, session_begins,"
        " session_ends, named_platform, utm_campaign, reason) select %(app)s, day, 'a', '1', '1', '1', day, day, day,"
        " '', %(app)s, 'unknown_campaign' from (select date '2026-03-20' as day) as at",
        values,
    )
    currency = {"clearlift": "EUR", "other": "USD"}[app]
    postgres.execute(
        "insert into ads.ad_accounts (app, org_id, id, platform, account_id, connection_id, currency, time_zone, "
        "updated_at, raw_data) values (%(app)s, 'org a', 'x', 'google', '1', 'c', %(currency)s, 'UTC', now(), '{}')",
        {**values, "currency": currency},
    )
    postgres.execute(
        "insert into ads.campaigns (app, org_id, id, platform, account_id, native_id, name, currency, updated_at) "
        "values (%(app)s, 'org a', 'c', 'google', '1', '7', %(app)s, %(currency)s, now())",
        {**values, "currency": currency},
    )
