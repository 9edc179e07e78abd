"""Ads by the clock: which connections are synced when, how far back, and that what is requested can be run."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dagster import DagsterInstance, DefaultScheduleStatus, RunRequest

from assets.ads.assets import TABLES
from assets.ads.config import SyncConfig
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.settings import load
from resources.ad_platforms import PLATFORMS
from resources.sql_files import read_sql
from tests.clearlift_pipelines.location import Location, Moment, partitions

CADENCE = {
    "clearlift_ads_hourly": ("5 * * * *", "recent", ["pro", "enterprise"], 1),
    "clearlift_ads_daily": ("15 3 * * *", "recent", ["free"], 1),
    "clearlift_ads_look_back": ("45 4 * * *", "lookback", [], SyncConfig().lookback_days),
}
HOURLY_AND_DAILY = ("clearlift_ads_hourly", "clearlift_ads_daily")
AT = datetime(2026, 11, 20, 4, 5, tzinfo=UTC)


def requested(name: str, at: datetime, **settings: Any) -> list[RunRequest]:
    defs = build_defs(load(**settings))
    with DagsterInstance.ephemeral() as instance:
        return list(defs.resolve_schedule_def(name).evaluate_tick(Moment(instance, at, defs)).run_requests or [])


def config(request: RunRequest, platform: str) -> dict[str, Any]:
    values = request.run_config["ops"][f"clearlift__ads__{platform}"]["config"]
    assert isinstance(values, dict)
    return values


@pytest.mark.parametrize("name", CADENCE)
@pytest.mark.usefixtures("bare_environment")
def test_each_tier_has_its_cadence_and_days(name: str) -> None:
    cron, mode, tiers, days = CADENCE[name]
    schedule = build_defs(load()).resolve_schedule_def(name)
    assert (schedule.cron_schedule, schedule.execution_timezone) == (cron, "UTC")
    assert schedule.default_status is DefaultScheduleStatus.RUNNING
    requests = requested(name, AT)
    assert len(requests) == len(PLATFORMS), "a run a platform, so that a slow one delays no other"
    for platform, request in zip(PLATFORMS, requests, strict=True):
        assert config(request, platform) == {"mode": mode, "tiers": tiers}
        assert set(request.run_config["ops"]) == {f"clearlift__ads__{platform}"}
        assert partitions(request) == (f"{AT.date() - timedelta(days=days)}", f"{AT.date()}")
        assert {key.path[-1] for key in request.asset_selection or []} == {platform, *TABLES, "restatements"}


@pytest.mark.usefixtures("bare_environment")
def test_the_hourly_and_the_daily_syncs_share_all_tiers_between_them() -> None:
    tiers = [tier for name in HOURLY_AND_DAILY for tier in config(requested(name, AT)[0], "google")["tiers"]]
    (check,) = re.findall(r"subscription_tier in \(([^)]*)\)", read_sql("clearlift/d1/001_initial.up.sql"))
    assert sorted(tiers) == sorted(re.findall(r"\w+", check))


@pytest.mark.parametrize(
    ("name", "step"), [("clearlift_ads_hourly", 1), ("clearlift_ads_daily", 24), ("clearlift_ads_look_back", 24)]
)
@pytest.mark.usefixtures("bare_environment")
def test_a_tick_requests_once_and_the_next_one_again(name: str, step: int) -> None:
    keys = [request.run_key for request in requested(name, AT)]
    assert keys == [f"{name}-{platform}-2026-11-20T04:05" for platform in PLATFORMS]
    assert keys == [request.run_key for request in requested(name, AT)]
    later = [request.run_key for request in requested(name, AT + timedelta(hours=step))]
    assert len({*keys, *later}) == 2 * len(PLATFORMS)


@pytest.mark.parametrize("name", CADENCE)
@pytest.mark.usefixtures("bare_environment")
def test_no_day_before_the_first_partition_is_requested(name: str) -> None:
    first = date(2026, 11, 20)
    for request in requested(name, AT, partitions_start=first):
        assert partitions(request) == (f"{first}", f"{AT.date()}")


def test_what_a_schedule_requests_can_be_run(location: Location) -> None:
    location.now = AT
    (request, *_) = requested("clearlift_ads_look_back", AT)
    result = location.defs.resolve_job_def("clearlift_ads").execute_in_process(
        instance=location.instance,
        run_config=dict(request.run_config),
        tags=dict(request.tags),
        asset_selection=list(request.asset_selection or []),
    )
    assert result.success
    made = {e.asset_key.path[-1] for e in result.get_asset_materialization_events() if e.asset_key}
    assert made == {"google", *TABLES, "restatements"}
    ran = {(c.asset_key.path[-1], c.check_name) for c in result.get_asset_check_evaluations()}
    assert {name for key, name in ran if key == "google"} == {
        "connections_ok", "stored_equals_source", "levels_agree", "actions_add_up", "settings_have_effect"
    }  # fmt: skip
    assert ("campaigns", "no_orphans") in ran
