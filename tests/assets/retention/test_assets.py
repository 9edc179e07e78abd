"""Retention as Dagster runs and schedules it: a dry run by default, metadata, checks, what a stopped run says."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetCheckSeverity, AssetKey, ExecuteInProcessResult

from tests.assets.archive.archive_stores import NOW
from tests.clearlift_pipelines.location import Location, Moment, located


@pytest.fixture
def location(tmp_path: Path, postgres_dsn: str) -> Iterator[Location]:
    with located(tmp_path / "home", postgres_dsn) as found:
        found.now = NOW
        yield found


def test_a_run_is_a_dry_run_by_default(location: Location) -> None:
    click_days(location, 3)

    planned = retained(location)

    assert totals(planned) == {"dry_run": True, "deleted": 0, "would_go": 3, "held_back": 0}
    assert rows(location) == 3
    assert checks(planned) == {"nothing_unproved_was_deleted": True, "nothing_waits": True}

    done = retained(location, dry_run=False)
    assert totals(done) == {"dry_run": False, "deleted": 3, "proved": 3, "held_back": 0}
    assert rows(location) == 0


def test_what_is_held_back_is_shown_as_a_warning(location: Location) -> None:
    location.stores.postgres.execute(
        "insert into ads.sync_runs (app, id, connection_id, org_id, platform, account_id, mode, started_at, status)"
        " values ('clearlift', gen_random_uuid(), 'c', 'o', 'google', 'a', 'recent', '2020-01-01', 'running')"
    )
    done = retained(location, dry_run=False)
    assert totals(done)["held_back"] == 1
    (warned,) = (e for e in done.get_asset_check_evaluations() if not e.passed)
    assert (warned.check_name, warned.severity) == ("nothing_waits", AssetCheckSeverity.WARN)
    assert warned.description == "the run has not ended, or slices of it stay"


def test_a_large_share_fails_the_run_after_the_other_tables_went(location: Location) -> None:
    click_days(location, 1_000)
    location.stores.postgres.execute(
        "insert into cache.access_objects values ('clearlift', 'access/clearlift/a', 1, 0, 1, 0, '2020-01-01')"
    )
    stopped = retained(location, raise_on_error=False, dry_run=False)
    assert not stopped.success
    (failure,) = (e for e in stopped.all_events if e.is_step_failure)
    said = failure.step_failure_data.user_failure_data
    assert said is not None
    assert "1,000 of 1,000 rows would be deleted" in (said.description or "")
    assert rows(location) == 1_000
    assert location.stores.postgres.fetch("select 1 from cache.access_objects") == []
    assert totals(retained(location, dry_run=False, confirm=True))["deleted"] == 1_000


def test_the_schedule_deletes_in_every_store(location: Location) -> None:
    (schedule,) = (s for s in location.defs.schedules or [] if s.name == "clearlift_retention")
    context = Moment(location.instance, datetime(2026, 7, 1, 5, tzinfo=UTC), location.defs)
    (request,) = schedule.evaluate_tick(context).run_requests or []  # type: ignore[union-attr]
    assert schedule.cron_schedule == "0 5 * * *"  # type: ignore[union-attr]
    job = location.defs.resolve_job_def("clearlift_retention")
    done = job.execute_in_process(instance=location.instance, run_config=request.run_config)
    keys = {e.asset_key.to_user_string() for e in done.get_asset_materialization_events() if e.asset_key}
    assert keys == {f"clearlift/retention/{store}" for store in ("events", "postgres", "objects", "d1")}
    for event in done.get_asset_materialization_events():
        assert event.step_materialization_data.materialization.metadata["dry_run"].value is False
    assert all(e.passed for e in done.get_asset_check_evaluations())


def retained(location: Location, raise_on_error: bool = True, **config: Any) -> ExecuteInProcessResult:
    job = location.defs.resolve_job_def("clearlift_retention")
    return job.execute_in_process(
        instance=location.instance,
        run_config={"ops": {"clearlift__retention__postgres": {"config": config}}},
        asset_selection=[AssetKey(["clearlift", "retention", "postgres"])],
        raise_on_error=raise_on_error,
    )


def totals(done: ExecuteInProcessResult) -> dict[str, Any]:
    (made,) = done.asset_materializations_for_node("clearlift__retention__postgres")
    return {n: v.value for n, v in made.metadata.items() if n not in ("tables", "reasons", "bytes")}


def checks(done: ExecuteInProcessResult) -> dict[str, bool]:
    return {e.check_name: e.passed for e in done.get_asset_check_evaluations()}


def click_days(location: Location, number: int) -> None:
    location.stores.postgres.execute(
        "insert into attribution.click_days (app, org_id, account_id, day, asked_at, unknown)"
        " select 'clearlift', 'o', n::text, '2025-01-01', now(), '' from generate_series(1, %s) as n",
        (number,),
    )


def rows(location: Location) -> int:
    return location.count("select count(*) as n from attribution.click_days")
