"""Data files: their paths, their content and manifest entries, and their reading by other engines."""

import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
import pyarrow.parquet as pq
import pytest
from pyiceberg.io.pyarrow import schema_to_pyarrow

from resources.lake import DamagedFilesError, LakeTable, PartitionKey, checksum
from resources.lake.checksum import Tally
from tests.resources.lake.readings import NOON, NORTH, READINGS, SOUTH, ids, readings, written

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
STAMP = r"[0-9a-f]{8}-[0-9a-f]{16}"


def local(path: str) -> Path:
    return Path(path.removeprefix("file://"))


def test_a_file_lies_where_its_partition_says(table: LakeTable, tmp_path: Path) -> None:
    file = written(table, "a", key=PartitionKey("north", date(2025, 3, 4)))

    relative = local(file.file_path).relative_to(tmp_path / "r2").as_posix()
    assert re.fullmatch(
        rf"data/readings/site=north/year=2025/month=03/day=04/readings-{UUID}-{STAMP}\.parquet", relative
    )
    assert local(file.file_path).stat().st_size == file.file_size_in_bytes


@pytest.mark.parametrize("tenant", ["../../up", "a/b", "a b%20c", "é=ü"])
def test_a_tenant_of_any_name_stays_one_folder(table: LakeTable, tmp_path: Path, tenant: str) -> None:
    key = PartitionKey(tenant, NORTH.day)
    table.append([written(table, "a", key=key), written(table, "b", key=SOUTH)], "one")

    found = [local(f.path).relative_to(tmp_path / "r2" / "data/readings") for f in table.files(tenants=[tenant])]
    assert [len(path.parts) for path in found] == [5]
    assert unquote(found[0].parts[0]) == f"site={tenant}"
    assert table.scan(tenants=[tenant]).collect().rows() == readings(key, "a").rows()


def test_each_write_has_a_name_of_its_own(table: LakeTable) -> None:
    parts = [(NORTH, readings(NORTH, "a")), (NORTH, readings(NORTH, "a")), (SOUTH, readings(SOUTH, "a"))]

    assert len({file.file_path for file in table.write(parts)}) == 3


def test_a_file_carries_field_ids_and_required_flags_in_snappy(table: LakeTable) -> None:
    path = local(written(table, "a").file_path)

    arrow = pq.read_schema(path)
    assert [(f.name, f.nullable, (f.metadata or {})[b"PARQUET:field_id"]) for f in arrow] == [
        (c.name, not c.required, str(i).encode()) for i, c in enumerate(READINGS.columns, start=1)
    ]
    assert arrow.field("at").type == schema_to_pyarrow(READINGS.schema()).field("at").type
    footer = pq.read_metadata(path)
    assert {footer.row_group(0).column(i).compression for i in range(footer.num_columns)} == {"SNAPPY"}


def test_iceberg_reads_what_was_written(table: LakeTable) -> None:
    rows = readings(NORTH, "a", "b").with_columns(note=pl.Series([None, "ü"]))
    table.append(table.write([(NORTH, rows), (SOUTH, readings(SOUTH, "c"))]), "one")

    found = table.load().scan().to_arrow()
    assert found.schema.field("id").nullable is False
    read = pl.from_arrow(found)
    assert isinstance(read, pl.DataFrame)
    assert sorted(read.rows()) == sorted([*rows.rows(), *readings(SOUTH, "c").rows()])


def test_a_null_in_a_required_column_is_refused(table: LakeTable) -> None:
    rows = readings(NORTH, "a").with_columns(id=pl.lit(None, pl.String))

    with pytest.raises(Exception, match=r"(?i)null|required|nullable"):
        table.write([(NORTH, rows)])


def test_manifests_hold_bounds_of_the_time_alone(table: LakeTable) -> None:
    file = written(table, "secret-id")
    table.append([file], "one")

    live = table.load()
    time_id = live.schema().find_field("at").field_id
    (task,) = live.scan().plan_files()
    assert set(task.file.lower_bounds or {}) == {time_id}
    assert set(task.file.upper_bounds or {}) == {time_id}
    assert task.file.record_count == 1
    snapshot = live.current_snapshot()
    assert snapshot is not None
    for manifest in snapshot.manifests(live.io):
        assert b"secret-id" not in local(manifest.manifest_path).read_bytes()


def test_bounds_are_the_first_and_last_instant(table: LakeTable) -> None:
    at = datetime.fromisoformat("2025-10-10T23:59:57.123456+00:00")
    file = written(table, "a", "b", "c", at=at)

    assert (table.info(file).lowest, table.info(file).highest) == (at, at.replace(second=59))


def test_reading_keeps_to_the_tables_columns(table: LakeTable) -> None:
    file = written(table, "a", "b")
    path = local(file.file_path)
    pl.read_parquet(path, hive_partitioning=False).drop("note").with_columns(more=1).write_parquet(path)

    found = table.read([file]).collect()
    assert found.columns == [c.name for c in READINGS.columns]
    assert found["note"].to_list() == [None, None]
    assert table.read([]).collect().schema == found.schema


def test_a_rewrite_keeps_every_row(table: LakeTable) -> None:
    old = [written(table, "a", "b"), written(table, "c")]

    rewritten = table.rewrite(NORTH, old)

    assert rewritten.rows == 3
    assert ids(table) == []
    table.append([rewritten.file], "one")
    assert ids(table) == ["a", "b", "c"]
    assert table.rewrite(NORTH, old[::-1]).after == rewritten.after


def test_a_rewrite_leaves_out_what_is_null_in_all_its_sources(table: LakeTable) -> None:
    bare = _without(readings(NORTH, "a", "b"), "value", "good", "note")
    partly = _without(readings(NORTH, "c"), "value", "note")
    old = table.write([(NORTH, bare), (NORTH, partly)])
    table.append(old, "one")
    before = table.scan().sort("id").collect()

    rewritten = table.rewrite(NORTH, old)
    table.replace(old, [rewritten.file], "two")

    assert pq.read_schema(local(rewritten.file.file_path)).names == ["site", "at", "id", "count", "good"]
    assert rewritten.file.null_value_counts == {2: 0, 4: 3, 7: 3}
    assert table.scan().sort("id").collect().equals(before)
    by_pyiceberg = pl.from_arrow(table.load().scan().to_arrow())
    assert isinstance(by_pyiceberg, pl.DataFrame)
    assert by_pyiceberg.sort("id").equals(before)
    again = table.rewrite(NORTH, [rewritten.file])
    assert again.after == rewritten.after


def _without(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    return frame.with_columns(pl.lit(None, frame.schema[name]).alias(name) for name in columns)


def test_a_file_without_rows_takes_no_required_column_away(table: LakeTable) -> None:
    empty = written(table)

    rewritten = table.rewrite(NORTH, [empty])

    assert pq.read_schema(local(rewritten.file.file_path)).names == ["site", "at", "id"]


def _lose_a_row(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.head(frame.height - 1)


def _double_a_row(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame.head(1), frame.head(frame.height - 1)])


def _change_a_value(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(note=pl.when(pl.col("id") == "b").then(pl.lit("other")).otherwise("note"))


def _forget_a_value(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(value=pl.when(pl.col("id") == "a").then(None).otherwise("value"))


def _swap_columns(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(id=pl.col("note"), note=pl.col("id"))


@pytest.mark.parametrize("damage", [_lose_a_row, _double_a_row, _change_a_value, _forget_a_value, _swap_columns])
def test_a_rewrite_that_does_not_hold_its_rows_is_found(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch, damage: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    source = written(table, "a", "b", "c")
    table.append([source], "one")
    sink = LakeTable._sink

    def damaged(self: LakeTable, rows: pl.LazyFrame, *to: Any) -> pl.LazyFrame:
        return sink(self, damage(rows.collect()).lazy(), *to)

    monkeypatch.setattr(LakeTable, "_sink", damaged)
    with pytest.raises(DamagedFilesError, match=r"damaged: site=north/.*/readings-.*\.parquet; 3 rows") as refusal:
        table.rewrite(NORTH, [source])
    assert "note a" not in str(refusal.value)
    assert ids(table) == ["a", "b", "c"]


def test_a_file_that_changed_since_it_was_written_is_named(table: LakeTable) -> None:
    whole, damaged = written(table, "a"), written(table, "b", "c")
    path = local(damaged.file_path)
    _change_a_value(pl.read_parquet(path, hive_partitioning=False)).write_parquet(path)

    with pytest.raises(DamagedFilesError, match=f"damaged: site=north/year=.*/{path.name}; 3 rows "):
        table.rewrite(NORTH, [whole, damaged])
    with pytest.raises(DamagedFilesError, match=f"{path.name}; 2 rows "):
        table.rewrite(NORTH, [damaged], table.read([damaged]).filter(id="b"))


def test_another_writers_files_are_counted_before_they_are_rewritten(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.load().append(readings(NORTH, "a", "b").to_arrow().cast(READINGS.arrow_schema()))
    foreign = [info.file for info in table.files()]
    ours = written(table, "c")

    rewritten = table.rewrite(NORTH, [*foreign, ours])

    assert rewritten.before == rewritten.after == table.rewrite(NORTH, [rewritten.file]).after
    assert table.read([rewritten.file]).collect()["id"].to_list() == ["a", "b", "c"]
    sink = LakeTable._sink
    monkeypatch.setattr(LakeTable, "_sink", lambda self, rows, *to: sink(self, rows.head(2), *to))
    with pytest.raises(DamagedFilesError, match=r"; 3 rows with checksum \w+ became 2 rows "):
        table.rewrite(NORTH, [*foreign, ours])


def test_a_checksum_by_another_hash_says_nothing(table: LakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(table, "a", "b")
    tally = Tally.from_name(table.layout.schema, file.file_path, 2)
    assert tally is not None
    assert (tally.rows, tally.fingerprint) == (2, file.file_path[-33 : -len(".parquet")])

    monkeypatch.setattr(checksum, "_mark", lambda columns: "0" * 8)
    assert Tally.from_name(table.layout.schema, file.file_path, 2) is None
    assert table.rewrite(NORTH, [file]).rows == 2


def test_partition_keys_are_read_back_from_entries(table: LakeTable) -> None:
    for day in (date(2025, 10, 10), date(1969, 12, 31), date(2024, 2, 29)):
        key = PartitionKey("north", day)
        assert PartitionKey.of(written(table, "a", key=key)) == key
    table.append([written(table, "a", at=NOON)], "one")
    assert [f.key for f in table.files()] == [NORTH]
