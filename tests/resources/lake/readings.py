"""A small table for the tests of the lake: readings of sites, partitioned by site and day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from resources.lake import Column, ColumnType, DataFile, LakeTable, PartitionKey, TableSpec

DAY = date(2025, 10, 10)
NOON = datetime(2025, 10, 10, 12, tzinfo=UTC)
NORTH = PartitionKey("north", DAY)
SOUTH = PartitionKey("south", DAY)
READINGS = TableSpec(
    namespace="plant",
    name="readings",
    columns=(
        Column("site", ColumnType.STRING, required=True, doc="Where"),
        Column("at", ColumnType.TIMESTAMP, required=True, doc="When"),
        Column("id", ColumnType.STRING, required=True),
        Column("value", ColumnType.NUMBER, required=False),
        Column("count", ColumnType.INTEGER, required=False),
        Column("good", ColumnType.BOOLEAN, required=False),
        Column("note", ColumnType.STRING, required=False),
    ),
    tenant="site",
    time="at",
    id="id",
    folder="data/readings",
)
SCHEMA = pl.Schema(
    {
        "site": pl.String(),
        "at": pl.Datetime("us", "UTC"),
        "id": pl.String(),
        "value": pl.Float64(),
        "count": pl.Int64(),
        "good": pl.Boolean(),
        "note": pl.String(),
    }
)


def readings(key: PartitionKey, *ids: str, at: datetime | None = None) -> pl.DataFrame:
    """Rows of one partition, one each second from `at` on (by default, from noon of the day)."""
    start = at or NOON.replace(year=key.day.year, month=key.day.month, day=key.day.day)
    return pl.DataFrame(
        [
            (key.tenant, start + timedelta(seconds=i), name, i / 2, i, i % 2 == 0, f"note {name}")
            for i, name in enumerate(ids)
        ],
        schema=SCHEMA,
        orient="row",
    )


def written(table: LakeTable, *ids: str, key: PartitionKey = NORTH, at: datetime | None = None) -> DataFile:
    """One data file that no commit names yet."""
    return table.write([(key, readings(key, *ids, at=at))])[0]


def ids(table: LakeTable) -> list[str]:
    """The ids of all live rows, sorted."""
    return sorted(table.scan().select("id").collect()["id"])


def state(table: LakeTable) -> tuple[Any, ...]:
    """The state that a refused commit must not change."""
    return (table.head(), sorted(f.path for f in table.files()), ids(table))
