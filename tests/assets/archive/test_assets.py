"""Archives as Dagster runs and schedules them: partitions, metadata, checks, the policy as a table."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import AssetKey, RunRequest, TableMetadataValue
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.apps import APPS
from assets.archive.policy import rows
from assets.archive.quarters import Quarter, due, quarters
from assets.windows import Window
from resources.lake import PartitionKey
from tests.assets.archive.archive_stores import NOW
from tests.assets.rollups.event_lake import event, frame
from tests.clearlift_pipelines.location import Location, Moment, located
from tests.tables import EVENTS


@pytest.fixture
def location(tmp_path: Path, postgres_dsn: str) -> Iterator[Location]:
    with located(tmp_path / "home", postgres_dsn) as found:
        found.now = NOW
        yield found


def test_a_run_archives_a_quarter_and_its_checks_pass(location: Location) -> None:
    table = location.stores.lake.table(EVENTS)
    at = datetime(2026, 2, 3, 12, tzinfo=UTC)
    table.append(table.write([(PartitionKey("a3f7c2", at.date()), frame([event(timestamp=at)]))]), "one")
    job, key = location.defs.resolve_job_def("clearlift_archive"), AssetKey(["clearlift", "archive", "events"])

    done = job.execute_in_process(instance=location.instance, partition_key="2026-01-01", asset_selection=[key])

    assert done.success
    (made,) = done.asset_materializations_for_node("clearlift__archive__events")
    assert {n: made.metadata[n].value for n in ("rows", "parts", "buckets_sealed")} == {
        "rows": 1,
        "parts": 1,
        "buckets_sealed": 1,
    }
    checks = {e.check_name: e for e in done.get_asset_check_evaluations()}
    assert checks.keys() == {"source_is_archived", "a_bucket_reads_back"}
    assert all(e.passed for e in checks.values())

    (part,) = [i.key for i in location.stores.object_store.list("archive") if "/part-" in i.key]
    location.stores.object_store.delete(part)
    table.append(
        table.write([(PartitionKey("b8e9d1", at.date()), frame([event(org_tag="b8e9d1", timestamp=at)]))]), "2"
    )
    again = job.execute_in_process(
        instance=location.instance, partition_key="2025-10-01", asset_selection=[key], raise_on_error=False
    )
    checks = {e.check_name: e for e in again.get_asset_check_evaluations()}
    assert not any(e.passed for e in checks.values())
    assert checks["source_is_archived"].description == "1 row waits for the next run."
    repair = "`clearlift archive repair clearlift events 2026Q1`"
    assert checks["a_bucket_reads_back"].description == f"{part}: missing; {repair}"


def test_a_refusal_ends_a_run_with_one_sentence_and_no_retry(location: Location) -> None:
    job, key = location.defs.resolve_job_def("clearlift_archive"), AssetKey(["clearlift", "archive", "events"])
    done = job.execute_in_process(
        instance=location.instance, partition_key="2026-04-01", asset_selection=[key], raise_on_error=False
    )
    (failed,) = [event.step_failure_data for event in done.all_events if event.is_step_failure]
    assert failed.user_failure_data is not None
    assert failed.user_failure_data.description == (
        "2026Q2 of clearlift events is archived once its last row is 90 days old. Next: "
        "from 2026-09-29 on, `clearlift archive run clearlift events 2026Q2`"
    )
    assert not [event for event in done.all_events if event.is_step_up_for_retry]


def test_checks_that_know_nothing_fail(location: Location) -> None:
    key = AssetKey(["clearlift", "archive", "ads_restatements"])
    job = location.defs.resolve_job_def("clearlift_archive")
    done = job.execute_in_process(instance=location.instance, partition_key="2025-01-01", asset_selection=[key])
    found = done.get_asset_check_evaluations()
    assert [e.passed for e in found] == [False, False]
    assert {e.description for e in found} == {"Nothing is archived yet: nothing is proved."}


def test_the_policy_is_a_table(location: Location) -> None:
    for app in APPS:
        done = location.run("policy", app=app.name)
        (made,) = done.asset_materializations_for_node(f"{app.name}__archive__policy")
        shown = made.metadata["policy"]
        assert isinstance(shown, TableMetadataValue)
        assert len(shown.records) == len(app.lifecycles) == made.metadata["entries"].value
        assert {len(r.data) for r in shown.records} == {2}, "wider than its place in the UI"
        for record, entry in zip(shown.records, rows(app), strict=True):
            how_long = str(record.data["how long"])
            assert entry["deleted after"] in how_long
            assert entry["archived after"].removeprefix("no: ") in how_long
            assert entry["only where"] in how_long
            assert entry["stays"] in how_long


@pytest.mark.parametrize(
    ("at", "asked"),
    [
        (
            datetime(2026, 1, 1, 5, 15, tzinfo=UTC),
            {90: ("2024-10-01", "2025-07-01"), 365: ("2024-01-01", "2024-10-01")},
        ),
        (
            datetime(2026, 4, 1, 5, 15, tzinfo=UTC),
            {90: ("2025-01-01", "2025-10-01"), 365: ("2024-04-01", "2025-01-01")},
        ),
        (
            datetime(2026, 7, 1, 5, 15, tzinfo=UTC),
            {90: ("2025-04-01", "2026-01-01"), 365: ("2024-07-01", "2025-04-01")},
        ),
    ],
)
def test_the_schedule_asks_for_the_year_that_is_old_enough(
    location: Location, at: datetime, asked: dict[int, tuple[str, str]]
) -> None:
    requests: list[RunRequest] = []
    for app in APPS:
        schedule = location.defs.resolve_schedule_def(f"{app.name}_archive")
        assert schedule.cron_schedule == "15 5 1 1,4,7,10 *"
        context = Moment(location.instance, at, location.defs)
        of_app = schedule.evaluate_tick(context).run_requests or []
        ages = {entry.archive.after_days for entry in app.lifecycles if entry.archive}
        assert {int(str(r.run_key).partition("after-")[2].split("-")[0]): _range(r) for r in of_app} == {
            age: asked[age] for age in ages
        }
        requests += of_app
    names = {k.to_user_string() for r in requests for k in r.asset_selection or ()}
    archived = {(a.name, e.table.replace(".", "_")) for a in APPS for e in a.lifecycles if e.archive}
    assert names == {f"{app}/archive/{table}" for app, table in archived}


def _range(request: RunRequest) -> tuple[str, str]:
    return request.tags[ASSET_PARTITION_RANGE_START_TAG], request.tags[ASSET_PARTITION_RANGE_END_TAG]


def test_quarters() -> None:
    year = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert [str(q) for q in quarters(year)] == ["2026Q1", "2026Q2", "2026Q3", "2026Q4"]
    assert Quarter.parse("2026q4").window.end == datetime(2027, 1, 1, tzinfo=UTC)
    assert due(datetime(2026, 3, 31, tzinfo=UTC).date(), 90, 1) == [Quarter(2025, 3)]
    assert due(datetime(2026, 4, 1, tzinfo=UTC).date(), 90, 1) == [Quarter(2025, 4)]
    for text in ("2026", "2026Q5", "2026-Q1", "26Q1"):
        with pytest.raises(ValueError, match="is no quarter; one looks like 2026Q1"):
            Quarter.parse(text)
