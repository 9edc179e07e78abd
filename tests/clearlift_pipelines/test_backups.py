"""Backups in the graph: one a day with its drill, the first one by itself, and nothing green that is not proved."""

from datetime import UTC, datetime, timedelta
from typing import cast

from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    ExecuteInProcessResult,
    RunRequest,
    TableRecord,
    build_sensor_context,
)

from assets.apps.consignment import APP as CONSIGNMENT
from assets.backups import covered
from assets.backups import keys as envelopes
from assets.backups.forgetting import forget
from assets.backups.sets import Sets, find
from assets.backups.target import StoreName, Target
from resources.keyring import Keyring
from sandbox import sample_apps
from tests.assets.backups.planted import planted
from tests.clearlift_pipelines.location import Location, Moment

STORE = StoreName("consignment", "d1")


def filled(location: Location) -> Location:
    now = datetime.now(UTC)
    sample_apps.fill(CONSIGNMENT, location.stores.d1(CONSIGNMENT), location.stores.object_store, now)
    return location


def target(location: Location) -> Target:
    return covered.target_of(location.stores)


def sets(location: Location) -> Sets:
    return find(target(location), STORE)


def backed_up(location: Location, *, full: bool = False) -> ExecuteInProcessResult:
    config = {"ops": {"consignment__backups__d1": {"config": {"full": full}}}}
    return location.run("backup", app="consignment", config=config)


def checks(done: ExecuteInProcessResult) -> dict[str, AssetCheckEvaluation]:
    return {evaluation.check_name: evaluation for evaluation in done.get_asset_check_evaluations()}


def metadata(done: ExecuteInProcessResult, name: str) -> dict[str, object]:
    key = AssetKey(["consignment", "backups", name])
    (made,) = (m for e in done.get_asset_materialization_events() if (m := e.materialization).asset_key == key)
    return {entry: value.value for entry, value in made.metadata.items()}


def first_backup(location: Location) -> tuple[list[RunRequest], str | None]:
    sensor = location.defs.resolve_sensor_def("consignment_first_backup")
    with build_sensor_context(instance=location.instance, repository_def=location.defs.get_repository_def()) as context:
        tick = sensor.evaluate_tick(context)
    return list(tick.run_requests or []), tick.skip_message


def test_a_backup_is_drilled_and_says_what_it_costs(location: Location) -> None:
    filled(location)
    done = backed_up(location)
    assert {name: check.passed for name, check in checks(done).items()} == {
        "schema_stayed": True,
        "comes_back": True,
        "newest_verified_is_young": True,
    }
    made, drilled = metadata(done, "d1"), metadata(done, "d1_drill")
    (manifest,) = sets(location).complete
    assert (made["kind"], made["set"], made["rows"]) == ("full", manifest.id, drilled["rows"])
    assert isinstance(drilled["rto_seconds"], float)
    assert isinstance(drilled["rpo_seconds"], float)
    assert list(location.stores.scratch.iterdir()) == []

    location.stores.d1(CONSIGNMENT).execute("update events set name = 'Another sale'")
    again = metadata(backed_up(location), "d1")
    assert again["kind"] == "incremental"
    assert metadata(backed_up(location, full=True), "d1")["kind"] == "full"


def test_the_first_backup_is_asked_for_until_there_is_one(location: Location) -> None:
    requests, _ = first_backup(location)
    keys = [[key.to_user_string() for key in request.asset_selection or ()] for request in requests]
    assert keys == [["consignment/backups/d1", "consignment/backups/d1_drill"]]
    backed_up(location)
    assert first_backup(location) == ([], "Every store has a verified backup.")


def test_no_backup_is_asked_for_beside_those_of_another_key_set(location: Location) -> None:
    assert location.stores.keyring.newest == 1
    planted(Target(location.stores.backup_store, "backups", Keyring({1: b"x" * 32})))
    requests, said = first_backup(location)
    assert requests == []
    assert "sealed by another key set: 1 of 1 backup set cannot be opened" in str(said)
    look = checks(location.run("backup_age", app="consignment"))["newest_verified_is_young"]
    assert not look.passed
    assert "because another key set sealed it" in str(look.description)


def test_sundays_are_full_and_other_days_are_not(location: Location) -> None:
    schedule = location.defs.resolve_schedule_def("consignment_backup")
    sunday = datetime(2026, 3, 1, 1, 10, tzinfo=UTC)
    full = []
    for day in range(7):
        tick = schedule.evaluate_tick(Moment(location.instance, sunday + timedelta(days=day), location.defs))
        (request,) = tick.run_requests or ()
        full.append(request.run_config["ops"]["consignment__backups__d1"]["config"]["full"])
    assert full == [True] + 6 * [False]


def test_a_backup_that_grows_old_and_none_at_all_are_not_green(location: Location) -> None:
    def age() -> AssetCheckEvaluation:
        return checks(location.run("backup_age", app="consignment"))["newest_verified_is_young"]

    none = age()
    assert (none.passed, none.severity.value) == (False, "ERROR")
    assert none.description == "No backup is verified. Next: `clearlift backup run consignment/d1`"
    backed_up(location)
    assert age().passed
    now = datetime.now(UTC)
    for hours, severity in ((27, "WARN"), (51, "ERROR")):
        location.now = now + timedelta(hours=hours)
        late = age()
        assert (late.passed, late.severity.value) == (False, severity)
        assert late.description == f"It is {hours} hours old. Next: `clearlift backup run consignment/d1`"


def test_a_damaged_backup_is_a_failed_drill_and_leaves_nothing(location: Location) -> None:
    filled(location)
    backed_up(location)
    (manifest,) = sets(location).complete
    part = manifest.parts[-1].name
    target(location).delete(STORE, manifest.id, [part])
    done = location.defs.resolve_job_def("consignment_backup").execute_in_process(
        instance=location.instance, asset_selection=[AssetKey(["consignment", "backups", "d1_drill"])]
    )
    failed = checks(done)["comes_back"]
    assert not failed.passed
    assert f"{manifest.id}/{part}: missing. Next: " in str(failed.description)
    assert list(location.stores.scratch.iterdir()) == []


def test_another_schema_is_a_full_backup_and_a_failed_check(location: Location) -> None:
    backed_up(location)
    location.stores.d1(CONSIGNMENT).execute("create table further (id text primary key not null)")
    done = backed_up(location)
    assert metadata(done, "d1")["kind"] == "full"
    stayed = checks(done)["schema_stayed"]
    assert not stayed.passed
    assert "the schema of consignment/d1 changed" in str(stayed.description)
    assert "Next: `clearlift job backup --app consignment`" in str(stayed.description)
    assert checks(backed_up(location))["schema_stayed"].passed


def test_the_rotation_is_a_dry_run_unless_it_is_told_otherwise(location: Location) -> None:
    for _ in range(5):
        covered.named(str(STORE)).backup(location.stores).run(full=True)
    config = {"ops": {"consignment__backups__rotation": {"config": {"dry_run": False}}}}
    dry = metadata(location.run("rotate", app="consignment"), "rotation")
    (records, *_) = cast("tuple[list[TableRecord], ...]", dry["sets"])
    listed = {record.data["set"]: record.data["why"] for record in records}
    assert listed.keys() == {manifest.id for manifest in sets(location).complete}
    assert list(listed.values()).count("dropped") == dry["dropped"]
    assert len(sets(location).complete) == 5
    done = location.run("rotate", app="consignment", config=config)
    assert checks(done)["nothing_is_held"].passed
    kept = metadata(done, "rotation")["kept"]
    # The newest of a day and the oldest of all; one more where midnight lies between.
    assert kept in (2, 3)
    assert (dry["kept"], dry["dropped"], len(sets(location).complete)) == (kept, 5 - kept, kept)


def test_a_key_that_is_in_no_envelope_is_not_green(location: Location) -> None:
    def look() -> AssetCheckEvaluation:
        done = location.defs.resolve_job_def("pipelines_backup").execute_in_process(
            instance=location.instance, asset_selection=[AssetKey(["pipelines", "backups", "keys"])]
        )
        return checks(done)["every_key_is_in_an_envelope"]

    none = look()
    assert (none.passed, none.severity.value) == (False, "WARN")
    assert none.description == "In none: 1. Next: `clearlift keys envelope FILE`"
    envelopes.note(target(location), location.stores.keyring, location.clock())
    assert look().passed


def test_a_damaged_newest_backup_is_not_green_and_the_list_of_them_ends_with_an_error(location: Location) -> None:
    def age() -> AssetCheckEvaluation:
        return checks(location.run("backup_age", app="consignment"))["newest_verified_is_young"]

    run = covered.named(str(STORE)).backup(location.stores).run
    run(full=True)
    newest = run(full=True).manifest
    key = target(location).key(STORE, newest.id, "manifest")
    target(location).objects.put(key, target(location).objects.get(key)[:-9])
    look = age()
    assert (look.passed, look.severity.value) == (False, "WARN")
    assert f"{newest.id} cannot be relied on" in str(look.description)
    assert not checks(backed_up(location))["newest_verified_is_young"].passed
    forget(target(location), STORE, newest.id, confirmed=True)
    assert age().passed
