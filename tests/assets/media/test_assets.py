"""The asset, its sensor and its sweep over a whole code location: what they say, and whom they do not name."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import ExecuteInProcessResult, RunRequest, build_sensor_context
from dagster_shared.serdes import serialize_value

from sandbox import sample_media
from tests.assets.media.media_stores import MEDIA
from tests.clearlift_pipelines.location import Location, Moment, located

SWEEP = {"ops": {"sesh__media__variants": {"config": {"sweep": True}}}}


@pytest.fixture
def location(tmp_path: Path, postgres_dsn: str) -> Iterator[Location]:
    with located(tmp_path / "home", postgres_dsn) as found:
        yield found


def sensed(location: Location) -> tuple[list[RunRequest], str | None]:
    sensor = location.defs.resolve_sensor_def("sesh_uploads")
    with build_sensor_context(instance=location.instance, repository_def=location.defs.get_repository_def()) as context:
        found = sensor.evaluate_tick(context)
    assert found.cursor is None
    return list(found.run_requests or []), found.skip_message


def said(result: ExecuteInProcessResult) -> dict[str, object]:
    (made,) = result.asset_materializations_for_node("sesh__media__variants")
    return {name: value.value for name, value in made.metadata.items()}


def test_the_sensor_asks_once_and_the_run_settles_the_sample(location: Location) -> None:
    location.now = datetime(2026, 3, 20, 12, tzinfo=UTC)
    store = location.stores.object_store
    assert sensed(location) == ([], "Every upload that was listed is settled.")
    uploads = sample_media.IMAGES + len(sample_media.REFUSED)
    assert (sample_media.land(store, MEDIA), sample_media.land(store, MEDIA)) == (uploads, 0)
    (first,), _ = sensed(location)
    (again,), _ = sensed(location)
    assert first.tags == again.tags

    result = location.run("media", app="sesh")
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    assert check.metadata["uploads"].value == uploads
    told = said(result)
    assert (told["made"], told["quarantined"], told["removed"]) == (sample_media.IMAGES, len(sample_media.REFUSED), 0)
    assert isinstance(told["ratio"], float)
    everything = "".join(map(serialize_value, result.all_events))
    assert "ratio" in everything
    assert "user-0" not in everything
    assert "session-0" not in everything
    assert "user-0" not in f"{first.tags}{first.run_config}"

    assert sensed(location)[0] == []
    # A sample that is landed again finds its uploads, cleaned or emptied, and changes nothing.
    assert sample_media.land(store, MEDIA) == 0
    swept = location.run("media", config=SWEEP, app="sesh")
    assert said(swept)["made"] == 0
    (check,) = swept.get_asset_check_evaluations()
    assert (check.passed, check.metadata["uploads"].value) == (True, uploads)


def test_a_sweep_of_nothing_proves_nothing(location: Location) -> None:
    (check,) = location.run("media", config=SWEEP, app="sesh").get_asset_check_evaluations()
    assert not check.passed
    assert check.description == "No upload was found, so nothing is proved."


def test_a_variant_that_someone_deleted_is_asked_for_and_made_again(location: Location) -> None:
    sample_media.land(location.stores.object_store, MEDIA)
    assert location.run("media", config=SWEEP, app="sesh").success
    (key,) = [o.key for o in location.stores.object_store.list("user-media") if "photo-003-medium" in o.key]
    location.stores.object_store.delete(key)
    assert len(sensed(location)[0]) == 1
    assert location.run("media", app="sesh").success
    assert location.stores.object_store.exists(key)


def test_the_sweep_is_daily(location: Location) -> None:
    at = datetime(2026, 3, 20, 4, 25, tzinfo=UTC)
    found = location.defs.resolve_schedule_def("sesh_media_sweep").evaluate_tick(
        Moment(location.instance, at, location.defs)
    )
    (request,) = found.run_requests or []
    assert request.run_key == "sesh_media_sweep-2026-03-20T04:25"
    assert request.run_config["ops"] == SWEEP["ops"]
