"""Two apps with the same organisation, connection and account in one Postgres: neither sees or changes the other."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from assets.ads.audit import audit
from assets.ads.plan import SyncMode
from assets.ads.sync import accounts_of
from assets.apps import App
from assets.apps.clearlift import APP as CLEARLIFT
from resources import migrations
from resources.d1 import EmbeddedD1
from resources.sql_files import read_sql
from tests.assets.ads.ad_stores import LEVELS, AdStores

OTHER = replace(CLEARLIFT, name="other", ad_accounts=replace(accounts_of(CLEARLIFT), raw="raw/other_ads/"))
TABLES = (
    "ad_accounts", "campaigns", "ad_groups", "ads", "keywords", "campaign_metrics_daily", "ad_group_metrics_daily",
    "ad_metrics_daily", "keyword_metrics_daily", "conversions_daily", "restatements", "sync_state", "sync_runs",
    "sync_slices", "sync_ranges", "restatement_history", "campaign_totals", "ad_group_totals", "ad_totals",
    "keyword_totals", "creatives", "creative_metrics_daily", "listed_entities",
)  # fmt: skip


@pytest.fixture
def other(ads_bench: AdStores, tmp_path: Path) -> Iterator[AdStores]:
    """The stores of another app: its own D1; platforms, Postgres and R2 are those of the first."""
    d1 = EmbeddedD1(tmp_path / "other.sqlite")
    migrations.up(migrations.D1AppliedMigrations(d1, "d1"), "clearlift/d1")
    yield replace(ads_bench, d1=d1, app=OTHER)
    d1.close()


def stored(ad_stores: AdStores, app: App) -> dict[str, list[str]]:
    """Every row of an app in every table and view, as text."""
    return {
        table: sorted(
            json.dumps(row["row"], sort_keys=True)
            for row in ad_stores.postgres.fetch(
                f"select to_jsonb(t) as row from ads.{table} t where app = %s", (app.name,)
            )
        )
        for table in TABLES
    }


def test_a_sync_a_restatement_and_a_deletion_of_one_app_leave_the_other_as_it_was(
    ads_bench: AdStores, other: AdStores
) -> None:
    for ad_stores in (ads_bench, other):
        ad_stores.connect(only=["google", "microsoft"], lookback_days=6)
        assert [result.error for result in ad_stores.sync("google", "microsoft")] == [None] * 4
    assert ads_bench.snapshot().keys() == other.snapshot().keys()
    first = stored(ads_bench, CLEARLIFT)
    assert {table for table, rows in first.items() if not rows} == {
        "restatements", "restatement_history", "sync_ranges",
    }  # fmt: skip
    # The other app's sync goes on: days are restated, and rows deleted that its platforms give no longer.
    ads_bench.sandbox.clock.advance(timedelta(days=3))
    other.postgres.execute(
        """insert into ads.ad_metrics_daily
        select f.app, f.org_id, f.ad_id, day.date, f.platform, f.account_id, 1, 1, 1, 0, 0, f.currency, f.time_zone,
            f.attribution_window, true, f.sync_run_id
        from ads.ad_metrics_daily f
        join ads.listed_entities e on e.app = f.app and e.level = 'ad' and e.id = f.ad_id
        cross join (select distinct date from ads.ad_metrics_daily) as day
        where f.app = 'other' and f.platform = 'google' and day.date >= '2026-11-18' and not exists (
            select from ads.ad_metrics_daily o where o.app = f.app and o.ad_id = f.ad_id and o.date = day.date
        )
        order by day.date, f.ad_id, f.date
        limit 1"""
    )
    results = other.sync("google", "microsoft", mode=SyncMode.LOOKBACK)
    assert sum(result.rows["restated"] for result in results) > 0
    assert sum(result.rows["deleted"] for result in results) > 0
    assert stored(ads_bench, CLEARLIFT) == first
    # The first app finds its own cursors and its own final days.
    again = ads_bench.sync("google", "microsoft", mode=SyncMode.LOOKBACK)
    assert sum(result.rows["restated"] for result in again) > 0
    for table, _ in LEVELS.values():
        assert ads_bench.snapshot()[table] == other.snapshot()[table]


def test_each_app_is_synced_resumed_and_compared_by_its_own_slices(ads_bench: AdStores, other: AdStores) -> None:
    for ad_stores in (ads_bench, other):
        ad_stores.connect(only=["google"], lookback_days=2)
    ads_bench.sync("google")
    assert audit(other.engine("google")).day is None, "no slice of the other app was merged"
    assert {info.key.split("/")[1] for info in ads_bench.store.list("raw")} == {"ads"}
    other.sync("google")
    assert audit(other.engine("google")).passed
    prefixes = ads_bench.postgres.fetch(
        "select distinct app, split_part(raw_prefix, '/', 2) as folder from ads.sync_slices order by app"
    )
    assert [tuple(row.values()) for row in prefixes] == [("clearlift", "ads"), ("other", "other_ads")]
    # A fault in the stored rows of one app is no difference of the other.
    other.postgres.execute("update ads.campaign_metrics_daily set clicks = clicks + 1 where app = 'other'")
    assert audit(ads_bench.engine("google")).passed
    assert audit(other.engine("google")).differences


def test_a_replay_of_one_app_merges_its_own_pages(ads_bench: AdStores, other: AdStores) -> None:
    for ad_stores in (ads_bench, other):
        ad_stores.connect(only=["google"], lookback_days=2)
        ad_stores.sync("google")
    whole = other.snapshot()
    for table in ("campaign_metrics_daily", "sync_state", "sync_runs"):
        ads_bench.postgres.execute(f"delete from ads.{table} where app = 'other'")
    row = other.connection("google")["id"]
    first = stored(ads_bench, CLEARLIFT)
    assert other.engine("google").replay(row).inserted > 0
    facts = LEVELS["campaign"][0]
    account = other.connection("google")["account_id"]
    assert set(other.snapshot()[facts]) <= set(whole[facts])
    assert other.stored("google", account, "campaign") == ads_bench.stored("google", account, "campaign")
    assert stored(ads_bench, CLEARLIFT) == first


def test_checks_and_summaries_count_their_own_app(ads_bench: AdStores, other: AdStores) -> None:
    ads_bench.connect(only=["google"], lookback_days=3)
    ads_bench.sync("google")
    postgres, since = ads_bench.postgres, ads_bench.sandbox.clock().date() - timedelta(days=30)
    parameters: dict[str, Any] = {"app": "other", "platform": "google", "since": since, "until": since.max, "whole": []}
    assert postgres.fetch(read_sql("ads/summary.sql"), parameters) == []
    other.connect(only=["google"], lookback_days=3)
    other.sync("google")
    summaries = [postgres.fetch(read_sql("ads/summary.sql"), {"app": app.name}) for app in (CLEARLIFT, OTHER)]
    assert summaries[0] == summaries[1]
    assert summaries[0][0]["accounts"] == 2
    postgres.execute("update ads.campaign_metrics_daily set spend = spend / 2 where app = 'clearlift'")
    postgres.execute(
        "insert into ads.keyword_metrics_daily select org_id, 'google:1:2:3', date, platform, account_id, 1, 1, 1, 1,"
        " 1, currency, time_zone, attribution_window, is_final, sync_run_id, app from ads.campaign_metrics_daily"
        " where app = 'clearlift' limit 1"
    )
    for app, wrong in (("clearlift", True), ("other", False)):
        own = {**parameters, "app": app}
        assert bool(postgres.fetch(read_sql("ads/levels_agree.sql"), own)) is wrong
        assert any(row["rows"] for row in postgres.fetch(read_sql("ads/orphans.sql"), own)) is wrong
    assert Decimal(ads_bench.spend()) != other.spend()
