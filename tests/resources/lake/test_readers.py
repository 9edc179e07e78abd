"""Other engines read the table as we do: as it is after our rewrites, and as others left it."""

from collections.abc import Callable

import polars as pl
import pytest
from pyiceberg.transforms import BucketTransform, DayTransform
from pyiceberg.types import StringType

from resources.lake import LakeTable
from tests.resources.lake.engines import READERS
from tests.resources.lake.foreign import add_column, append, drop_column, partition_by, rename_column
from tests.resources.lake.readings import NORTH, SOUTH, readings, written
from tests.resources.lake.row_deletes import delete_equal, delete_positions

pytestmark = pytest.mark.filterwarnings("ignore:Iceberg scan planning:polars.exceptions.PerformanceWarning")


def compacted(table: LakeTable) -> None:
    """Small files of two partitions, merged."""
    for number in range(3):
        table.append([written(table, f"a{number}", f"b{number}"), written(table, f"s{number}", key=SOUTH)], str(number))
    merge(table)


def merge(table: LakeTable) -> None:
    for key in (NORTH, SOUTH):
        files = [info for info in table.files() if info.key == key]
        table.replace(files, [table.rewrite(key, files).file], f"merge {key} {table.head()}")


def renamed(table: LakeTable) -> None:
    compacted(table)
    rename_column(table, "value", "amount")
    add_column(table, "more", StringType())
    append(table, readings(NORTH, "c").rename({"value": "amount"}).with_columns(more=pl.lit("keep me")))
    table.append([written(table, "d")], "more")
    merge(table)


def came_back(table: LakeTable) -> None:
    compacted(table)
    drop_column(table, "value")
    with table.load().update_schema() as update:
        update.add_column("value", table.spec.schema().find_field("value").field_type)
    table.append([written(table, "c")], "more")


def changed_spec(table: LakeTable) -> None:
    compacted(table)
    partition_by(table, ("site", BucketTransform(2), "bucket"), ("at", DayTransform(), "day"))
    append(table, pl.concat([readings(NORTH, "c"), readings(SOUTH, "d")]))
    table.append([written(table, "e")], "more")


def position_deletes(table: LakeTable) -> None:
    compacted(table)
    (north,) = [info.file for info in table.files() if info.key == NORTH]
    delete_positions(table, {north: [0, 3]})


def equality_deletes(table: LakeTable) -> None:
    compacted(table)
    (north,) = [info.file for info in table.files() if info.key == NORTH]
    delete_equal(table, north, pl.DataFrame({"id": ["a1", "b2"]}))


STATES: list[Callable[[LakeTable], None]] = [compacted, renamed, came_back, changed_spec, position_deletes]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@pytest.mark.parametrize("reader", READERS)
def test_the_table_is_read_as_we_read_it(table: LakeTable, reader: str, state: Callable[[LakeTable], None]) -> None:
    state(table)
    assert_read_alike(table, reader)


@pytest.mark.parametrize("reader", ["DuckDB", "chDB"])
def test_equality_deletes_are_applied_as_we_do(table: LakeTable, reader: str) -> None:
    equality_deletes(table)
    assert_read_alike(table, reader)


@pytest.mark.parametrize("reader", ["PyIceberg", "polars"])
def test_equality_deletes_are_refused_rather_than_ignored(table: LakeTable, reader: str) -> None:
    equality_deletes(table)
    with pytest.raises(Exception, match="equality deletes"):
        READERS[reader](table.load().metadata_location, ["id"])


def assert_read_alike(table: LakeTable, reader: str) -> None:
    layout = table.layout
    names = [name for name in ("site", "id", "value", "note", "more") if name in layout.schema]
    ours = table.scan().select(names).collect()
    found = READERS[reader](table.load().metadata_location, [layout.live_names[name] for name in names])
    assert sorted(found, key=str) == sorted(ours.iter_rows(), key=str)
