"""Every total of the sandbox's world: stored to the cent, after restatements, deletions and late conversions."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from assets.ads.plan import SyncMode
from sandbox.world.entities import PLATFORMS, Platform
from tests.assets.ads.ad_stores import LEVELS, AdStores
from tests.examples import examples

FIRST = date(2026, 10, 22)


def test_every_fact_of_every_day_and_currency_whatever_changes(ads_bench: AdStores) -> None:
    ads_bench.connect()
    outcomes = ads_bench.sync()
    assert [(o.connection.id, o.error) for o in outcomes if o.error] == []
    assert len(outcomes) == 8
    # The account furthest ahead has its own 21st already; every look-back reaches the 22nd of October.
    assert ads_bench.differences(since=FIRST, until=date(2026, 11, 21)) == []
    assert {row["currency"] for row in ads_bench.postgres.fetch("select currency from ads.ad_accounts")} == {
        "USD",
        "JPY",
    }

    before = ads_bench.spend()
    ads_bench.sandbox.clock.advance(timedelta(days=4, hours=3))
    outcomes = ads_bench.sync(mode=SyncMode.LOOKBACK)
    assert [(o.connection.id, o.error) for o in outcomes if o.error] == []
    assert ads_bench.spend() != before
    # Days that the look-back no longer reaches keep what they were last seen as.
    assert ads_bench.differences(since=FIRST + timedelta(days=4), until=date(2026, 11, 25)) == []
    assert _ledger_tells_all_changes(ads_bench)
    assert sum(o.rows["deleted"] for o in outcomes) > 0, "no row was restated to zero"
    assert {o.connection.platform for o in outcomes if any("status" in note for note in o.notes)} == set(PLATFORMS)
    assert {o.connection.platform for o in outcomes if any("field" in note for note in o.notes)} == set(PLATFORMS)


def _ledger_tells_all_changes(ad_stores: AdStores) -> bool:
    """For each restated day: what is stored now is what the ledger says it became."""
    rows = ad_stores.postgres.fetch(
        """select r.kind, r.days_later, r.spend_after, f.spend, r.conversions_after, f.conversions, r.campaign_name
        from ads.restatement_history r
        left join ads.campaign_metrics_daily f
            on f.org_id = r.org_id and f.campaign_id = r.campaign_id and f.date = r.date"""
    )
    assert {row["kind"] for row in rows} >= {"changed"}
    assert all(1 <= row["days_later"] <= 31 for row in rows)
    return all(row["spend_after"] == row["spend"] and row["conversions_after"] == row["conversions"] for row in rows)


def test_entities_are_those_of_the_world(tiny: AdStores) -> None:
    tiny.connect()
    tiny.sync()
    tiny.sandbox.clock.advance(timedelta(days=4))
    tiny.sync()
    world, now = tiny.sandbox.world, tiny.sandbox.clock()
    for platform, account in [(p, a) for p in PLATFORMS for a in world.accounts(p)]:
        rows = tiny.postgres.fetch(
            "select id, name, deleted_at, null as parent from ads.campaigns where account_id = %(a)s"
            " union all select id, name, deleted_at, campaign_id from ads.ad_groups where account_id = %(a)s",
            {"a": account.id},
        )
        stored = {row["id"]: row for row in rows}
        entities = [*world.campaigns(platform, account.id, now), *world.ad_groups(platform, account.id, now)]
        gone = {e.id for e in entities if e.deleted_at is not None}
        for entity in entities:
            row = stored.get(f"{platform}:{account.id}:{entity.id}")
            # What lies below something deleted is deleted with it at some platforms.
            if entity.id not in gone and entity.parent_id not in gone:
                assert row is not None
                assert (row["name"], row["deleted_at"]) == (entity.name, None)
            elif row is not None and entity.id in gone:
                assert row["deleted_at"] is not None
        assert gone & {key.rpartition(":")[2] for key in stored}


def test_totals_are_derived_and_fractions_of_conversions_kept(tiny: AdStores) -> None:
    tiny.connect(only=["google"])
    tiny.sync("google")
    for level, (table, key) in LEVELS.items():
        (row,) = tiny.postgres.fetch(
            f"select sum(t.spend) as total, (select sum(spend) from {table}) as daily, count(*) as entities,"
            f" (select count(distinct {key}) from {table}) as with_facts from ads.{level}_totals t"
        )
        assert row["total"] == row["daily"] > 0
        assert row["entities"] == row["with_facts"]
    odd = tiny.postgres.fetch(
        "select 1 from ads.campaign_metrics_daily where conversions <> trunc(conversions) limit 1"
    )
    assert odd


def test_today_is_not_final_and_days_are_the_accounts_own(ads_bench: AdStores) -> None:
    ads_bench.connect(only=["google"])
    ads_bench.sync("google")
    rows = ads_bench.postgres.fetch(
        "select time_zone, date, bool_and(is_final) as final, bool_or(is_final) as any_final"
        " from ads.campaign_metrics_daily group by 1, 2"
    )
    # In Tokyo it is midnight of the 21st, whose day has earned nothing yet: the 20th is over there, not in New York.
    assert all(r["final"] for r in rows if r["time_zone"] == "Asia/Tokyo" and r["date"] <= date(2026, 11, 20))
    assert {r["date"] for r in rows if r["time_zone"] == "America/New_York" and not r["final"]} == {date(2026, 11, 20)}
    ads_bench.sandbox.clock.advance(timedelta(days=1))
    ads_bench.sync("google")
    (row,) = ads_bench.postgres.fetch(
        "select bool_and(is_final) as final from ads.campaign_metrics_daily where date = '2026-11-20'"
    )
    assert row["final"]


def test_a_second_sync_of_the_same_moment_writes_nothing(tiny: AdStores) -> None:
    tiny.connect()
    tiny.sync()
    written = tiny.postgres.fetch("select ctid::text || xmin::text || xmax::text as v from ads.keyword_metrics_daily")
    outcomes = tiny.sync()
    assert [o.rows[what] for o in outcomes for what in ("inserted", "updated", "deleted", "restated")] == [0] * 16
    again = tiny.postgres.fetch("select ctid::text || xmin::text || xmax::text as v from ads.keyword_metrics_daily")
    assert written == again


def test_every_amount_has_its_currency_and_every_fact_its_zone(tiny: AdStores) -> None:
    rows = tiny.postgres.fetch(
        """select table_name as name, array_agg(column_name::text) as columns from information_schema.columns
        where table_schema = 'ads' group by table_name"""
    )
    columns = {row["name"]: set(row["columns"]) for row in rows}
    amounts = {"spend", "conversions_value", "budget", "bid", "bid_amount", "spend_before", "spend_change"}
    of_amounts = {name for name, found in columns.items() if found & amounts}
    assert of_amounts >= {"campaigns", "ad_groups", "keywords", "campaign_totals", "restatements"}
    assert [name for name in of_amounts if "currency" not in columns[name]] == []
    for table, _ in LEVELS.values():
        assert {"currency", "time_zone", "attribution_window"} <= columns[table.removeprefix("ads.")]
    tiny.connect(lookback_days=2)
    tiny.sync()
    for table, _ in LEVELS.values():
        differing = tiny.postgres.fetch(
            f"select 1 from {table} f join ads.ad_accounts a on a.org_id = f.org_id and a.platform = f.platform"
            " and a.account_id = f.account_id where (f.currency, f.time_zone) <> (a.currency, a.time_zone) limit 1"
        )
        assert differing == []


MOVES = st.tuples(st.sampled_from([1, 5, 23, 30, 71, 140]), st.sampled_from([SyncMode.RECENT, SyncMode.LOOKBACK]))


@examples(2, 20)
@given(moves=st.lists(MOVES, min_size=1, max_size=4), platform=st.sampled_from(PLATFORMS))
def test_whenever_it_is_synced_the_look_back_is_the_worlds(
    shared_bench: AdStores, moves: list[tuple[int, SyncMode]], platform: Platform
) -> None:
    """Days of every level and action, as the world has them at the moment of the last look-back."""
    tiny = shared_bench
    tiny.empty()
    tiny.connect(only=[platform], lookback_days=9)
    tiny.sync(platform)
    for hours, mode in [*moves, (1, SyncMode.LOOKBACK)]:
        tiny.sandbox.clock.advance(timedelta(hours=hours))
        assert [outcome.error for outcome in tiny.sync(platform, mode=mode)] == [None]
    today = tiny.sandbox.clock().date()
    assert tiny.differences(platform, since=today - timedelta(days=8), until=today + timedelta(days=1)) == []
