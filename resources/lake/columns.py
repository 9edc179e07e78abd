"""The plain description of a lake table, and what Iceberg makes of it: schema, partition spec, properties.

Knows column kinds only. Field ids follow the order of the columns, so a description may grow at its end.
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


class Kind(StrEnum):
    """What a column holds."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"


_ICEBERG: dict[Kind, PrimitiveType] = {
    Kind.STRING: StringType(),
    Kind.INTEGER: LongType(),
    Kind.NUMBER: DoubleType(),
    Kind.BOOLEAN: BooleanType(),
    Kind.TIMESTAMP: TimestamptzType(),
}


@dataclass(frozen=True)
class Column:
    """One column: its name, kind, whether a value must be there, and its meaning."""

    name: str
    kind: Kind
    required: bool
    doc: str = ""


@dataclass(frozen=True)
class TableSpec:
    """One table: `namespace.name`, columns, partitioned by the identity of `tenant` and the UTC day of `time`.

    `folder` is where its data files lie below the warehouse, e.g. `data/events`.
    """

    namespace: str
    name: str
    columns: Sequence[Column]
    tenant: str
    time: str
    folder: str

    @property
    def identifier(self) -> tuple[str, str]:
        return (self.namespace, self.name)

    def schema(self) -> Schema:
        return Schema(
            *(
                NestedField(i, c.name, _ICEBERG[c.kind], required=c.required, doc=c.doc or None)
                for i, c in enumerate(self.columns, start=1)
            )
        )

    def partition_spec(self) -> PartitionSpec:
        ids = {c.name: i for i, c in enumerate(self.columns, start=1)}
        return PartitionSpec(
            PartitionField(ids[self.tenant], 1000, IdentityTransform(), self.tenant),
            PartitionField(ids[self.time], 1001, DayTransform(), f"{self.time}_day"),
        )

    def arrow_schema(self) -> pa.Schema:
        """Arrow's form with Iceberg's field ids, which every data file must carry."""
        return schema_to_pyarrow(self.schema(), include_field_ids=True)

    def properties(self) -> dict[str, str]:
        return {
            "format-version": "2",
            "write.parquet.compression-codec": "snappy",
            # Manifests hold the first 16 characters of each column's bounds, of user ids and addresses too. The time
            # bounds are all that planning uses beside the partition, so nothing else is recorded.
            "write.metadata.metrics.default": "none",
            f"write.metadata.metrics.column.{self.time}": "full",
            # The loops of resources.lake.commit look at the table before they try again; the built-in retries do not.
            "commit.retry.num-retries": "0",
            "write.metadata.delete-after-commit.enabled": "true",
            "write.metadata.previous-versions-max": "20",
        }
