"""Row-level deletes of another writer: applied when reading, and never undone by a replacement."""

import pytest

from resources.lake import LakeTable, SourcesGoneError
from tests.resources.lake.readings import NORTH, SOUTH, ids, state, written
from tests.resources.lake.row_deletes import delete_rows

# polars warns that planning with pyiceberg is slower than with its own plug-in, which is not needed here.
pytestmark = pytest.mark.filterwarnings("ignore:Iceberg scan planning:polars.exceptions.PerformanceWarning")


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
