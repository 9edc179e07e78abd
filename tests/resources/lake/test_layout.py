"""What other engines change in a table: carried by field id, or one clear refusal."""

from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform, MonthTransform, Transform
from pyiceberg.types import (
    BinaryType,
    DateType,
    DecimalType,
    FixedType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    StringType,
    TimestampType,
    TimeType,
    UUIDType,
)

from resources.lake import Column, ColumnType, DamagedFilesError, ForeignPartitionError, Lake, LakeTable, LayoutError
from resources.lake.layout import FIELD_IDS, writable
from tests.resources.lake.foreign import add_column, append, drop_column, partition_by, rename_column
from tests.resources.lake.readings import NORTH, READINGS, SOUTH, ids, readings, written

OTHERS: list[tuple[IcebergType, Any]] = [
    (StringType(), "keep me"),
    (IntegerType(), -3),
    (FloatType(), 0.5),
    (DecimalType(10, 2), Decimal("1.20")),
    (DateType(), date(2026, 2, 3)),
    (TimeType(), time(1, 2, 3, 4)),
    (TimestampType(), datetime(2026, 2, 3, 4, 5, 6, 7)),  # noqa: DTZ001 (a time without a zone is the point)
    (BinaryType(), b"\x00\xff"),
    (FixedType(2), b"ab"),
]


def values(table: LakeTable, name: str) -> dict[str, Any]:
    """A column of the live rows by id."""
    return dict(table.scan().select("id", name).collect().iter_rows())


@pytest.mark.parametrize(("kind", "value"), OTHERS, ids=lambda given: str(given))
def test_a_column_that_another_engine_added_keeps_its_values(table: LakeTable, kind: IcebergType, value: Any) -> None:
    table.append([written(table, "a")], "one")
    add_column(table, "more", kind)
    theirs = readings(NORTH, "b").to_arrow().append_column("more", [[value]])
    table.load().append(theirs.cast(table.load().schema().as_arrow().remove_metadata()))
    table.append([written(table, "c")], "two")

    assert values(table, "more") == {"a": None, "b": value, "c": None}
    files = table.files()
    rewritten = table.rewrite(NORTH, files)
    assert rewritten.before == rewritten.after
    table.replace(files, [rewritten.file], "three")

    assert values(table, "more") == {"a": None, "b": value, "c": None}
    by_pyiceberg = table.load().scan().to_arrow()
    assert dict(zip(*(by_pyiceberg[n].to_pylist() for n in ("id", "more")), strict=True))["b"] == value
    again = table.rewrite(NORTH, table.files())
    assert again.after == rewritten.after


def test_files_from_before_a_column_was_added_are_still_proved(table: LakeTable) -> None:
    whole, damaged = written(table, "a"), written(table, "b", "c")
    add_column(table, "more", StringType())
    assert table.rewrite(NORTH, [whole, damaged]).rows == 3
    path = Path(damaged.file_path.removeprefix("file://"))
    pl.read_parquet(path, hive_partitioning=False).with_columns(note=pl.lit("other")).write_parquet(path)

    with pytest.raises(DamagedFilesError, match=f"damaged: site=north/.*{path.name}; 3 rows"):
        table.rewrite(NORTH, [whole, damaged])


def test_a_renamed_column_is_read_by_its_field_id(table: LakeTable) -> None:
    table.append([written(table, "a", "b", "c")], "one")
    rename_column(table, "value", "amount")
    append(table, readings(NORTH, "d", "e", "f", "g").rename({"value": "amount"}))
    ours = written(table, "h", "i")
    table.append([ours], "two")

    assert table.scan().select(pl.col("value").sum()).collect().item() == 1.5 + 3.0 + 0.5
    assert pq.read_schema(ours.file_path.removeprefix("file://")).names[3] == "amount"
    files = table.files()
    table.replace(files, [table.rewrite(NORTH, files).file], "three")
    assert table.scan().select(pl.col("value").sum()).collect().item() == 5.0
    assert table.load().scan().to_arrow()["amount"].to_pylist() == values_in_order(table, "value")
    assert table.layout.carried == ["value is amount there"]


def values_in_order(table: LakeTable, name: str) -> list[Any]:
    return table.scan().select(name).collect()[name].to_list()


def test_the_time_and_the_tenant_may_be_renamed_too(table: LakeTable) -> None:
    table.append([written(table, "a"), written(table, "s", key=SOUTH)], "one")
    rename_column(table, "at", "when")
    rename_column(table, "site", "where")
    table.append([written(table, "b")], "two")

    noon = readings(NORTH, "x")["at"][0]
    assert sorted(table.scan(since=noon, tenants=["north"]).select("id").collect()["id"]) == ["a", "b"]
    assert [(f.key, f.lowest) for f in table.files(until=noon)] == []
    assert {f.lowest for f in table.files(tenants=["north"])} == {noon}


def test_a_column_that_came_back_under_its_old_name_has_none_of_the_old_values(lake: Lake, table: LakeTable) -> None:
    table.append([written(table, "a")], "one")
    drop_column(table, "note")
    add_column(table, "note", StringType())
    append(table, readings(NORTH, "b"))
    table.append([written(table, "c")], "two")

    assert values(table, "note") == {"a": None, "b": "note b", "c": "note c"}
    assert lake.complete(READINGS) == []
    assert values(table, "note") == {"a": None, "b": "note b", "c": "note c"}


def test_two_columns_that_swap_their_names_stay_what_they_are(table: LakeTable) -> None:
    table.append([written(table, "a", "b")], "one")
    for name, new in (("id", "x"), ("note", "id"), ("x", "note")):
        rename_column(table, name, new)
    table.append([written(table, "c")], "two")

    assert values(table, "note") == {"a": "note a", "b": "note b", "c": "note c"}


def test_a_name_of_ours_that_another_column_has_by_now_is_told_apart(table: LakeTable) -> None:
    table.append([written(table, "a")], "one")
    rename_column(table, "note", "remark")
    add_column(table, "note", IntegerType())
    theirs = readings(NORTH, "b").rename({"note": "remark"}).with_columns(note=pl.lit(7, pl.Int32))
    append(table, theirs)

    (added,) = [column.name for column in table.layout.columns if column.added]
    assert values(table, "note") == {"a": "note a", "b": "note b"}
    assert values(table, added) == {"a": None, "b": 7}
    files = table.files()
    table.replace(files, [table.rewrite(NORTH, files).file], "two")
    assert values(table, added) == {"a": None, "b": 7}


def test_an_optional_column_that_was_dropped_is_refused_until_it_comes_back_with_its_values(
    lake: Lake, table: LakeTable
) -> None:
    table.append([written(table, "a")], "one")
    before = table.layout
    drop_column(table, "note")
    append(table, readings(NORTH, "theirs").drop("note"))

    for refused in (table.files, table.scan, lambda: written(table, "b"), table.examined):
        with pytest.raises(LayoutError, match=r"columns note. Next: `clearlift migrate up` brings them back with"):
            refused()
    assert lake.complete(READINGS) == ["note"]
    assert lake.complete(READINGS) == []

    assert table.layout.columns == before.columns
    table.append([written(table, "b")], "two")
    assert values(table, "note") == {"a": "note a", "theirs": None, "b": "note b"}
    assert [table.is_whole(info.file) for info in table.files()] == [True] * 3
    by_pyiceberg = table.load().scan().to_arrow()
    assert dict(zip(*(by_pyiceberg[n].to_pylist() for n in ("id", "note")), strict=True))["a"] == "note a"


def test_a_column_comes_back_also_where_no_schema_or_property_names_it_but_the_first(
    lake: Lake, table: LakeTable
) -> None:
    table.append([written(table, "a")], "one")
    drop_column(table, "note")
    with table.load().transaction() as transaction:
        transaction.remove_properties(FIELD_IDS)

    lake.complete(READINGS)

    assert values(table, "note") == {"a": "note a"}


def test_files_with_values_of_a_column_that_has_another_id_now_are_known_by_their_number_of_rows(
    lake: Lake, table: LakeTable
) -> None:
    old, without = written(table, "a", "b"), table.write([(NORTH, readings(NORTH, "c").with_columns(note=None))])[0]
    table.append([old, without], "one")
    drop_column(table, "note")
    add_column(table, "note", StringType())
    table.append([written(table, "d")], "two")

    assert [table.is_whole(info.file) for info in table.files()] == [True] * 3
    assert {info.path: table.by_checksum(info.file) for info in table.files()}[old.file_path] is False
    assert table.by_checksum(without)
    files = table.files()
    merged = table.rewrite(NORTH, files)
    table.replace(files, [merged.file], "three")
    assert values(table, "note") == {"a": None, "b": None, "c": None, "d": "note d"}
    assert table.by_checksum(merged.file)
    path = Path(old.file_path.removeprefix("file://"))
    pq.write_table(pq.read_table(path, partitioning=None).slice(0, 1), path)
    assert not table.is_whole(old)
    path.unlink()
    assert not table.is_whole(old)


def test_a_required_column_that_was_dropped_is_refused(lake: Lake, table: LakeTable) -> None:
    drop_column(table, "id")

    with pytest.raises(LayoutError, match=r"lacks the columns id. Next: set the table's schema back"):
        table.files()
    with pytest.raises(LayoutError, match="lacks the columns id"):
        lake.complete(READINGS)


@pytest.mark.parametrize("kind", [ListType(100, StringType(), element_required=False), UUIDType()])
def test_a_column_that_no_rewrite_could_keep_is_refused_by_name(table: LakeTable, kind: IcebergType) -> None:
    add_column(table, "tags", kind)

    with pytest.raises(LayoutError, match=r"plant.readings has columns of other engines .* tags \("):
        table.files()


def test_a_further_column_of_ours_is_added_once_with_an_id_of_its_own(lake: Lake, table: LakeTable) -> None:
    table.append([written(table, "a")], "one")
    add_column(table, "theirs", StringType())
    wider = replace(READINGS, columns=(*READINGS.columns, Column("unit", ColumnType.STRING, required=False)))

    with pytest.raises(LayoutError, match=r"lacks the columns unit. Next: `clearlift migrate up` adds them"):
        lake.table(wider).files()
    assert lake.complete(wider) == ["unit"]
    assert lake.complete(wider) == []

    grown = lake.table(wider)
    rows = readings(NORTH, "b").with_columns(unit=pl.lit("mm"))
    grown.append(grown.write([(NORTH, rows)]), "two")
    assert values(grown, "unit") == {"a": None, "b": "mm"}
    assert grown.layout.columns[7].field.field_id == 9
    assert grown.layout.schema.names()[-2:] == ["unit", "theirs"]
    rename_column(grown, "unit", "theirs_too")
    assert values(grown, "unit") == {"a": None, "b": "mm"}


def test_a_table_from_before_its_ids_were_recorded_takes_them_from_its_first_schema(lake: Lake) -> None:
    table = lake.ensure(READINGS)
    with table.load().transaction() as transaction:
        transaction.remove_properties(FIELD_IDS)
    table.append([written(table, "a")], "one")
    rename_column(table, "note", "remark")

    assert values(table, "note") == {"a": "note a"}
    lake.complete(READINGS)
    assert FIELD_IDS in table.load().metadata.properties


SPECS: dict[str, tuple[tuple[str, Transform[Any, Any], str], ...]] = {
    "one more field": (
        ("site", IdentityTransform(), "site"),
        ("id", BucketTransform(2), "id_bucket"),
        ("at", DayTransform(), "at_day"),
    ),
    "in another order": (("at", DayTransform(), "at_day"), ("site", IdentityTransform(), "site")),
    "by month": (("at", MonthTransform(), "at_month"),),
    "none": (),
}


@pytest.mark.parametrize("spec", SPECS)
def test_a_changed_partition_spec_is_theirs_and_not_ours(table: LakeTable, spec: str) -> None:
    table.append([written(table, "a")], "one")
    partition_by(table, *SPECS[spec])
    append(table, pl.concat([readings(NORTH, "b"), readings(SOUTH, "s")]))
    table.append([written(table, "c")], "two")

    assert ids(table) == ["a", "b", "c", "s"]
    assert sorted(table.scan(tenants=["north"]).select("id").collect()["id"]) == ["a", "b", "c"]
    ours = [info for info in table.files() if table.wrote(info.file)]
    assert {(info.file.spec_id, info.key) for info in ours} == {(0, NORTH)}
    theirs = [info for info in table.files() if not table.wrote(info.file)]
    if spec in ("by month", "none"):
        with pytest.raises(ForeignPartitionError, match="`clearlift compact` writes its rows under ours"):
            _ = theirs[0].key
    else:
        assert {info.key for info in theirs} == {NORTH, SOUTH}
        rewritten = table.rewrite(NORTH, [*ours, *(info for info in theirs if info.key == NORTH)])
        table.replace([*ours, *(info for info in theirs if info.key == NORTH)], [rewritten.file], "three")
        assert ids(table) == ["a", "b", "c", "s"]
    assert table.examined() == ["the partition spec of their own writes"]


def test_settings_of_other_engines_change_neither_retries_nor_bounds(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    with table.load().transaction() as transaction:
        transaction.set_properties(
            {
                "commit.retry.num-retries": "4",
                "write.metadata.metrics.default": "full",
                "write.metadata.metrics.column.id": "full",
            }
        )
    file = written(table, "secret-id")
    tries = []

    def lose(self: Table, *_: Any, **__: Any) -> None:
        tries.append(self)
        raise CommitFailedException("lost")

    with monkeypatch.context() as patched:
        patched.setattr(Table, "_do_commit", lose)
        patched.setattr("resources.lake.commit.ATTEMPTS", 1)
        with pytest.raises(CommitFailedException):
            table.append([file], "one")
    assert len(tries) == 1
    assert set(file.lower_bounds or {}) == {2}


def test_a_newer_format_is_read_and_never_written(table: LakeTable) -> None:
    newer = table.load().metadata.model_copy(update={"format_version": 3})

    with pytest.raises(LayoutError, match=r"plant.readings has Iceberg format 3; it can be read"):
        writable(newer, "plant.readings")
