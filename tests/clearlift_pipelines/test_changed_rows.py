"""What a changed row starts: its caches are requested once, and keys that the application made of it are deleted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetMaterialization,
    RunRequest,
    build_sensor_context,
)

from assets.apps.sesh import APP as SESH
from assets.requested import ASKED, STATE
from resources.kv import Entry
from sandbox import sample_sesh
from tests.clearlift_pipelines.location import Location

NOW = datetime(2025, 10, 14, 12, 30, tzinfo=UTC)


def requested(location: Location) -> dict[str, RunRequest]:
    """What the sensor requests, by the table whose rows changed."""
    sensor = location.defs.resolve_sensor_def("sesh_changed_rows")
    with build_sensor_context(instance=location.instance, repository_def=location.defs.get_repository_def()) as context:
        tick = sensor.evaluate_tick(context)
    assert bool(tick.run_requests) != bool(tick.skip_message)
    return {request.tags[ASKED].removeprefix("sesh_changed_rows-"): request for request in tick.run_requests or []}


def keys_of(request: RunRequest) -> set[str]:
    return {key.to_user_string() for key in request.asset_selection or []}


def test_a_changed_row_asks_for_the_caches_that_are_made_of_its_table_and_for_no_others(location: Location) -> None:
    d1, kv = location.stores.d1(SESH), location.stores.kv(SESH)
    assert requested(location) == {}
    sample_sesh.fill(d1, NOW)
    first = requested(location)
    assert {table: keys_of(request) for table, request in first.items()} == {
        table: {f"sesh/cache/{family.name}" for family in SESH.cache if ("d1", table) in family.reads}
        for table in ("strains", "products", "dispensaries", "user_preferences")
    }
    assert {table: r.tags[STATE] for table, r in requested(location).items()} == {
        table: r.tags[STATE] for table, r in first.items()
    }

    warm = location.defs.resolve_job_def("sesh_warm")
    for request in first.values():
        done = warm.execute_in_process(
            instance=location.instance, asset_selection=list(request.asset_selection or []), tags=dict(request.tags)
        )
        assert done.success
        assert all(check.passed for check in done.get_asset_check_evaluations())
    names = {entry["name"] for entry in json.loads(kv.get("strains:list") or b"[]")}
    assert len(names) == d1.query("select count(*) as n from strains")[0]["n"]
    assert json.loads(kv.get("search:strains:kush") or b"") == ["strain-005", "strain-011", "strain-014"]
    assert json.loads(kv.get("user:user-000:preferences") or b"")["units"] == "metric"

    location.now = datetime.now(UTC) + timedelta(days=3)
    assert requested(location) == {}, "what is warm is not asked for again, however long ago it changed"
    location.now = None

    d1.execute("update strains set name = 'Renamed' where id = 'strain-005'")
    again = requested(location)
    assert again.keys() == {"strains"}
    assert int(again["strains"].tags[STATE]) > int(first["strains"].tags[STATE])
    assert warm.execute_in_process(
        instance=location.instance, asset_selection=list(again["strains"].asset_selection or [])
    ).success
    assert json.loads(kv.get("strain:strain-005") or b"")["name"] == "Renamed"
    assert json.loads(kv.get("search:strains:renamed") or b"") == ["strain-005"]
    assert json.loads(kv.get("search:strains:kush") or b"") == ["strain-011", "strain-014"]
    assert kv.get("search:strains:og") is None


def test_what_a_run_has_made_since_the_change_is_not_asked_for(location: Location) -> None:
    """As after `clearlift run`, and after the hourly warming."""
    sample_sesh.fill(location.stores.d1(SESH), NOW)
    location.stores.d1(SESH).execute("update change_log set changed_at = '2025-10-14T12:00:00.000Z'")
    assert location.run("warm", app="sesh").success
    assert requested(location) == {}
    location.stores.d1(SESH).execute("update strains set name = 'Renamed' where id = 'strain-005'")
    assert requested(location).keys() == {"strains"}


def invalidated(location: Location) -> dict[str, Any]:
    """What the sensor says of one look: the events that Dagster stores without a run, by what they are."""
    sensor = location.defs.resolve_sensor_def("sesh_invalidation")
    with build_sensor_context(instance=location.instance, repository_def=location.defs.get_repository_def()) as context:
        found = sensor.evaluate_tick(context)
    assert not found.run_requests
    made, check = found.asset_events
    assert isinstance(made, AssetMaterialization)
    assert isinstance(check, AssetCheckEvaluation)
    for event in (made, check):
        location.instance.report_runless_asset_event(event)
    return {"passed": check.passed, **{name: value.value for name, value in made.metadata.items()}}


def test_keys_that_depend_on_changed_rows_are_deleted_without_a_run(location: Location) -> None:
    d1, kv = location.stores.d1(SESH), location.stores.kv(SESH)
    sample_sesh.fill(d1, NOW)
    assert location.defs.resolve_sensor_def("sesh_invalidation").minimum_interval_seconds == 300
    invalidated(location)
    kv.put_many(Entry(f"user:user-{n:03}:journal", b"[]") for n in range(3))
    d1.execute("delete from journal_entries where userId = 'user-001'")
    assert invalidated(location) == {"passed": True, "rows_read": 5, "keys_deleted": ANY, "lag_seconds": ANY}
    assert {info.name for info in kv.list("user:")} == {"user:user-000:journal", "user:user-002:journal"}

    key = AssetKey(["sesh", "cache", "invalidated"])
    latest = location.instance.get_latest_materialization_event(key)
    assert latest is not None
    assert latest.asset_materialization is not None
    assert latest.asset_materialization.metadata["rows_read"].value == 5
    assert location.instance.get_runs_count() == 0
    # By hand it is a run like any other, with the same result.
    assert location.run("invalidate", app="sesh").success


def test_tables_that_no_cache_is_made_of_ask_for_nothing(location: Location) -> None:
    d1 = location.stores.d1(SESH)
    d1.execute("insert into users (id, email) values ('u', 'u@sesh.example')")
    d1.execute(
        "insert into journal_entries (id, userId, content, timestamp) values ('j', 'u', '', '2025-10-14T12:00:00.000Z')"
    )
    assert requested(location) == {}
