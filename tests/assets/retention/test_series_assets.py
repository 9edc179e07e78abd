"""The yearly pruning as Dagster runs and schedules it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, ExecuteInProcessResult

from assets.apps.sesh import APP as SESH
from tests.assets.retention.series_stores import NOW, SeriesStores, laid_out
from tests.clearlift_pipelines.location import Location, Moment, located

FOR_GOOD = {"ops": {"sesh__retention__pruning": {"config": {"dry_run": False}}}}


@pytest.fixture
def location(tmp_path: Path, postgres_dsn: str) -> Iterator[Location]:
    with located(tmp_path / "home", postgres_dsn) as found:
        found.now = NOW
        yield found


def said(run: ExecuteInProcessResult) -> dict[str, Any]:
    (made,) = run.asset_materializations_for_node("sesh__retention__pruning")
    return {key: value.value for key, value in made.metadata.items()}


def checks(run: ExecuteInProcessResult) -> dict[str, bool]:
    return {check.check_name: check.passed for check in run.get_asset_check_evaluations()}


def test_a_dry_run_says_what_a_run_then_does_and_damage_fails_the_check(location: Location) -> None:
    stores = SeriesStores(location.stores.postgres, location.stores.settings.home)
    stores.d1, stores.store = location.stores.d1(SESH), location.stores.object_store
    laid_out(stores)
    stores.archive()
    (part, *_) = [i.key for i in stores.store.list("archive/sesh/points") if "/part-" in i.key]
    data = stores.store.get(part)
    stores.store.put(part, data[:-3])
    run = location.run("pruning", app="sesh", config=FOR_GOOD)
    assert checks(run) == {"nothing_unproved_was_deleted": False, "nothing_waits": False}
    assert (said(run)["deleted"], said(run)["held_back"], said(run)["partitions_dropped"]) == (5, 5, "sessions_2025")

    stores.store.put(part, data)
    run = location.run("pruning", app="sesh")
    assert (said(run)["dry_run"], said(run)["deleted"], said(run)["would_go"]) == (True, 0, 5)
    run = location.run("pruning", app="sesh", config=FOR_GOOD)
    assert (said(run)["deleted"], said(run)["partitions_dropped"]) == (5, "points_2025")
    assert said(run)["metrics_kept_before"] == "2026-01-01T00:00:00.000Z"
    assert checks(run) == {"nothing_unproved_was_deleted": True, "nothing_waits": True}
    assert not any(user in repr(run.all_events) for user in ("'u1'", '"u1"', "u1/"))
    stores.make()
    assert all(checks(location.run("partitions", app="sesh")).values())

    schedule = location.defs.resolve_schedule_def("sesh_pruning")
    at = datetime(2027, 1, 2, 5, 30, tzinfo=UTC)
    context = Moment(location.instance, at, location.defs)
    (request,) = schedule.evaluate_tick(context).run_requests or []
    assert (request.run_key, schedule.cron_schedule) == ("sesh_pruning-2027-01-02T05:30", "30 5 2 1 *")
    assert request.run_config["ops"]["sesh__retention__pruning"]["config"] == {"dry_run": False, "confirm": False}
    node = location.defs.resolve_asset_graph().get(AssetKey(["sesh", "retention", "pruning"]))
    assert AssetKey(["sesh", "archive", "sessions"]) in node.parent_keys
