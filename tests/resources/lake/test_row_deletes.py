"""Row-level deletes of another writer: applied when reading, made final by a rewrite, and never undone by one."""

from typing import Any

import polars as pl
import pytest
from pyiceberg.types import StringType

from resources.lake import DamagedFilesError, LakeTable, SourcesGoneError, planning
from tests.resources.lake.foreign import add_column, drop_column, rename_column
from tests.resources.lake.readings import NORTH, SOUTH, ids, readings, state, written
from tests.resources.lake.row_deletes import delete_equal, delete_files, delete_positions, delete_rows


def test_deleted_rows_are_not_read(table: LakeTable) -> None:
    file, other = written(table, "a", "b", "c"), written(table, "s", key=SOUTH)
    table.append([file, other], "one")
    delete_rows(table, file, 1)

    assert ids(table) == ["a", "c", "s"]
    assert table.scan(tenants=["north"]).select("id").collect()["id"].to_list() == ["a", "c"]
    assert [(f.key, f.has_deletes) for f in sorted(table.files(), key=lambda f: f.key)] == [
        (NORTH, True),
        (SOUTH, False),
    ]


def test_a_delete_between_reading_and_replacing_is_not_undone(table: LakeTable) -> None:
    old = [written(table, "a", "b"), written(table, "c")]
    table.append(old, "one")
    merged = table.rewrite(NORTH, old)
    delete_rows(table, old[0], 1)
    before = state(table)

    with pytest.raises(SourcesGoneError):
        table.replace(old, [merged.file], "two")
    assert state(table) == before
    assert ids(table) == ["a", "c"]


def test_a_file_that_lost_rows_is_not_relied_on(table: LakeTable) -> None:
    old, kept = written(table, "a", "b"), written(table, "b")
    table.append([old, kept], "one")
    without = table.rewrite(NORTH, [old], table.read([old]).filter(id="a"))
    delete_rows(table, kept, 0)

    with pytest.raises(SourcesGoneError):
        table.replace([old], [without.file], "two", relied_on=[kept])
    assert ids(table) == ["a", "b"]


def test_a_delete_elsewhere_hinders_nobody(table: LakeTable) -> None:
    old, other = [written(table, "a"), written(table, "b")], written(table, "s", "t", key=SOUTH)
    table.append([*old, other], "one")
    merged = table.rewrite(NORTH, old)
    delete_rows(table, other, 0)

    table.replace(old, [merged.file], "two")
    assert ids(table) == ["a", "b", "t"]


def test_one_delete_file_of_several_data_files_deletes_from_each_its_own(table: LakeTable) -> None:
    one, two, other = written(table, "a", "b", "c"), written(table, "d", "e"), written(table, "s", key=SOUTH)
    table.append([one, two, other], "one")
    delete_positions(table, {one: [1], two: [0]})

    assert ids(table) == ["a", "c", "e", "s"]
    assert table.scan(tenants=["north"]).select("id").collect()["id"].to_list() == ["a", "c", "e"]


def test_a_snapshot_is_read_as_it_was_although_rows_were_deleted_since(table: LakeTable) -> None:
    file = written(table, "a", "b")
    before = table.append([file], "one")
    delete_rows(table, file, 0)
    between = table.head()[0]
    delete_rows(table, file, 1)

    found = {at: sorted(table.scan(snapshot_id=at).collect()["id"]) for at in (before, between, None)}
    assert found == {before: ["a", "b"], between: ["b"], None: []}


def test_equality_deletes_apply_to_older_rows_of_their_partition(table: LakeTable) -> None:
    north, south = written(table, "a", "b"), written(table, "a", "b", key=SOUTH)
    table.append([north, south], "one")
    delete_equal(table, north, pl.DataFrame({"id": ["a"]}))
    table.append([written(table, "a", "c")], "two")

    assert ids(table) == ["a", "a", "b", "b", "c"]
    assert table.scan(tenants=["north"]).collect()["id"].to_list().count("a") == 1


def test_equality_deletes_by_several_columns_know_null(table: LakeTable) -> None:
    rows = readings(NORTH, "a", "b", "c").with_columns(note=pl.Series([None, None, "x"]))
    (file,) = table.write([(NORTH, rows)])
    table.append([file], "one")
    delete_equal(
        table, file, pl.DataFrame({"id": ["a", "c"], "note": [None, "y"]}, schema_overrides={"note": pl.String})
    )

    assert ids(table) == ["b", "c"]


def test_equality_deletes_by_a_renamed_column_apply_and_by_a_dropped_one_are_refused_by_name(table: LakeTable) -> None:
    north, south = written(table, "a", "b"), written(table, "s", key=SOUTH)
    table.append([north, south], "one")
    add_column(table, "kind", StringType())
    delete_equal(table, north, pl.DataFrame({"note": ["note a"]}))
    rename_column(table, "note", "remark")
    assert ids(table) == ["b", "s"]
    delete_equal(table, north, pl.DataFrame({"kind": ["x"]}))
    drop_column(table, "kind")

    assert table.scan(tenants=["south"]).collect()["id"].to_list() == ["s"]
    with pytest.raises(
        DamagedFilesError, match=r"rows of site=north/.* columns that are dropped \(\[8\]\). Next: rewrite"
    ) as refused:
        table.scan(tenants=["north"]).collect()
    assert refused.value.partitions == {NORTH}


@pytest.mark.parametrize("by", ["position", "value"])
def test_a_rewrite_makes_deletes_final_and_takes_their_files_away(table: LakeTable, by: str) -> None:
    one, two, other = written(table, "a", "b"), written(table, "c"), written(table, "s", key=SOUTH)
    table.append([one, two, other], "one")
    if by == "position":
        delete_positions(table, {one: [0], two: []})
    else:
        delete_equal(table, one, pl.DataFrame({"id": ["a"]}))
    delete_rows(table, other, 0)
    old = table.files(tenants=["north"])

    rewritten = table.rewrite(NORTH, old)
    table.replace(old, [rewritten.file], "two")

    assert (rewritten.before.rows, ids(table)) == (2, ["b", "c"])
    assert {(info.key, info.has_deletes) for info in table.files()} == {(SOUTH, True), (NORTH, False)}
    assert len(delete_files(table)) == 1
    by_pyiceberg = (
        table.load().scan().to_arrow() if by == "position" else table.load().scan("site = 'north'").to_arrow()
    )
    assert set(by_pyiceberg["id"].to_pylist()) == {"b", "c"}


def test_a_delete_file_stays_as_long_as_it_deletes_from_a_file_that_stays(table: LakeTable) -> None:
    one, two = written(table, "a", "b"), written(table, "c", "d")
    table.append([one, two], "one")
    delete_positions(table, {one: [0], two: [0]})
    old = [info for info in table.files() if info.file == one]

    table.replace(old, [table.rewrite(NORTH, old).file], "two")

    assert ids(table) == ["b", "d"]
    assert len(delete_files(table)) == 1


def test_a_damaged_file_is_found_although_rows_of_it_were_deleted(table: LakeTable) -> None:
    file = written(table, "a", "b", "c")
    table.append([file], "one")
    delete_rows(table, file, 0)
    path = file.file_path.removeprefix("file://")
    pl.read_parquet(path, hive_partitioning=False).with_columns(note=pl.lit("other")).write_parquet(path)

    with pytest.raises(DamagedFilesError, match=r"damaged: site=north/.*\.parquet; 3 rows"):
        table.rewrite(NORTH, table.files())


def test_a_delete_of_somebody_does_not_make_each_replacement_plan_the_whole_table(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, other = [written(table, "a"), written(table, "b")], written(table, "s", "t", key=SOUTH)
    table.append(old, "one")
    table.append([other], "two")
    delete_rows(table, other, 0)
    merged = table.rewrite(NORTH, old)
    planned: list[str] = []
    plan = planning.plan

    def watched(*given: Any) -> list[planning.Planned]:
        found = list(plan(*given))
        planned.extend(of.file.file_path for of in found)
        return found

    monkeypatch.setattr(planning, "plan", watched)
    table.replace(old, [merged.file], "three")

    assert sorted(planned) == sorted(file.file_path for file in old)
