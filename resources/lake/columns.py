"""The plain description of a lake table, and its form in Iceberg: schema, partition spec, properties.

What does not belong here: any one table, and how a table differs from its description by now (layout.py). New columns
go to the end, because a new table takes its field ids from the order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform, IdentityTransform
from pyiceberg.types import (
    BooleanType,
    DoubleType,
    LongType,
    NestedField,
    PrimitiveType,
    StringType,
    TimestamptzType,
)

from resources.lake.data_file import metrics


class ColumnType(StrEnum):
    """The type of a column's values."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"


ICEBERG_TYPES: dict[ColumnType, PrimitiveType] = {
    ColumnType.STRING: StringType(),
    ColumnType.INTEGER: LongType(),
    ColumnType.NUMBER: DoubleType(),
    ColumnType.BOOLEAN: BooleanType(),
    ColumnType.TIMESTAMP: TimestamptzType(),
}


@dataclass(frozen=True)
class Column:
    """One column: its name, its type, whether each row must have a value, and its meaning."""

    name: str
    type: ColumnType
    required: bool
    doc: str = ""


@dataclass(frozen=True)
class TableSpec:
    """One table: `namespace.name`, columns, partitioned by the identity of `tenant` and the UTC day of `time`.

    `id`: the column whose values no two rows of a tenant and day share. `folder`: the place of its data files below the
    warehouse, e.g. `data/events`.
    """

    namespace: str
    name: str
    columns: Sequence[Column]
    tenant: str
    time: str
    id: str
    folder: str

    @property
    def identifier(self) -> tuple[str, str]:
        """Namespace and name, as pyiceberg takes them."""
        return (self.namespace, self.name)

    def schema(self) -> Schema:
        """Iceberg's schema."""
        return Schema(
            *(
                NestedField(i, c.name, ICEBERG_TYPES[c.type], required=c.required, doc=c.doc or None)
                for i, c in enumerate(self.columns, start=1)
            )
        )

    def partition_spec(self) -> PartitionSpec:
        """Iceberg's partition spec."""
        ids = {c.name: i for i, c in enumerate(self.columns, start=1)}
        return PartitionSpec(
            PartitionField(ids[self.tenant], 1000, IdentityTransform(), self.tenant),
            PartitionField(ids[self.time], 1001, DayTransform(), f"{self.time}_day"),
        )

    def arrow_schema(self) -> pa.Schema:
        """The schema in Arrow's form, with Iceberg's field ids, which every data file must have."""
        return schema_to_pyarrow(self.schema(), include_field_ids=True)

    def properties(self) -> dict[str, str]:
        """Iceberg's table properties."""
        return {
            "format-version": "2",
            "write.parquet.compression-codec": "snappy",
            **metrics(self.time),
            # resources.lake.commit looks at the table before it tries again; pyiceberg's own retries do not.
            "commit.retry.num-retries": "0",
            "write.metadata.delete-after-commit.enabled": "true",
            "write.metadata.previous-versions-max": "20",
        }
