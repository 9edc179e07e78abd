"""Compaction left to the catalog: ours does not run, and all that reads the table goes on when the catalog merges."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dagster import DagsterInstance, materialize

from assets.apps.clearlift import APP
from assets.compaction import assets
from assets.compaction.by_catalog import behind
from assets.rollups.build import RollUp
from assets.rollups.definition import Grain
from assets.rollups.follow import follow
from assets.windows import HOUR, Window
from tests.assets.event_pipeline import MERGE_ALL, NOW, Pipeline, line
from tests.resources.lake.foreign import merge
from tests.rooms import TestRooms

AT = datetime(2025, 10, 10, 8, tzinfo=UTC)


def filled(pipeline: Pipeline, batches: int = 6) -> None:
    for number in range(batches):
        pipeline.land(line(number, timestamp=AT.isoformat()))
        pipeline.ingested()


def looked_at(pipeline: Pipeline) -> dict[str, Any]:
    """A run of the asset; its metadata."""
    rooms = TestRooms(NOW, pipeline.postgres, pipeline.store, pipeline.lake)
    (asset,) = assets.build(APP, by_catalog=True)
    with DagsterInstance.ephemeral() as instance:
        done = materialize([asset], instance=instance, resources={"rooms": rooms})
    (event,) = done.get_asset_materialization_events()
    return {key: value.value for key, value in event.materialization.metadata.items()}


def test_ours_only_looks_and_says_what_the_catalog_merged(pipeline: Pipeline) -> None:
    filled(pipeline, 17)
    files, head = pipeline.files(), pipeline.table.head()
    seen = looked_at(pipeline)
    assert (pipeline.files(), pipeline.table.head()) == (files, head)
    assert (seen["merges_in_the_kept_history"], seen["merged_at"], seen["small_files"]) == (0, "never", 17)

    merge(pipeline.table.load)
    seen = looked_at(pipeline)
    assert (seen["merges_in_the_kept_history"], seen["files"], seen["small_files"]) == (1, 1, 0)
    assert seen["dagster/row_count"] == 17


def test_what_the_catalog_merged_changes_no_window_and_holds_doubles_as_before(pipeline: Pipeline) -> None:
    filled(pipeline)
    before = pipeline.rows()
    while follow(APP, pipeline.table, pipeline.postgres, lambda: NOW):
        pass
    engine = RollUp(APP, Grain.HOURLY, pipeline.table, pipeline.postgres, lambda: NOW)
    engine.run(Window(AT, AT + HOUR))
    counted = pipeline.postgres.fetch("select * from rollups.hourly_totals")
    wanted = pipeline.postgres.fetch("select * from rollups.windows order by grain, window_start")

    merge(pipeline.table.load)
    while follow(APP, pipeline.table, pipeline.postgres, lambda: NOW):
        pass
    assert pipeline.postgres.fetch("select * from rollups.windows order by grain, window_start") == wanted

    pipeline.land(line(1, timestamp=AT.isoformat()), line(99, timestamp=AT.isoformat()))
    run = pipeline.ingested()
    assert (run.total("doubled"), run.total("stored")) == (1, 1)
    assert sum(pipeline.rows().values()) == sum(before.values()) + 1
    engine.run(Window(AT, AT + HOUR))
    (again,) = pipeline.postgres.fetch("select * from rollups.hourly_totals")
    assert again["events"] == counted[0]["events"] + 1

    # By hand ours still merges, and takes over the catalog's files.
    done = pipeline.compact(policy=MERGE_ALL)
    assert done is not None
    assert (done.files_before, done.files_after) == (2, 1)


@pytest.mark.parametrize(("hours", "groups"), [(20, 0), (40, 1)])
def test_a_day_is_behind_a_day_after_its_end(pipeline: Pipeline, hours: int, groups: int) -> None:
    filled(pipeline, 16)
    end = datetime(2025, 10, 11, tzinfo=UTC)
    assert len(behind(pipeline.table, end + timedelta(hours=hours), 7)) == groups
    merge(pipeline.table.load)
    assert behind(pipeline.table, end + timedelta(hours=hours), 7) == []
