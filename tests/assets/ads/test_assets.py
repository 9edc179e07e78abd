"""The graph of ads: partitions, checks that name what failed, tables and the ledger beside them."""

from datetime import date, timedelta
from typing import Any

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetKey,
    AssetsDefinition,
    AssetSelection,
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    Failure,
    define_asset_job,
    in_process_executor,
)
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.ads import restatements
from assets.ads.assets import build
from assets.apps.clearlift import APP as CLEARLIFT
from assets.partitions import Calendar
from resources.ad_platforms import PLATFORMS
from resources.pacing import Pacing, Rate
from sandbox.faults import Fault, FaultKind
from tests.assets.ads.ad_stores import AdStores

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
SOURCE = AssetSelection.checks(AssetCheckKey(AssetKey(["clearlift", "ads", "google"]), "stored_equals_source"))
PLATFORM_OPS = [f"clearlift__ads__{name}" for name in PLATFORMS]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Assets sleep for real: polls and pacing of a sandbox need not."""
    monkeypatch.setattr("resources.ad_platforms.polling.FIRST_WAIT", 0.001)
    monkeypatch.setattr("assets.ads.sync.Pacing", lambda *_, **__: Pacing(Rate(10_000, 10_000)))


def materialized(
    ad_stores: AdStores,
    config: dict[str, Any],
    first: str,
    last: str,
    *,
    only: AssetSelection | None = None,
    may_fail: bool = False,
) -> ExecuteInProcessResult:
    """A run of all ad assets and checks, or some only, over a range of metric days."""
    graph = build(CLEARLIFT, Calendar(date(2026, 1, 1)))
    defs = Definitions(
        assets=[a for a in graph if isinstance(a, AssetsDefinition) and not isinstance(a, AssetChecksDefinition)],
        asset_checks=[a for a in graph if isinstance(a, AssetChecksDefinition)],
        jobs=[define_asset_job("ads", "*" if only is None else only)],
        resources={"rooms": ad_stores.rooms},
        executor=in_process_executor,
    )
    with DagsterInstance.ephemeral() as instance:
        return defs.resolve_job_def("ads").execute_in_process(
            instance=instance,
            run_config={"ops": {op: {"config": config} for op in PLATFORM_OPS}} if only is None else {},
            raise_on_error=not may_fail,
            tags={ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last},
        )


def checks(result: ExecuteInProcessResult) -> dict[tuple[str, str], AssetCheckEvaluation]:
    return {(c.asset_key.path[-1], c.check_name): c for c in result.get_asset_check_evaluations()}


def metadata(result: ExecuteInProcessResult, name: str) -> dict[str, Any]:
    found = result.asset_materializations_for_node(f"clearlift__ads__{name}")[0]  # one of each partition
    return {key: value.value for key, value in found.metadata.items()}


def test_the_graph_is_synced_checked_and_counted(ads_bench: AdStores) -> None:
    ads_bench.connect(lookback_days=8)
    result = materialized(ads_bench, {"mode": "recent"}, "2026-11-19", "2026-11-20")
    assert all(c.passed for c in checks(result).values()), checks(result)
    assert {name for _, name in checks(result)} == {
        "connections_ok", "stored_equals_source", "levels_agree", "actions_add_up", "no_orphans", "accounts_connected",
        "platforms_known", "settings_have_effect"
    }  # fmt: skip
    google = metadata(result, "google")
    assert (google["connections"], google["failed"]) == (2, 0)
    runs = ads_bench.postgres.fetch("select sum(requests) as requests from ads.sync_runs where platform = 'google'")
    assert google["requests"] == runs[0]["requests"] > 0
    assert google["dagster/partition_row_count"] > 0
    rows = ads_bench.postgres.fetch("select count(*) as rows from ads.keyword_metrics_daily")[0]["rows"]
    assert metadata(result, "keyword_metrics_daily")["dagster/row_count"] == rows
    assert metadata(result, "restatements")["by_days_later"] == "No final day has been restated."
    ads_bench.sandbox.clock.advance(timedelta(days=3))
    result = materialized(ads_bench, {"mode": "lookback"}, "2026-11-15", "2026-11-23")
    assert all(c.passed for c in checks(result).values()), checks(result)
    ledger = metadata(result, "restatements")
    assert "█" in ledger["by_days_later"]
    assert ledger["restated_rows"] == ledger["dagster/row_count"] > 0
    zones = {row["time_zone"] for row in ads_bench.postgres.fetch("select time_zone from ads.ad_accounts")}
    assert {row.data["time_zone"] for row in ledger["lately"].records} <= zones


def test_the_columns_that_the_ledger_says_it_has_are_those_of_its_view(ads_bench: AdStores) -> None:
    columns = ads_bench.postgres.fetch(
        "select attname as name, format_type(atttypid, null) as type from pg_attribute"
        " where attrelid = 'ads.restatement_history'::regclass order by attnum"
    )
    types = {"timestamp with time zone": "timestamptz"}
    assert [(c["name"], types.get(c["type"], c["type"])) for c in columns] == [c[:2] for c in restatements.COLUMNS]


def test_a_failed_connection_is_named_by_the_check(ads_bench: AdStores) -> None:
    ads_bench.connect(only=["google"], lookback_days=3)
    account = ads_bench.sandbox.world.accounts("google")[0].id
    ads_bench.sandbox.faults.order(Fault(FaultKind.ACCOUNT_INACTIVE, "google", account_id=account, times=None))
    found = checks(materialized(ads_bench, {"mode": "recent", "tiers": ["pro"]}, "2026-11-19", "2026-11-20"))
    failed = found["google", "connections_ok"]
    assert not failed.passed
    assert f"org-a-google-{account}" in str(failed.description)
    assert "CUSTOMER_NOT_ENABLED" in str(failed.description)
    assert found["tiktok", "connections_ok"].passed


def test_a_platform_that_cannot_be_asked_fails_the_check_and_not_the_run(ads_bench: AdStores) -> None:
    ads_bench.connect(only=["google"], lookback_days=3)
    materialized(ads_bench, {"mode": "recent"}, "2026-11-19", "2026-11-20")
    for account in ads_bench.sandbox.world.accounts("google"):
        ads_bench.sandbox.tokens.revoke("google", account.id)
    result = materialized(ads_bench, {"mode": "recent"}, "2026-11-19", "2026-11-20", only=SOURCE)
    assert result.success
    source = checks(result)["google", "stored_equals_source"]
    assert not source.passed
    assert source.severity is AssetCheckSeverity.WARN
    assert "could not be asked" in str(source.description)
    assert "difference" not in str(source.description)


def test_where_every_connection_failed_nothing_was_made(ads_bench: AdStores) -> None:
    ads_bench.connect(only=["google"], lookback_days=3)
    for account in ads_bench.sandbox.world.accounts("google"):
        ads_bench.sandbox.tokens.revoke("google", account.id)
    result = materialized(ads_bench, {"mode": "recent"}, "2026-11-19", "2026-11-20", may_fail=True)
    assert not result.success
    assert not result.asset_materializations_for_node("clearlift__ads__google")
    assert result.asset_materializations_for_node("clearlift__ads__tiktok"), "without connections there is no failure"
    proved = checks(result)["google", "connections_ok"]
    assert not proved.passed
    assert str(proved.description).startswith("2 of 2 Google Ads connections failed: ")
    (failure,) = (e for e in result.all_events if e.is_step_failure and "google" in str(e.step_key))
    assert failure.step_failure_data.user_failure_data is not None
    assert failure.step_failure_data.user_failure_data.description == proved.description
    assert "next" in failure.step_failure_data.user_failure_data.metadata


def test_checks_find_what_does_not_agree(ads_bench: AdStores) -> None:
    ads_bench.connect(only=["google"], lookback_days=8)
    materialized(ads_bench, {"mode": "recent"}, "2026-11-19", "2026-11-20")
    ads_bench.postgres.execute("update ads.campaign_metrics_daily set spend = spend / 2, conversions = conversions + 1")
    ads_bench.postgres.execute(
        "insert into ads.keyword_metrics_daily select org_id, 'google:1:2:3', date, platform, account_id, 1, 1, 1, 1,"
        " 1, currency, time_zone, attribution_window, is_final, sync_run_id, app"
        " from ads.campaign_metrics_daily limit 1"
    )
    # A window of one long past day leaves what is wrong where it is.
    found = checks(materialized(ads_bench, {"mode": "window"}, "2026-11-02", "2026-11-02"))
    assert not found["google", "levels_agree"].passed
    assert not found["google", "actions_add_up"].passed
    assert not found["campaigns", "no_orphans"].passed
    source = found["google", "stored_equals_source"]
    assert not source.passed or source.metadata["day"].value == "2026-11-02"


def test_an_unknown_connection_is_one_clear_error(ads_bench: AdStores) -> None:
    with pytest.raises(
        Failure, match=r"no active connection has the id 'nobody'\. Next: (name one of|connect an account) "
    ):
        materialized(ads_bench, {"connection": "nobody"}, "2026-11-20", "2026-11-20")


def test_a_connection_is_named_to_a_run_of_all_platforms_without_saying_whose_it_is(ads_bench: AdStores) -> None:
    ads_bench.connect(only=["tiktok", "facebook"], lookback_days=3)
    named = ads_bench.connection("tiktok")["id"]
    result = materialized(ads_bench, {"connection": named}, "2026-11-20", "2026-11-20")
    assert result.success
    assert {name: metadata(result, name)["connections"] for name in PLATFORMS} == {
        **dict.fromkeys(PLATFORMS, 0), "tiktok": 1
    }  # fmt: skip


def test_the_plot_has_a_bar_for_each_age() -> None:
    by_age: list[dict[str, Any]] = [
        {"days_later": 1, "rows": 40, "conversions_change": 3.5},
        {"days_later": 9, "rows": 1, "conversions_change": -1},
    ]
    drawn = restatements.plot(by_age).splitlines()
    assert [line.count("█") for line in drawn] == [0, 0, 40, 1, 0]


def test_every_asset_has_its_key_group_and_pool() -> None:
    for definition in build(CLEARLIFT, Calendar(date(2026, 1, 1))):
        if isinstance(definition, AssetChecksDefinition):
            continue
        assert isinstance(definition, AssetsDefinition)
        (key,) = definition.keys
        assert key.path[:2] == ["clearlift", "ads"]
        assert definition.group_names_by_key[key] == "clearlift_ads"
        if key.path[2] in PLATFORMS:
            assert definition.op.pool == f"ads_{key.path[2]}"


def test_settings_that_change_nothing_are_a_warning_that_names_them(ads_bench: AdStores) -> None:
    ads_bench.connect(only=["tiktok"], lookback_days=2, lookback=5, conversion_actions=["nosuch"])
    named = ads_bench.connection("tiktok")["id"]
    ads_bench.d1.execute(
        "insert into platform_connections (id, organization_id, platform, account_id, connected_by)"
        " values ('late', 'org-a', 'snapchat', '1', 'u')"
    )
    found = checks(materialized(ads_bench, {"mode": "recent"}, "2026-11-19", "2026-11-20"))
    settings = found["tiktok", "settings_have_effect"]
    assert (settings.passed, settings.severity) == (False, AssetCheckSeverity.WARN)
    assert str(settings.description).startswith(
        f"{named}: sync_config.lookback is no setting: lookback_days may be meant; {named}: conversion action nosuch:"
        " none has come; "
    )
    assert str(settings.description).endswith(". Next: correct `sync_config` of the connection (docs/ads.md)")
    platforms = found["campaigns", "platforms_known"]
    assert (platforms.passed, platforms.severity) == (False, AssetCheckSeverity.WARN)
    assert "late (snapchat)" in str(platforms.description)


def test_a_tier_that_nobody_has_is_refused(ads_bench: AdStores) -> None:
    with pytest.raises(
        Failure, match=r"'gold' is no tier of an organisation\. Next: name one of free, pro, enterprise"
    ):
        materialized(ads_bench, {"tiers": ["gold"]}, "2026-11-20", "2026-11-20")


def test_progress_and_summary_count_the_same_slices(ads_bench: AdStores, monkeypatch: pytest.MonkeyPatch) -> None:
    ads_bench.connect(only=["tiktok"], lookback_days=2)
    told: dict[str, tuple[int, int]] = {}
    rooms = ads_bench.rooms
    rooms.progress = lambda label: lambda done, total: told.update({label: (done, total)})
    monkeypatch.setattr(AdStores, "rooms", property(lambda _: rooms))
    slices = metadata(materialized(ads_bench, {"mode": "recent"}, "2026-11-19", "2026-11-20"), "tiktok")["slices"]
    (label,) = (label for label in told if "TikTok" in label)
    assert told[label] == (slices, slices)
