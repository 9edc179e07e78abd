"""The files that a query needs, and the commits since a snapshot."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from resources.lake import LakeTable, PartitionKey
from tests.resources.lake.readings import NOON, NORTH, SOUTH, ids, readings, written

NEXT_DAY = PartitionKey("north", date(2025, 10, 11))


@pytest.fixture
def filled(table: LakeTable) -> LakeTable:
    """Three files of the north (morning, noon, next day) and one of the south (noon)."""
    table.append(
        [
            written(table, "morning", at=NOON - timedelta(hours=6)),
            written(table, "noon"),
            written(table, "next", key=NEXT_DAY),
            written(table, "south", key=SOUTH),
        ],
        "one",
    )
    return table


def held(table: LakeTable, **query: object) -> list[str]:
    """The ids of all rows of some files."""
    return sorted(table.read(table.files(**query)).collect()["id"])  # type: ignore[arg-type]


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["morning", "next", "noon", "south"]),
        ({"tenants": ["north"]}, ["morning", "next", "noon"]),
        ({"tenants": ["south", "north"]}, ["morning", "next", "noon", "south"]),
        ({"tenants": ["west"]}, []),
        ({"tenants": []}, []),
        ({"since": NOON}, ["next", "noon", "south"]),
        ({"since": NOON + SECOND}, ["next"]),
        ({"until": NOON}, ["morning"]),
        ({"until": NOON + timedelta(microseconds=1)}, ["morning", "noon", "south"]),
        ({"since": NOON, "until": NOON + SECOND, "tenants": ["north"]}, ["noon"]),
        ({"since": NOON + timedelta(hours=1), "until": NOON + timedelta(hours=2)}, []),
        ({"since": datetime(2025, 10, 11, tzinfo=UTC)}, ["next"]),
    ],
)
def test_only_files_that_may_hold_the_window_are_found(
    filled: LakeTable, query: dict[str, object], expected: list[str]
) -> None:
    assert held(filled, **query) == expected


def test_a_scan_gives_the_rows_of_the_half_open_window(table: LakeTable) -> None:
    table.append([written(table, "a", "b", "c"), written(table, "d", "e", key=SOUTH)], "one")

    found = table.scan(NOON + SECOND, NOON + 2 * SECOND).collect()
    assert sorted(found["id"]) == ["b", "e"]
    assert table.scan(NOON + SECOND, NOON + 2 * SECOND, ["south"]).collect()["id"].to_list() == ["e"]
    assert table.scan(tenants=["west"]).collect().is_empty()


def test_files_say_rows_bytes_and_bounds(filled: LakeTable) -> None:
    (found,) = filled.files(tenants=["south"])

    assert (found.key, found.rows, found.lowest, found.highest) == (SOUTH, 1, NOON, NOON)
    assert found.bytes == found.file.file_size_in_bytes > 0
    assert not found.has_deletes


def test_an_old_snapshot_shows_the_files_of_then(table: LakeTable) -> None:
    old = [written(table, "a"), written(table, "b")]
    first = table.append(old, "one")
    second = table.append([written(table, "c")], "two")
    table.replace(old, [table.rewrite(NORTH, old).file], "three")

    assert held(table, snapshot_id=first) == ["a", "b"]
    assert {f.path for f in table.files(snapshot_id=first)} == {f.file_path for f in old}
    assert len(table.files(snapshot_id=second)) == 3
    assert len(table.files()) == 2


def test_changes_tell_each_commit_once_in_order(table: LakeTable) -> None:
    assert list(table.changes(None)) == []
    old = [written(table, "a"), written(table, "b")]
    other = written(table, "s", key=SOUTH)
    first = table.append([*old, other], "one")
    second = table.append([written(table, "c")], "two")
    merged = table.rewrite(NORTH, old).file
    third = table.replace(old, [merged], "three")
    fourth = table.append([written(table, "d")], "four")

    found = list(table.changes(None))
    assert [c.id for c in found] == [first, second, third, fourth]
    assert [c.sequence for c in found] == [1, 2, 3, 4]
    assert [len(c.added) for c in found] == [3, 1, 1, 1]
    assert {f.file_path for f in found[2].removed} == {f.file_path for f in old}
    assert [f.file_path for f in found[2].added] == [merged.file_path]
    assert [c.removed for c in (found[0], found[1], found[3])] == [(), (), ()]
    assert [c.id for c in table.changes(second)] == [third, fourth]
    assert list(table.changes(fourth)) == []
    assert table.head() == (fourth, 4)


def test_changes_after_a_snapshot_that_is_gone_are_all_that_are_kept(table: LakeTable) -> None:
    first = table.append([written(table, "a")], "one")
    second = table.append([written(table, "b")], "two")
    table.load().maintenance.expire_snapshots().by_id(first).commit()

    assert [c.id for c in table.changes(first)] == [second]
    assert [c.id for c in table.changes(4711)] == [second]
    assert ids(table) == ["a", "b"]


def test_another_writers_append_is_seen_like_ours(table: LakeTable) -> None:
    rows = pl.concat([readings(NORTH, "a"), readings(SOUTH, "b")])
    table.load().append(rows.to_arrow().cast(table.spec.arrow_schema()))

    (change,) = table.changes(None)
    assert sorted(PartitionKey.of(f) for f in change.added) == [NORTH, SOUTH]
    assert held(table, tenants=["south"], since=NOON, until=NOON + SECOND) == ["b"]
    assert [(table.info(f).lowest, table.info(f).highest) for f in change.added] == [(NOON, NOON)] * 2
