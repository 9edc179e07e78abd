"""What a changed row starts: its caches are requested once, and keys that the application made of it are deleted."""

import json
from datetime import UTC, datetime

from dagster import RunRequest, build_schedule_context, build_sensor_context

from assets.apps.sesh import APP as SESH
from resources.kv import Entry
from sandbox import sample_sesh
from tests.clearlift_pipelines.location import Location

NOW = datetime(2025, 10, 14, 12, 30, tzinfo=UTC)


def requested(location: Location) -> dict[str, RunRequest]:
    """What the sensor requests, by the table in the run's key."""
    sensor = location.defs.resolve_sensor_def("sesh_changed_rows")
    with build_sensor_context(instance=location.instance, repository_def=location.defs.get_repository_def()) as context:
        tick = sensor.evaluate_tick(context)
    assert bool(tick.run_requests) != bool(tick.skip_message)
    requests = {(request.run_key or "").split("-")[1]: request for request in tick.run_requests or []}
    assert all((r.run_key or "").startswith(f"sesh_changed_rows-{table}-") for table, r in requests.items())
    return requests


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
    assert {table: r.run_key for table, r in requested(location).items()} == {t: r.run_key for t, r in first.items()}

    warm = location.defs.resolve_job_def("sesh_warm")
    for request in first.values():
        done = warm.execute_in_process(instance=location.instance, asset_selection=list(request.asset_selection or []))
        assert done.success
        assert all(check.passed for check in done.get_asset_check_evaluations())
    names = {entry["name"] for entry in json.loads(kv.get("strains:list") or b"[]")}
    assert len(names) == d1.query("select count(*) as n from strains")[0]["n"]
    assert json.loads(kv.get("search:strains:kush") or b"") == ["strain-005", "strain-011", "strain-014"]
    assert json.loads(kv.get("user:user-000:preferences") or b"")["units"] == "metric"

    d1.execute("update strains set name = 'Renamed' where id = 'strain-005'")
    again = requested(location)
    assert {table for table in again if again[table].run_key != first[table].run_key} == {"strains"}
    assert warm.execute_in_process(
        instance=location.instance, asset_selection=list(again["strains"].asset_selection or [])
    ).success
    assert json.loads(kv.get("strain:strain-005") or b"")["name"] == "Renamed"
    assert json.loads(kv.get("search:strains:renamed") or b"") == ["strain-005"]
    assert json.loads(kv.get("search:strains:kush") or b"") == ["strain-011", "strain-014"]
    assert kv.get("search:strains:og") is None


def test_the_invalidation_runs_every_five_minutes_and_deletes_what_depends_on_changed_rows(location: Location) -> None:
    d1, kv = location.stores.d1(SESH), location.stores.kv(SESH)
    sample_sesh.fill(d1, NOW)
    schedule = location.defs.resolve_schedule_def("sesh_invalidate")
    ticks = [datetime(2025, 10, 14, 12, minute, tzinfo=UTC) for minute in range(0, 60, 5)]
    requests = [
        schedule.evaluate_tick(
            build_schedule_context(
                scheduled_execution_time=at,
                repository_def=location.defs.get_repository_def(),
                instance=location.instance,
            )
        ).run_requests
        for at in ticks
    ]
    assert [[request.run_key for request in tick or []] for tick in requests] == [
        [f"sesh_invalidate-{at:%Y-%m-%dT%H:%M}"] for at in ticks
    ]
    assert schedule.job_name == "sesh_invalidate"

    assert location.run("invalidate", app="sesh").success
    kv.put_many(Entry(f"user:user-{n:03}:journal", b"[]") for n in range(3))
    d1.execute("delete from journal_entries where userId = 'user-001'")
    result = location.run("invalidate", app="sesh")
    assert result.success
    assert {info.name for info in kv.list("user:")} == {"user:user-000:journal", "user:user-002:journal"}
    (made,) = result.asset_materializations_for_node("sesh__cache__invalidated")
    assert made.metadata["rows_read"].value == 5


def test_tables_that_no_cache_is_made_of_ask_for_nothing(location: Location) -> None:
    d1 = location.stores.d1(SESH)
    d1.execute("insert into users (id, email) values ('u', 'u@sesh.example')")
    d1.execute(
        "insert into journal_entries (id, userId, content, timestamp) values ('j', 'u', '', '2025-10-14T12:00:00.000Z')"
    )
    assert requested(location) == {}
