"""Heavy days by another engine: it makes what ours makes, and nothing of it counts that is not proved."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assets.compaction.rewrite import GroupsLeftError
from assets.other_engine import Elsewhere, OtherEngineError
from assets.rollups.build import OrganisationsLeftError
from tests.assets.rollups.event_lake import EventLake, event
from tests.assets.rollups.heavy import DAY, compact, fill, roll_up, stored
from tests.standin.heavy_days import do, local

THERE = Elsewhere(0, do)
Program = Callable[[Mapping[str, Any]], Sequence[dict[str, Any]]]


def test_both_engines_merge_and_count_alike(event_lake: EventLake) -> None:
    fill(event_lake)
    before = stored(event_lake)
    ours, days = roll_up(event_lake, None)
    assert days == 0

    assert roll_up(event_lake, THERE) == (ours, 2)
    done = compact(event_lake, THERE)

    assert (done.groups, done.elsewhere, done.files_after, done.doubles) == (2, 2, 2, 0)
    assert done.checksum_before == done.checksum_after != 0
    assert stored(event_lake) == before
    assert all(event_lake.events.is_whole(info.file) for info in event_lake.events.files())
    assert [commit.operation for commit in event_lake.events.changes(None)][-1] == "replace"
    assert roll_up(event_lake, THERE) == (ours, 2)


def test_a_light_day_stays_here(event_lake: EventLake) -> None:
    fill(event_lake, files=2)
    heavier = Elsewhere(2**30, lambda task: pytest.fail("nothing is heavy"))
    assert roll_up(event_lake, heavier)[1] == 0
    assert compact(event_lake, heavier).elsewhere == 0


def test_an_hour_without_events_of_a_heavy_day_is_counted_as_none(event_lake: EventLake) -> None:
    event_lake.append(event(timestamp=DAY.start))
    rows, _ = roll_up(event_lake, THERE)
    assert len(rows["rollups.hourly"]) == 1
    assert len([window for window in event_lake.windows() if window[0] == "hourly"]) == 24


def changed(task: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """One value of each file is another one; the number of rows is right."""
    said = do(task)
    for merge in task["merges"]:
        rows = pl.read_parquet(local(merge["target"]), hive_partitioning=False)
        value = pl.when(pl.int_range(pl.len()) == 3).then(pl.col("viewport_width") + 1).otherwise("viewport_width")
        rows.with_columns(viewport_width=value).write_parquet(local(merge["target"]))
    return said


def shortened(task: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """The last row of each file is missing."""
    said = do(task)
    for merge in task["merges"]:
        pl.read_parquet(local(merge["target"]), hive_partitioning=False).head(-1).write_parquet(local(merge["target"]))
    return said


def unwritten(task: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    return [{"doubled": 0} for _ in task["merges"]]


@pytest.mark.parametrize("program", [changed, shortened])
def test_a_file_with_other_rows_is_not_taken_and_ours_is_made(event_lake: EventLake, program: Program) -> None:
    fill(event_lake)
    before = stored(event_lake)
    done = compact(event_lake, Elsewhere(0, program))
    assert (done.groups, done.elsewhere, done.files_after) == (2, 0, 2)
    assert stored(event_lake) == before


@pytest.mark.parametrize("program", [unwritten, lambda _: []])
def test_a_program_that_wrote_nothing_fails_the_run_and_changes_nothing(
    event_lake: EventLake, program: Program
) -> None:
    fill(event_lake, files=2)
    head = event_lake.events.head()
    with pytest.raises(OtherEngineError):
        compact(event_lake, Elsewhere(0, program))
    assert event_lake.events.head() == head


def forgetful(task: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """One file less is read."""
    return do({**task, "sources": task["sources"][1:]})


def without_a_part(task: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    said = do(task)
    next(Path(local(task["target"])).glob("*.parquet")).unlink()
    return said


@pytest.mark.parametrize("program", [forgetful, without_a_part])
def test_counts_of_too_few_rows_are_not_taken(event_lake: EventLake, program: Program) -> None:
    fill(event_lake, files=2)
    with pytest.raises(OtherEngineError, match="other engine"):
        roll_up(event_lake, Elsewhere(0, program))
    assert not event_lake.windows()


def test_doubles_of_a_heavy_day_are_dropped_here(event_lake: EventLake) -> None:
    fill(event_lake, files=2, events=10)
    twin = event(timestamp=DAY.start, event_id="0-0", org_tag="a3f7c2")
    event_lake.append(twin)
    event_lake.append({**twin, "event_id": "twin"}, {**twin, "event_id": "twin"})
    ours, _ = roll_up(event_lake, None)
    assert roll_up(event_lake, THERE)[0] == ours
    done = compact(event_lake, THERE)
    assert done.doubles >= 1
    ids = event_lake.events.scan().filter(pl.col("org_tag") == "a3f7c2").collect()["event_id"]
    assert ids.n_unique() == ids.len()


def test_files_of_other_writers_stay_here(event_lake: EventLake) -> None:
    fill(event_lake, files=2)
    event_lake.append_as_foreigner(event(timestamp=DAY.start, event_id="theirs"))
    assert roll_up(event_lake, THERE)[1] == 0
    assert compact(event_lake, THERE).elsewhere == 1  # of the organisation that they did not write to


def test_a_damaged_file_is_named_and_the_other_organisation_goes_on(event_lake: EventLake) -> None:
    fill(event_lake)
    broken = next(info for info in event_lake.events.files() if info.key.tenant == "b8e9d1")
    file = Path(local(broken.path))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    def honest(task: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
        try:
            return do(task)
        except pl.exceptions.PolarsError:
            raise OtherEngineError("it failed", "look") from None

    with pytest.raises(OrganisationsLeftError, match=file.name):
        roll_up(event_lake, Elsewhere(0, honest))
    hourly = event_lake.table("rollups.hourly")
    assert {row[0] for row in hourly} == {"a3f7c2"}

    with pytest.raises(GroupsLeftError, match=file.name) as left:
        compact(event_lake, Elsewhere(0, honest))
    assert (left.value.done.groups, left.value.done.elsewhere) == (1, 1)


def test_nothing_stays_in_the_work_folder(event_lake: EventLake, tmp_path: Path) -> None:
    fill(event_lake, files=1)
    roll_up(event_lake, THERE)
    assert not list(tmp_path.rglob("work-*"))
