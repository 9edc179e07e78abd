"""Rewriting: the same rows in fewer files, one of each double, and nothing of what others write meanwhile lost."""

import base64
import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assets.compaction.plan import CompactionPolicy
from assets.compaction.rewrite import Compaction, GroupsLeftError
from resources.lake import DataFile, LakeTable, SourcesGoneError
from tests.assets.event_pipeline import MERGE_ALL, Pipeline, line, written
from tests.examples import examples
from tests.resources.lake.row_deletes import delete_files, delete_rows
from tests.tables import EVENTS

DAY = "2025-10-10T{:02}:{:02}:00Z"


def at(number: int, name: str | None = None, hour: int = 8, **fields: Any) -> bytes:
    """An event of one day and organisation, with an id of its own unless `name` is given."""
    fields = {"event_id": name or f"event-{number}", **fields}
    return line(number, timestamp=DAY.format(hour, number % 60), **fields)


def store(table: LakeTable, *files: list[bytes]) -> list[DataFile]:
    """Each list of events as one live data file; the files, in the order given."""
    found = [file for lines in files for file in written(table, *lines)]
    table.append(found, f"store {table.head()}")
    return found


def ids(table: LakeTable) -> list[str]:
    return sorted(table.scan().select("event_id").collect()["event_id"])


def paths(table: LakeTable) -> set[str]:
    return {info.path for info in table.files()}


def test_small_files_become_one_with_the_same_rows(pipeline: Pipeline) -> None:
    for n in range(5):
        pipeline.land(line(3 * n), line(3 * n + 1), line(3 * n, org_tag="b8e9d1"))
        pipeline.ingested()
    before, files = pipeline.rows(), pipeline.files()

    done = Compaction(pipeline.table).run()

    assert pipeline.rows() == before
    assert (done.groups, done.files_before, done.files_after, done.rows, done.doubles) == (3, 15, 3, 15, 0)
    assert done.checksum_before == done.checksum_after != 0
    assert len(pipeline.files()) == 3
    assert not pipeline.files() & files
    assert done.bytes_after == sum(info.bytes for info in pipeline.table.files())
    (commit,) = [c for c in pipeline.table.changes(None) if c.operation == "replace"]
    assert (done.snapshots, commit.summary["clearlift.doubles"]) == ([commit.id], "0")
    assert {f.file_path for f in commit.removed} == files


def test_what_needs_nothing_is_left_alone(pipeline: Pipeline) -> None:
    store(pipeline.table, [at(1)], [at(2)], [at(3)])
    before = (pipeline.table.head(), pipeline.files())

    done = Compaction(pipeline.table).run()

    assert (done.groups, done.snapshots) == (0, [])
    assert (pipeline.table.head(), pipeline.files()) == before


def test_a_merged_day_is_in_order_of_time(events_table: LakeTable) -> None:
    store(events_table, [at(3, hour=20)], [at(1, hour=1)], [at(2, hour=9)])

    Compaction(events_table, MERGE_ALL).run()

    (info,) = events_table.files()
    assert events_table.read([info]).collect()["event_id"].to_list() == ["event-1", "event-2", "event-3"]
    assert (info.lowest, info.highest) == (
        datetime(2025, 10, 10, 1, 1, tzinfo=UTC),
        datetime(2025, 10, 10, 20, 3, tzinfo=UTC),
    )


def test_only_what_is_asked_for_is_planned(events_table: LakeTable) -> None:
    for n in range(2):
        store(events_table, [at(n)], [at(n, org_tag="b8e9d1")], [line(n, timestamp="2025-10-11T00:00:00Z")])
    engine = Compaction(events_table, MERGE_ALL)

    def planned(**of: Any) -> list[tuple[str, int]]:
        return sorted((g.tenant, g.day.day) for g in engine.plan(**of))

    midnight = datetime(2025, 10, 11, tzinfo=UTC)
    assert planned() == [("a3f7c2", 10), ("a3f7c2", 11), ("b8e9d1", 10)]
    assert planned(org="b8e9d1") == [("b8e9d1", 10)]
    assert planned(until=midnight, org="a3f7c2") == [("a3f7c2", 10)]
    assert planned(since=midnight) == [("a3f7c2", 11)]
    assert engine.run(since=midnight).partitions == [("a3f7c2", midnight.date())]


def test_progress_and_commits_go_by_sets_of_groups(events_table: LakeTable) -> None:
    store(events_table, [at(1)], [at(2)], [at(1, org_tag="b8e9d1")], [at(2, org_tag="b8e9d1")])
    reported: list[tuple[int, int]] = []

    done = Compaction(
        events_table, MERGE_ALL, groups_per_commit=1, progress=lambda n, total: reported.append((n, total))
    ).run()

    assert reported == [(0, 2), (1, 2), (2, 2)]
    assert len(done.snapshots) == len(set(done.snapshots)) == 2


@pytest.mark.parametrize("commit_each", [1, 64])
def test_of_a_double_in_two_groups_one_stays(events_table: LakeTable, commit_each: int) -> None:
    store(events_table, [at(1, "x")], [at(2, "a")], [at(3, "x")], [at(4, "b")])
    two_each = CompactionPolicy(
        target_bytes=int(2.5 * max(f.bytes for f in events_table.files())), min_files=2, min_gain=0
    )
    engine = Compaction(events_table, two_each, commit_each)
    assert [len(g.files) for g in engine.plan()] == [2, 2]

    done = engine.run()

    assert ids(events_table) == ["a", "b", "x"]
    assert done.doubles == 1
    assert sum(int(c.summary.get("clearlift.doubles", 0)) for c in events_table.changes(None)) == 1


def test_of_a_double_in_one_group_the_earliest_stays(events_table: LakeTable) -> None:
    store(events_table, [at(9, "x", page_title="late"), at(9, "x", page_title="late"), at(2)], [at(3, "x")])

    assert Compaction(events_table, MERGE_ALL).run().doubles == 2
    rows = events_table.scan().collect()
    assert sorted(rows["event_id"]) == ["event-2", "x"]
    assert rows.filter(event_id="x")["timestamp"].item().minute == 3


def large(name: str) -> list[bytes]:
    """One event so large that its file counts as finished beside those of small ones."""
    return [at(1, name, event_data=base64.b64encode(random.Random(1).randbytes(45_000)).decode())]


def test_a_double_stays_where_it_is_not_rewritten(events_table: LakeTable) -> None:
    *_, kept = store(events_table, [at(1, "x"), at(2)], [at(3)], large("x"))
    sizes = sorted(info.bytes for info in events_table.files())
    policy = CompactionPolicy(target_bytes=sizes[-1], min_files=2, finished=1.0, min_gain=0)
    assert sizes[0] + sizes[1] < sizes[-1]

    done = Compaction(events_table, policy).run()

    assert (done.doubles, done.files_before) == (1, 2)
    assert ids(events_table) == ["event-2", "event-3", "x"]
    assert kept.file_path in paths(events_table)


def test_a_kept_double_that_went_away_meanwhile_is_not_lost(
    events_table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, relied_on = store(events_table, [at(1, "x"), at(2)], [at(3)], large("x"))
    sizes = sorted(info.bytes for info in events_table.files())
    policy = CompactionPolicy(target_bytes=sizes[-1], min_files=2, finished=1.0, min_gain=0)

    def take_away() -> None:
        rest = written(events_table, at(4))
        events_table.replace([relied_on], rest, "away")

    before_first(monkeypatch, "replace", take_away)
    Compaction(events_table, policy).run()

    assert ids(events_table) == ["event-2", "event-3", "event-4", "x"]


def before_first(monkeypatch: pytest.MonkeyPatch, name: str, do: Callable[[], object]) -> None:
    """Do something right before the first call of a method of the table (its own calls are not counted)."""
    real: Callable[..., Any] = getattr(LakeTable, name)

    def first(self: LakeTable, *args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(LakeTable, name, real)
        do()
        return real(self, *args, **kwargs)

    monkeypatch.setattr(LakeTable, name, first)


@pytest.mark.parametrize("moment", ["rewrite", "replace"])
def test_what_is_appended_meanwhile_stays(
    events_table: LakeTable, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    store(events_table, [at(1)], [at(2)], [at(1, org_tag="b8e9d1")])
    before_first(monkeypatch, moment, lambda: store(events_table, [at(3)], [at(2)]))

    done = Compaction(events_table, MERGE_ALL).run()

    assert done.rows == 2
    assert ids(events_table) == ["event-1", "event-1", "event-2", "event-2", "event-3"]
    assert Compaction(events_table, MERGE_ALL).run().doubles == 1
    assert ids(events_table) == ["event-1", "event-1", "event-2", "event-3"]


def test_a_compactor_that_was_overtaken_plans_anew(events_table: LakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    store(events_table, [at(1)], [at(2)], [at(1, org_tag="b8e9d1")], [at(2, org_tag="b8e9d1")])
    before_first(monkeypatch, "replace", lambda: Compaction(events_table, MERGE_ALL).run(org="a3f7c2"))

    done = Compaction(events_table, MERGE_ALL).run()

    assert [tenant for tenant, _ in done.partitions] == ["b8e9d1"]
    assert ids(events_table) == ["event-1", "event-1", "event-2", "event-2"]
    assert len(paths(events_table)) == 2


def test_a_compactor_that_is_always_overtaken_says_so(events_table: LakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    store(events_table, [at(1)], [at(2)])

    def gone(*_: object) -> int:
        raise SourcesGoneError("gone")

    monkeypatch.setattr(LakeTable, "replace", gone)
    with pytest.raises(SourcesGoneError):
        Compaction(events_table, MERGE_ALL).run()
    assert len(paths(events_table)) == 2


def test_two_compactors_at_once_lose_and_double_nothing(events_table: LakeTable) -> None:
    store(events_table, *([at(n), at(n % 3)] for n in range(8)), *([at(n, org_tag="b8e9d1")] for n in range(8)))
    start = threading.Barrier(2)
    failures: list[BaseException] = []

    def compact() -> None:
        try:
            start.wait()
            Compaction(events_table, MERGE_ALL, groups_per_commit=1).run()
        except BaseException as error:  # noqa: BLE001 (a thread's failure is the test's)
            failures.append(error)

    threads = [threading.Thread(target=compact) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert Counter(ids(events_table)) == {f"event-{n}": 2 for n in range(8)}
    assert len(paths(events_table)) == 2


def test_a_damaged_rewrite_is_never_committed(events_table: LakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    store(events_table, [at(1)], [at(2)])
    before = (events_table.head(), paths(events_table))
    sink = LakeTable._sink
    monkeypatch.setattr(LakeTable, "_sink", lambda self, rows, *to: sink(self, rows.collect().head(1).lazy(), *to))

    with pytest.raises(GroupsLeftError, match=r"0 groups rewritten, 1 left: a3f7c2 2025-10-10: damaged: "):
        Compaction(events_table, MERGE_ALL).run()
    assert (events_table.head(), paths(events_table)) == before


@pytest.mark.parametrize("damage", ["other value", "cut short", "missing"])
def test_a_damaged_file_hinders_only_its_own_group(events_table: LakeTable, damage: str) -> None:
    whole, hurt = store(events_table, [at(1)], [at(2)])
    store(events_table, [at(3, org_tag="b8e9d1")], [at(4, org_tag="b8e9d1")])
    path = Path(hurt.file_path.removeprefix("file://"))
    if damage == "missing":
        path.unlink()
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        rows = pl.read_parquet(path, hive_partitioning=False)
        rows.with_columns(page_title=pl.lit("another")).write_parquet(path)

    with pytest.raises(GroupsLeftError) as left:
        Compaction(events_table, MERGE_ALL).run()

    assert "1 group rewritten, 1 left: a3f7c2 2025-10-10: damaged" in str(left.value)
    assert path.name in str(left.value)
    assert whole.file_path.rpartition("/")[2] not in str(left.value)
    assert {whole.file_path, hurt.file_path} < paths(events_table)
    assert len(paths(events_table)) == 3


@pytest.mark.parametrize("dies", ["rewrite", "replace"])
def test_a_killed_compaction_is_simply_run_again(pipeline: Pipeline, dies: str) -> None:
    store(pipeline.table, [at(1), at(2)], [at(2)], [at(3)])

    assert pipeline.compact(dies=dies) is None
    pipeline.compact()

    assert pipeline.event_ids() == ["event-1", "event-2", "event-3"]
    assert len(pipeline.files()) == 1


@pytest.mark.parametrize("others_first", [True, False])
def test_of_an_event_and_another_writers_double_the_ingested_one_stays(
    events_table: LakeTable, others_first: bool
) -> None:
    (ours,) = written(events_table, at(1, "one", page_title="ours"))
    double = pl.read_parquet(ours.file_path.removeprefix("file://"), hive_partitioning=False).with_columns(
        page_title=pl.lit("theirs"), timestamp=pl.col("timestamp") - timedelta(hours=1)
    )
    if not others_first:
        events_table.append([ours], "ours")
    whole = pl.concat([pl.DataFrame(EVENTS.arrow_schema().empty_table()), double], how="diagonal_relaxed")
    events_table.load().append(whole.to_arrow().cast(EVENTS.arrow_schema()))
    if others_first:
        events_table.append([ours], "ours")

    done = Compaction(events_table, MERGE_ALL).run()

    assert done.doubles == 1
    assert events_table.scan().collect()["page_title"].to_list() == ["ours"]


def test_deleted_rows_stay_out_of_a_rewrite_and_are_no_doubles(events_table: LakeTable) -> None:
    deleted_from, *_ = store(events_table, [at(1, "x")], [at(2, "x")], [at(3)])
    delete_rows(events_table, deleted_from, 0)

    done = Compaction(events_table).run()

    assert (done.files_before, done.rows, done.doubles) == (3, 2, 0)
    assert ids(events_table) == ["event-3", "x"]
    assert [info.has_deletes for info in events_table.files()] == [False]
    assert not delete_files(events_table)


def test_a_large_file_is_rewritten_because_of_one_deleted_row(events_table: LakeTable) -> None:
    large, _ = store(events_table, [at(1), at(2), at(3)], [at(4, org_tag="b8e9d1")])
    delete_rows(events_table, large, 1)
    finished = CompactionPolicy(target_bytes=1)

    done = Compaction(events_table, finished).run()

    assert (done.files_before, done.rows) == (1, 2)
    assert ids(events_table) == ["event-1", "event-3", "event-4"]


def test_a_file_of_which_every_row_was_deleted_leaves_none(events_table: LakeTable) -> None:
    (file, _) = store(events_table, [at(1), at(2)], [at(3, org_tag="b8e9d1")])
    delete_rows(events_table, file, 0, 1)

    done = Compaction(events_table).run()

    assert (done.files_before, done.files_after, done.rows) == (1, 0, 0)
    assert (ids(events_table), len(paths(events_table))) == (["event-3"], 1)


NAMES = st.sampled_from([f"id-{n}" for n in range(6)])


@examples(4, 50)
@given(
    files=st.lists(st.lists(NAMES, min_size=1, max_size=4), min_size=2, max_size=6),
    together=st.integers(2, 4),
    commit_each=st.integers(1, 3),
)
@example(files=[["id-0"], ["id-1"], ["id-0"], ["id-0"]], together=2, commit_each=1)
@example(files=[["id-0"], ["id-1"], ["id-0"], ["id-0"]], together=2, commit_each=2)
@example(files=[["id-0"]] * 5 + [["id-1"]], together=2, commit_each=1)
def test_any_doubles_over_any_groups_leave_one_of_each(
    pipeline: Pipeline, files: list[list[str]], together: int, commit_each: int
) -> None:
    pipeline.reset()
    table = pipeline.table
    store(table, *([at(10 * i + j, name) for j, name in enumerate(names)] for i, names in enumerate(files)))
    every = [name for names in files for name in names]
    size = max(info.bytes for info in table.files())
    policy = CompactionPolicy(target_bytes=int((together + 0.5) * size), min_files=2, min_gain=0)

    done = Compaction(table, policy, commit_each).run()

    after = ids(table)
    assert set(after) == set(every)
    assert len(after) == len(every) - done.doubles
    store(table, [at(59, "one more")], [at(59, "one more")])
    last = Compaction(table, MERGE_ALL).run()
    every += ["one more"] * 2
    assert ids(table) == sorted(set(every))
    assert done.doubles + last.doubles == len(every) - len(set(every))
