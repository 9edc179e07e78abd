"""Spark 3.5 as a reader and a writer of our table, which starts for some seconds each time: only under `make soak`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resources.lake import ForeignPartitionError, Lake, LakeTable, LayoutError
from tests.resources.lake import spark
from tests.resources.lake.engines import READERS, require_engines
from tests.resources.lake.readings import NORTH, SOUTH, ids, written
from tests.resources.lake.test_readers import STATES, assert_read_alike, merge

pytestmark = [
    pytest.mark.soak,
    pytest.mark.usefixtures("engines"),
    pytest.mark.filterwarnings("ignore:Iceberg scan planning:polars.exceptions.PerformanceWarning"),
]
NAMES = ("site", "id", "value", "note")
MERGE_ON_READ = "alter table {table} set tblproperties ('write.delete.mode'='merge-on-read')"


@pytest.fixture
def engines() -> None:
    require_engines()


def rows(answer: list[list[Any]]) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in answer), key=str)


def ours(table: LakeTable, *names: str) -> list[tuple[Any, ...]]:
    return sorted(table.scan().select(names or NAMES).collect().iter_rows(), key=str)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_spark_reads_the_table_as_we_do(
    lake: Lake, table: LakeTable, tmp_path: Path, state: Callable[[LakeTable], None]
) -> None:
    state(table)
    (answer,) = spark.run(lake, table, tmp_path, f"select {spark.columns_of(table, NAMES)} from {{table}}")
    assert rows(answer) == ours(table)


def test_what_spark_writes_renames_and_deletes_is_read_kept_and_read_by_spark_again(
    lake: Lake, table: LakeTable, tmp_path: Path
) -> None:
    table.append([written(table, "a", "b", "c"), written(table, "s", key=SOUTH)], "one")
    *_, answer = spark.run(
        lake,
        table,
        tmp_path,
        "insert into {table} select site, at, concat(id, '2'), value, `count`, good, note from {table}",
        "alter table {table} rename column value to amount",
        "alter table {table} add column more string",
        "insert into {table} select site, at, '3', amount, `count`, good, note, 'keep me' from {table} where id = 'a'",
        "update {table} set note = 'changed' where id = 'c'",
        MERGE_ON_READ,
        "delete from {table} where id in ('b', 's2')",
        "select site, id, amount, note, more from {table}",
    )
    names = (*NAMES, "more")
    assert rows(answer) == ours(table, *names)
    assert any(info.has_deletes for info in table.files())

    table.append([written(table, "d")], "two")
    before = ours(table, *names)
    merge(table)
    assert ours(table, *names) == before
    assert not any(info.has_deletes for info in table.files())
    (again,) = spark.run(lake, table, tmp_path, "select site, id, amount, note, more from {table}")
    assert rows(again) == before


def test_spark_compacts_what_we_wrote_and_we_what_it_compacted(lake: Lake, table: LakeTable, tmp_path: Path) -> None:
    for number in range(6):
        table.append([written(table, f"a{number}")], str(number))
    before = ours(table)
    spark.run(
        lake,
        table,
        tmp_path,
        "call lake.system.rewrite_data_files(table => '{table}', options => map('min-input-files', '2'))",
    )
    assert (ours(table), len(table.files())) == (before, 1)
    assert [change.operation for change in table.changes(None)][-1] == "replace"
    merge_north(table)
    assert ours(table) == before


def merge_north(table: LakeTable) -> None:
    files = [info for info in table.files() if info.key == NORTH]
    table.replace(files, [table.rewrite(NORTH, files).file], f"north {table.head()}")


def test_a_changed_partition_spec_of_spark(lake: Lake, table: LakeTable, tmp_path: Path) -> None:
    table.append([written(table, "a"), written(table, "s", key=SOUTH)], "one")
    spark.run(
        lake,
        table,
        tmp_path,
        "alter table {table} drop partition field site",
        "alter table {table} add partition field bucket(2, id)",
        "insert into {table} select site, at, concat(id, '2'), value, `count`, good, note from {table}",
    )
    assert ids(table) == ["a", "a2", "s", "s2"]
    table.append([written(table, "b")], "two")
    theirs = [info for info in table.files() if not table.wrote(info.file)]
    for info in theirs:
        with pytest.raises(ForeignPartitionError):
            _ = info.key
    (answer,) = spark.run(lake, table, tmp_path, "select id from {table}")
    assert sorted(row[0] for row in answer) == ids(table) == ["a", "a2", "b", "s", "s2"]


def test_deletion_vectors_are_read_and_a_table_of_their_format_is_not_written(
    lake: Lake, table: LakeTable, tmp_path: Path
) -> None:
    table.append([written(table, "a", "b", "c"), written(table, "d"), written(table, "s", key=SOUTH)], "one")
    *_, answer = spark.run(
        lake,
        table,
        tmp_path,
        "alter table {table} set tblproperties ('format-version'='3', 'write.delete.mode'='merge-on-read')",
        "delete from {table} where id in ('a', 'c')",
        "delete from {table} where id = 'b'",
        "select site, id, value, note from {table}",
    )
    assert {d.file_format for info in table.files() for d in info.deletes} == {"PUFFIN"}
    assert rows(answer) == ours(table)
    # chDB does not find a vector by the `file:/` that a local Spark writes.
    for reader in READERS.keys() - {"chDB"}:
        assert_read_alike(table, reader)
    assert ids(table) == ["d", "s"]
    for refused in (table.examined, lambda: table.append([written(table, "e")], "two")):
        with pytest.raises(LayoutError, match="has Iceberg format 3; it can be read"):
            refused()


def test_a_rollback_and_an_expiry_by_spark_are_seen_as_such(lake: Lake, table: LakeTable, tmp_path: Path) -> None:
    kept = table.append([written(table, "a")], "one")
    gone = table.append([written(table, "b")], "two")
    sequence = table.sequence(gone)
    spark.run(lake, table, tmp_path, f"call lake.system.rollback_to_snapshot('{{table}}', {kept})")
    assert ids(table) == ["a"]
    assert [table.history().holds(*of) for of in ((kept, 1), (gone, sequence))] == [True, False]
    assert table.landed("two") is None

    spark.run(
        lake,
        table,
        tmp_path,
        "insert into {table} select site, at, concat(id, '2'), value, `count`, good, note from {table}",
        "call lake.system.expire_snapshots(table => '{table}', older_than => timestamp '2100-01-01', retain_last => 1)",
    )
    assert ids(table) == ["a", "a2"]
    assert table.history().has_expired
    assert table.history().holds(kept, 1)
