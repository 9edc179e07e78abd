"""The layout of a table: its live schema beside our description of it, resolved by Iceberg's field ids.

Other engines rename columns, add some, and change the partition spec. Frames always have our names, and after them the
columns that others added. What belongs here: what we can live with, and the one refusal of what we cannot. What does
not: reading and writing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import polars as pl
import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.transforms import DayTransform, IdentityTransform
from pyiceberg.types import IcebergType, NestedField, PrimitiveType, UUIDType

from resources.declined import DeclinedError
from resources.lake.columns import ICEBERG_TYPES, Column, TableSpec
from resources.lake.data_file import PartitionKey

# The table property with the field ids of our columns, by our names: names may change, ids may not.
FIELD_IDS = "clearlift.field-ids"
NEWEST_FORMAT = 2
_EPOCH = date(1970, 1, 1)


class LayoutError(DeclinedError):
    """The table is not as we need it, because another engine changed it, or because `migrate up` has not run yet."""


@dataclass(frozen=True)
class LiveColumn:
    """A column of the table: its name in frames, its field in the table, and whether another engine added it."""

    name: str
    field: NestedField
    added: bool


@dataclass(frozen=True)
class Layout:
    """The columns of a table in the order of frames, our partition spec, and how each spec says a file's partition.

    `names`: what a column is called, by field id, in a data file that has no field ids. `dropped`: whether the table
    has had further columns, which data files may have too.
    """

    spec: TableSpec
    columns: tuple[LiveColumn, ...]
    spec_id: int
    keys: Mapping[int, tuple[int, int]] = field(repr=False)
    names: Mapping[int, list[str]] = field(repr=False)
    dropped: bool = False

    @classmethod
    def of(cls, spec: TableSpec, metadata: TableMetadata) -> "Layout":
        """The layout of a table as it is now.

        Raises:
            LayoutError: it lacks a column of ours or our partition spec, or has a column that we cannot carry.
        """
        live, ids = metadata.schema(), field_ids(spec, metadata)
        title = ".".join(spec.identifier)
        if missing := [column for column in spec.columns if column.name not in ids]:
            raise _lacking(title, missing, former_ids(spec, metadata))
        ours = [LiveColumn(c.name, live.find_field(ids[c.name]), added=False) for c in spec.columns]
        for column, expected in zip(ours, spec.schema().fields, strict=True):
            if column.field.field_type != expected.field_type:
                raise LayoutError(
                    f"{title}: {column.field.name} is {column.field.field_type} now, not {expected.field_type}",
                    "set the table's schema back to the one before with the engine that changed it",
                )
        known = {column.field.field_id for column in ours}
        added = [LiveColumn(_name(f, spec), f, added=True) for f in live.fields if f.field_id not in known]
        if bad := [column.field for column in added if not _is_carried(column.field)]:
            raise LayoutError(
                f"{title} has columns of other engines that cannot be kept in a rewrite: "
                f"{', '.join(f'{f.name} ({_kind(f)})' for f in bad)}",
                "drop them, or put their values into a column of a plain type, with the engine that added them",
            )
        keys = {s.spec_id: key for s in metadata.partition_specs if (key := _key(s, ids, spec)) is not None}
        own = [s.spec_id for s in metadata.partition_specs if s.spec_id in keys and len(s.fields) == len(_KEY)]
        if not own:
            raise LayoutError(
                f"{title} has no partition spec by {spec.tenant} and day of {spec.time} any more",
                f"add it again with an engine: identity({spec.tenant}), day({spec.time})",
            )
        columns = (*ours, *added)
        mapping = metadata.name_mapping()
        names = {f.field_id: list(f.names) for f in mapping.root if f.field_id is not None} if mapping else {}
        by_name = {c.field.field_id: [*dict.fromkeys((c.field.name, c.name))] for c in columns}
        dropped = metadata.last_column_id > len(columns)
        return cls(spec, columns, own[0], keys, {**by_name, **names}, dropped)

    @cached_property
    def arrow(self) -> pa.Schema:
        """The columns with the table's names and field ids, in the order of frames: what a data file has."""
        return schema_to_pyarrow(Schema(*(c.field for c in self.columns)), include_field_ids=True)

    @cached_property
    def by_id(self) -> pa.Schema:
        """The same with the names of frames: what a field id in a data file becomes in a frame."""
        return pa.schema([f.with_name(c.name) for f, c in zip(self.arrow, self.columns, strict=True)])

    @cached_property
    def schema(self) -> pl.Schema:
        """The columns of a frame."""
        return pl.Schema(pl.from_arrow(self.by_id.empty_table()).schema)  # type: ignore[union-attr]

    @cached_property
    def live_names(self) -> Mapping[str, str]:
        """The table's names by the names in frames."""
        return {c.name: c.field.name for c in self.columns}

    @cached_property
    def required(self) -> dict[int, pl.Series | str]:
        """The field ids of our required columns, each with what is wrong where a data file lacks it."""
        ours = {column.name for column in self.spec.columns if column.required}
        return {c.field.field_id: f"required column {c.name} is missing" for c in self.columns if c.name in ours}

    @property
    def time(self) -> NestedField:
        """The time's field."""
        return next(c.field for c in self.columns if c.name == self.spec.time)

    @property
    def tenant(self) -> NestedField:
        """The tenant's field."""
        return next(c.field for c in self.columns if c.name == self.spec.tenant)

    def partition(self, file: DataFile) -> PartitionKey | None:
        """The tenant and day of a data file; None for a file of a partition spec that does not say them."""
        places = self.keys.get(file.spec_id or 0)
        if places is None:
            return None
        tenant, day = (file.partition[place] for place in places)
        if tenant is None or day is None:
            return None
        return PartitionKey(str(tenant), day if isinstance(day, date) else _EPOCH + timedelta(days=int(day)))

    @property
    def carried(self) -> list[str]:
        """What other engines changed and we live with, one sentence each."""
        renamed = [f"{c.name} is {c.field.name} there" for c in self.columns if not c.added and c.name != c.field.name]
        return [*renamed, *(f"{c.field.name} was added ({c.field.field_type})" for c in self.columns if c.added)]


def field_ids(spec: TableSpec, metadata: TableMetadata) -> dict[str, int]:
    """The live field ids of our columns: as recorded, else as in the table's first schema, else by today's name."""
    live = {f.name: f.field_id for f in metadata.schema().fields}
    first = {f.name: f.field_id for f in min(metadata.schemas, key=lambda schema: schema.schema_id).fields}
    found: dict[str, int] = {}
    for known in (json.loads(metadata.properties.get(FIELD_IDS, "{}")), first, live):
        taken = set(found.values())
        found |= {
            column.name: known[column.name]
            for column in spec.columns
            if column.name not in found and column.name in known and known[column.name] in set(live.values()) - taken
        }
    return found


def former_ids(spec: TableSpec, metadata: TableMetadata) -> dict[str, int]:
    """The field ids of our optional columns that another engine dropped. Data files still have the values by them."""
    first = {f.name: f.field_id for f in min(metadata.schemas, key=lambda schema: schema.schema_id).fields}
    known = first | json.loads(metadata.properties.get(FIELD_IDS, "{}"))
    types = {(f.field_id, f.field_type) for schema in metadata.schemas for f in schema.fields}
    here, live = field_ids(spec, metadata), {f.field_id for f in metadata.schema().fields}
    return {
        c.name: known[c.name]
        for c in spec.columns
        if c.name not in here
        and not c.required
        and known.get(c.name) not in {None, *live}
        and all(kind == ICEBERG_TYPES[c.type] for field_id, kind in types if field_id == known[c.name])
    }


def writable(metadata: TableMetadata, title: str) -> None:
    """Check that our commits can be read by all who read the table.

    Raises:
        LayoutError: another engine raised the table's format above the one that pyiceberg writes.
    """
    if metadata.format_version > NEWEST_FORMAT:
        raise LayoutError(
            f"{title} has Iceberg format {metadata.format_version}; it can be read, but format {NEWEST_FORMAT} is the "
            "newest that can be written here",
            f"copy its rows into a table of format {NEWEST_FORMAT}: a format cannot be lowered",
        )


_KEY = (IdentityTransform, DayTransform)


def _key(partition: PartitionSpec, ids: Mapping[str, int], spec: TableSpec) -> tuple[int, int] | None:
    """The places of tenant and day in the partition values of a spec."""
    wanted = list(zip((ids[spec.tenant], ids[spec.time]), _KEY, strict=True))
    places = [
        at
        for source, transform in wanted
        for at, f in enumerate(partition.fields)
        if f.source_id == source and isinstance(f.transform, transform)
    ]
    return (places[0], places[1]) if len(places) == len(wanted) else None


def _is_carried(added: NestedField) -> bool:
    kind: IcebergType = added.field_type
    # A nested value has no line in an archive, and polars has no type for a UUID.
    return isinstance(kind, PrimitiveType) and not isinstance(kind, UUIDType) and not added.required


def _kind(added: NestedField) -> str:
    return f"required {added.field_type}" if added.required else str(added.field_type)


def _name(added: NestedField, spec: TableSpec) -> str:
    """The name in frames of a column that another engine added: one of ours may have had it before."""
    ours = {column.name for column in spec.columns}
    return f"{added.name}#{added.field_id}" if added.name in ours else added.name


def _lacking(title: str, missing: list[Column], former: Mapping[str, int]) -> LayoutError:
    names = ", ".join(column.name for column in missing)
    if any(column.required for column in missing):
        step = "set the table's schema back to one that has them, with the engine that dropped them"
    elif all(column.name in former for column in missing):
        step = "`clearlift migrate up` brings them back with their values"
    else:
        step = "`clearlift migrate up` adds them"
    return LayoutError(f"{title} lacks the columns {names}", step)
