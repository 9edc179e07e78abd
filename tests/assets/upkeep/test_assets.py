"""The assets and checks of upkeep as Dagster runs them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from dagster import (
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    RunConfig,
    define_asset_job,
    mem_io_manager,
)

from assets.apps.clearlift import APP as CLEARLIFT
from assets.rollups.follow import follow
from assets.upkeep import assets, checks
from assets.upkeep.assets import FilesConfig, ManifestsConfig, SnapshotsConfig
from tests.assets.event_pipeline import NOW, Pipeline, line, written

CHECKS = {"planning_opens_few_manifests", "commits_stay_cheap", "every_named_file_exists", "no_old_file_is_unnamed"}
LATER = timedelta(days=3)
DRY = {
    "clearlift__upkeep__manifests": ManifestsConfig(saved=1, dry_run=True),
    "clearlift__upkeep__snapshots": SnapshotsConfig(at_least=1, dry_run=True),
    "clearlift__upkeep__files": FilesConfig(dry_run=True),
}
FOR_GOOD = {
    "clearlift__upkeep__manifests": ManifestsConfig(saved=1),
    "clearlift__upkeep__snapshots": SnapshotsConfig(at_least=1),
    "clearlift__upkeep__files": FilesConfig(),
}


class Upkeep:
    """The capability alone, three days after what is written now."""

    def __init__(self, pipeline: Pipeline, instance: DagsterInstance) -> None:
        rooms = SimpleNamespace(lake=pipeline.lake, postgres=pipeline.postgres, clock=lambda: datetime.now(UTC) + LATER)
        self._instance = instance
        self._defs = Definitions(
            assets=assets.build(CLEARLIFT),
            asset_checks=checks.build(CLEARLIFT),
            jobs=[define_asset_job("all")],
            resources={"rooms": rooms, "io_manager": mem_io_manager},
        )

    def run(self, config: dict[str, Any]) -> ExecuteInProcessResult:
        return self._defs.resolve_job_def("all").execute_in_process(
            instance=self._instance, run_config=RunConfig(ops=config), raise_on_error=False
        )


@pytest.fixture
def upkeep(pipeline: Pipeline) -> Iterator[Upkeep]:
    with DagsterInstance.ephemeral() as instance:
        yield Upkeep(pipeline, instance)


def metadata_of(result: ExecuteInProcessResult, name: str) -> dict[str, Any]:
    (made,) = result.asset_materializations_for_node(f"clearlift__upkeep__{name}")
    return {key: value.value for key, value in made.metadata.items()}


def passed(result: ExecuteInProcessResult) -> dict[str, bool]:
    return {e.check_name: e.passed for e in result.get_asset_check_evaluations()}


def fill(pipeline: Pipeline) -> None:
    for number in (1, 4, 7, 10):
        pipeline.land(line(number))
        pipeline.ingest()
    pipeline.compact()
    pipeline.land(line(13))
    pipeline.ingest()
    written(pipeline.table, line(99))
    follow(CLEARLIFT, pipeline.table, pipeline.postgres, lambda: NOW)


def test_a_dry_run_says_what_a_run_then_does(pipeline: Pipeline, upkeep: Upkeep) -> None:
    fill(pipeline)
    rows, snapshots = pipeline.rows(), pipeline.snapshots()

    dry = upkeep.run(DRY)
    assert dry.success
    assert (pipeline.rows(), pipeline.snapshots()) == (rows, snapshots)
    assert metadata_of(dry, "files")["removed"] == 0
    assert metadata_of(dry, "files")["unnamed_and_old"]["data"] == 1
    done = upkeep.run(FOR_GOOD)
    assert done.success

    for name, values in (("manifests", ("manifests_before", "manifests_after", "rewritten")), ("snapshots", ())):
        for value in values:
            assert metadata_of(done, name)[value] == metadata_of(dry, name)[value] > 0
    # The rewritten manifests are one commit more, that the roll-ups have yet to follow.
    assert metadata_of(dry, "snapshots")["snapshots_after"] == 1
    assert metadata_of(done, "snapshots")["kept_because"] == {"not followed by the roll-ups": 2}
    assert metadata_of(done, "snapshots")["expired"] == snapshots - 1
    # The four small files, their manifests, and the orphan.
    assert metadata_of(done, "files")["unnamed_and_old"]["data"] == 5
    assert metadata_of(done, "files")["removed"] > 5
    assert pipeline.rows() == rows
    assert passed(done) == dict.fromkeys(
        ("planning_opens_few_manifests", "commits_stay_cheap", "every_named_file_exists", "no_old_file_is_unnamed"),
        True,
    )


def test_checks_pass_on_nothing_that_they_do_not_know(upkeep: Upkeep) -> None:
    result = upkeep.run(FOR_GOOD)
    assert result.success
    assert passed(result) == dict.fromkeys(CHECKS, False)
    assert {e.description for e in result.get_asset_check_evaluations()} == {
        "The table has no snapshot yet: nothing is proved."
    }


def test_checks_find_what_is_missing_and_what_was_left(pipeline: Pipeline, upkeep: Upkeep) -> None:
    fill(pipeline)
    assert not passed(upkeep.run(DRY))["no_old_file_is_unnamed"]

    lost = next(iter(pipeline.files()))
    pipeline.store.delete(lost.removeprefix(f"file://{pipeline.folder}/"))
    failed = upkeep.run(FOR_GOOD)
    assert not failed.success
    kept = upkeep.run(DRY)
    assert passed(kept) == {
        "planning_opens_few_manifests": True,
        "commits_stay_cheap": True,
        "every_named_file_exists": False,
        "no_old_file_is_unnamed": False,
    }


def test_too_many_are_said_to_be_too_many(pipeline: Pipeline, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.upkeep.checks.MOST_SNAPSHOTS", 5)
    monkeypatch.setattr("assets.upkeep.checks.MOST_MANIFESTS", 1)
    fill(pipeline)
    result = upkeep.run(DRY)
    assert not passed(result)["commits_stay_cheap"]
    assert not passed(result)["planning_opens_few_manifests"]


def test_a_grace_that_could_take_a_running_commits_files_is_refused(pipeline: Pipeline, upkeep: Upkeep) -> None:
    fill(pipeline)
    result = upkeep.run({"clearlift__upkeep__files": FilesConfig(grace_hours=2)})
    assert not result.success
    (failure,) = [e for e in result.all_events if e.is_step_failure and "files" in (e.step_key or "")]
    assert "grace_hours 2 is not above the longest run" in str(failure.step_failure_data.error)


def test_the_bound_on_snapshots_holds_for_a_commit_a_minute(pipeline: Pipeline, upkeep: Upkeep) -> None:
    for number in range(12):
        pipeline.table.append([], f"commit-{number}")
    follow(CLEARLIFT, pipeline.table, pipeline.postgres, lambda: NOW)
    result = upkeep.run({"clearlift__upkeep__snapshots": SnapshotsConfig(hours=100, at_least=1, at_most=5)})
    assert metadata_of(result, "snapshots")["kept_because"] == {"not followed by the roll-ups": 1, "young": 4}
