"""Commits: one visible commit for each commit id, with any answer of the catalog and any other writer."""

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions.visitors import _ManifestEvalVisitor
from pyiceberg.io import InputFile
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata, TableMetadataV2
from pyiceberg.table.snapshots import Summary
from pyiceberg.table.update.snapshot import _OverwriteFiles

from resources.lake import CommitUnknownError, FencedOffError, Lake, LakeTable, PartitionKey, SourcesGoneError, commit
from resources.postgres import Postgres
from tests.resources.lake.opened import opened
from tests.resources.lake.readings import DAY, NORTH, SOUTH, ids, readings, state, written

Append = Callable[..., int]


class ConnectionLostError(RuntimeError):
    """The error of a catalog's client when no answer came."""


@pytest.fixture
def catalog_faults(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fate of the next commits, in order: `before` (the request is lost), `after` (the answer is lost), `race`."""
    faults: list[str] = []
    commit_table = SqlCatalog.commit_table

    def faulty(self: SqlCatalog, *args: Any, **kwargs: Any) -> Any:
        fault = faults.pop(0) if faults else ""
        if fault == "before":
            raise ConnectionLostError("no answer")
        if fault == "race":
            raise CommitFailedException("another commit was faster")
        answer = commit_table(self, *args, **kwargs)
        if fault == "after":
            raise ConnectionLostError("no answer")
        return answer

    monkeypatch.setattr(SqlCatalog, "commit_table", faulty)
    return faults


@pytest.fixture
def append(table: LakeTable) -> Append:
    """`commit.append` to the table, without its waits."""
    return partial(commit.append, table.load, table._lock, properties={}, sleep=lambda _: None)


def test_an_append_is_one_snapshot_known_by_its_commit_id(table: LakeTable) -> None:
    snapshot = table.append([written(table, "a"), written(table, "b", key=SOUTH)], "one", {"who": "test"})

    assert ids(table) == ["a", "b"]
    (change,) = table.changes(None)
    assert (change.id, change.operation, change.summary["who"]) == (snapshot, "append", "test")
    assert (table.landed("one"), table.landed("two")) == (snapshot, None)


def test_the_same_commit_id_adds_nothing_again(table: LakeTable) -> None:
    file = written(table, "a")
    first = table.append([file], "one")
    table.append([written(table, "b")], "two")

    assert table.append([file], "one") == first
    assert table.append([written(table, "a")], "one") == first
    assert ids(table) == ["a", "b"]


def test_the_last_commit_id_outlives_its_snapshot(table: LakeTable) -> None:
    first = table.append([written(table, "a")], "one")
    table.load().append(readings(NORTH, "b").to_arrow().cast(table.spec.arrow_schema()))
    table.load().maintenance.expire_snapshots().by_id(first).commit()

    assert table.landed("one") == 0
    assert table.append([written(table, "a")], "one") == 0
    assert ids(table) == ["a", "b"]


def test_what_was_settled_as_not_landed_never_lands(table: LakeTable) -> None:
    fence = table.fence()
    late, later = written(table, "late"), written(table, "later")
    assert table.settled("late") is None
    with pytest.raises(FencedOffError, match="commit late: another process has taken over"):
        table.append([late], "late", behind=fence)
    with pytest.raises(FencedOffError):
        table.append([later], "later", behind=fence)

    snapshot = table.append([later], "later", behind=table.fence())
    assert table.settled("later") == snapshot
    assert ids(table) == ["later"]


def test_a_commit_on_its_way_loses_its_race_against_the_fence(table: LakeTable) -> None:
    """It read the old fence, and lost its lock with its connection. So the catalog itself must refuse it."""
    table.append([written(table, "first")], "first")
    fence, file = table.fence(), written(table, "late")
    moved: list[str] = []

    def commits_after_the_fence(transaction: Transaction) -> Table:
        if not moved:
            moved.append("by another")
            assert table.settled("late") is None
        return real(transaction)

    real = Transaction.commit_transaction
    with patch.object(Transaction, "commit_transaction", commits_after_the_fence), pytest.raises(FencedOffError):
        commit.append(table.load, nullcontext, [file], "late", {}, lambda _: None, behind=fence)
    assert ids(table) == ["first"]
    assert table.landed("late") is None


@pytest.mark.parametrize(
    "faults",
    [
        ["before"],
        ["after"],
        ["race"],
        ["race", "before", "race", "after"],
        ["before"] * 7,
        ["race"] * 7,
        ["before"] * 7 + ["after"],
    ],
    ids="-".join,
)
def test_a_lost_answer_or_race_ends_in_one_commit(
    table: LakeTable, append: Append, catalog_faults: list[str], faults: list[str]
) -> None:
    file = written(table, "a")
    catalog_faults += faults

    snapshot = append(files=[file], commit_id="one")

    assert catalog_faults == []
    assert [change.id for change in table.changes(None)] == [snapshot]
    assert ids(table) == ["a"]


def test_a_commit_that_never_gets_through_says_that_nobody_knows(
    table: LakeTable, append: Append, catalog_faults: list[str]
) -> None:
    file = written(table, "a")
    catalog_faults += ["before"] * commit.ATTEMPTS

    with pytest.raises(CommitUnknownError, match="commit one: ConnectionLostError"):
        append(files=[file], commit_id="one")
    assert ids(table) == []
    assert append(files=[file], commit_id="one") > 0
    assert ids(table) == ["a"]


def test_a_commit_that_always_loses_says_that_it_failed(
    table: LakeTable, append: Append, catalog_faults: list[str]
) -> None:
    catalog_faults += ["race"] * commit.ATTEMPTS

    with pytest.raises(CommitFailedException, match="lost 8 races"):
        append(files=[written(table, "a")], commit_id="one")
    assert table.head() == (None, 0)


@pytest.mark.parametrize("fault", ["before", "after", "race"])
def test_a_replacement_whose_answer_is_lost_is_made_once(
    table: LakeTable, catalog_faults: list[str], fault: str
) -> None:
    old = [written(table, "a"), written(table, "b")]
    table.append(old, "one")
    merged = table.rewrite(NORTH, old)
    catalog_faults.append(fault)

    table.replace(old, [merged.file], "two")

    assert [change.operation for change in table.changes(None)] == ["append", "replace"]
    assert ids(table) == ["a", "b"]


def test_a_replacement_keeps_what_was_appended_meanwhile(table: LakeTable) -> None:
    old = [written(table, "a"), written(table, "b")]
    other = written(table, "s", key=SOUTH)
    table.append([*old, other], "one")
    merged = table.rewrite(NORTH, old)
    late = written(table, "c")
    table.append([late], "two")
    table.load().append(readings(NORTH, "d").to_arrow().cast(table.spec.arrow_schema()))

    snapshot = table.replace(old, [merged.file], "three", {"who": "test"})

    assert ids(table) == ["a", "b", "c", "d", "s"]
    paths = {f.path for f in table.files()}
    assert {merged.file.file_path, late.file_path, other.file_path} < paths
    assert not paths & {f.file_path for f in old}
    change = list(table.changes(None))[-1]
    assert (change.id, change.operation, change.summary["who"]) == (snapshot, "replace", "test")


def test_a_commit_tells_of_itself_what_pyiceberg_would(table: LakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = commit._ExactFiles._summary
    compared: list[dict[str, str]] = []

    def both(self: commit._ExactFiles, properties: dict[str, str]) -> Summary:
        ours, theirs = summary(self, properties), _OverwriteFiles._summary(self, properties)
        assert ours.additional_properties == theirs.additional_properties
        compared.append(ours.additional_properties)
        return ours

    monkeypatch.setattr(commit._ExactFiles, "_summary", both)
    old = [written(table, "a"), written(table, "b"), written(table, "s", key=SOUTH)]
    table.append(old, "one")
    table.replace(old[:2], [table.rewrite(NORTH, old[:2]).file], "two", {"who": "test"})
    table.drop({SOUTH: old[2:]}, "three")

    assert [summary["total-data-files"] for summary in compared] == ["2", "1"]
    assert compared[0]["who"] == "test"


def test_a_removed_file_keeps_its_bounds_and_loses_its_counts(table: LakeTable) -> None:
    old = written(table, "a", "b")
    table.append([old], "one")
    table.replace([old], [table.rewrite(NORTH, [old]).file], "two")

    (removed,) = list(table.changes(None))[-1].removed
    assert table.info(removed) == table.info(old)
    assert removed.record_count == 2
    assert not removed.null_value_counts


def test_a_replacement_of_what_is_gone_changes_nothing(table: LakeTable) -> None:
    old = [written(table, "a"), written(table, "b")]
    table.append(old, "one")
    merged = [table.rewrite(NORTH, old).file for _ in range(2)]
    table.replace(old, merged[:1], "two")
    before = state(table)

    with pytest.raises(SourcesGoneError, match="2 files were to be replaced"):
        table.replace(old, merged[1:], "three")
    with pytest.raises(SourcesGoneError):
        table.replace([merged[0], old[0]], merged[1:], "four")
    assert state(table) == before


def test_a_replacement_that_relied_on_a_file_that_is_gone_changes_nothing(table: LakeTable) -> None:
    old, kept = written(table, "a", "b"), written(table, "b")
    table.append([old, kept], "one")
    without = table.rewrite(NORTH, [old], table.read([old]).filter(id="a")).file

    again = table.rewrite(NORTH, [kept]).file
    table.replace([kept], [again], "two")
    before = state(table)
    with pytest.raises(SourcesGoneError, match="some of 1 required files are no longer live"):
        table.replace([old], [without], "three", relied_on=[kept])
    assert state(table) == before

    table.replace([old], [without], "four", relied_on=[again])
    assert ids(table) == ["a", "b"]


def test_many_writers_at_once_lose_nothing(lake: Lake, table: LakeTable) -> None:
    failures: list[BaseException] = []

    def write(name: str) -> None:
        try:
            handle = lake.table(table.spec)
            for i in range(4):
                file = written(handle, f"{name}{i}")
                handle.append([file], f"{name}{i}")
                handle.append([file], f"{name}{i}")
        except BaseException as error:  # noqa: BLE001 (a thread's failure is the test's)
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert ids(table) == sorted(f"{name}{i}" for name in "abc" for i in range(4))


def test_a_table_is_made_once(lake: Lake, table: LakeTable) -> None:
    table.append([written(table, "a")], "one")

    assert lake.exists(table.spec)
    assert ids(lake.ensure(table.spec)) == ["a"]


def test_a_commit_copies_the_metadata_once_and_leaves_what_it_began_with(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.append([written(table, "a")], "one")
    copied: list[int] = []
    deepcopy = TableMetadataV2.__deepcopy__

    def counted(self: TableMetadataV2, memo: dict[int, Any] | None = None) -> TableMetadataV2:
        copied.append(len(self.snapshots))
        return deepcopy(self, memo)

    monkeypatch.setattr(TableMetadataV2, "__deepcopy__", counted)
    began = table.load()
    metadata = began.metadata
    without_properties: dict[str, Any] = {"properties": {}}  # a commit turns pyiceberg's own retries off by one
    before = metadata.model_copy(update=without_properties).model_dump_json()
    commit.append(lambda: began, table._lock, [written(table, "b")], "two", {})
    assert copied == [2], "the catalog's own copy of what it writes"
    assert metadata.model_copy(update=without_properties).model_dump_json() == before
    assert ids(table) == ["a", "b"]


def test_metadata_of_our_catalog_is_read_once_for_each_commit_of_any_writer(
    lake: Lake, table: LakeTable, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    parsed = FromInputFile.table_metadata

    def noted(file: InputFile) -> TableMetadata:
        read.append(file.location)
        return parsed(file)

    monkeypatch.setattr(FromInputFile, "table_metadata", noted)
    table.append([written(table, "a")], "one")
    assert [ids(table), ids(table)] == [["a"], ["a"]]
    assert len(read) == 1

    with opened(postgres, tmp_path / "r2") as other:
        other.table(table.spec).append([written(table, "b")], "two")
    assert ids(table) == ["a", "b"]
    # What a caller does to its own table stays there.
    table.load().metadata.properties["mine"] = "1"
    assert "mine" not in table.load().metadata.properties


def test_a_handle_opens_nothing(table: LakeTable) -> None:
    def never() -> Table:
        raise AssertionError("loaded")

    assert LakeTable(table.spec, never, table._lock, None).spec is table.spec


def test_each_file_is_found_though_threads_look_for_them(table: LakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """One manifest for each file, of different partitions; every comparison lets another thread run."""
    compared = _ManifestEvalVisitor.visit_equal

    def slow(*given: Any, **named: Any) -> bool:
        time.sleep(0.001)
        return compared(*given, **named)

    monkeypatch.setattr(_ManifestEvalVisitor, "visit_equal", slow)
    days = [PartitionKey("north", DAY + timedelta(days=number)) for number in range(24)]
    each = [written(table, f"{key.day}", key=key) for key in days]
    for number, file in enumerate(each):
        table.append([file], f"file {number}")
    table.replace(each[:12], [], "prune")
    assert ids(table) == [f"{key.day}" for key in days[12:]]
