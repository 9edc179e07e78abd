"""The lake: a catalog of Iceberg tables, opened at the first use. One class for every catalog and object store."""

import json
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Transaction
from pyiceberg.table.update.schema import TABLE_ROOT_ID
from pyiceberg.types import IcebergType, NestedField

from resources.lake.columns import ICEBERG_TYPES, TableSpec
from resources.lake.commit import Lock, land
from resources.lake.layout import FIELD_IDS, field_ids, former_ids
from resources.lake.managed import ManagedCatalog
from resources.lake.table import LakeTable


class Lake:
    """The tables of one catalog. `open_catalog` is called at the first use; `lock` is held for each commit, briefly.

    `data_root` is the URL above a table's `folder`; without it, data files go below the table's own location, which a
    REST catalog chooses. `storage_options` are polars' for that URL; without them, they are made of the credentials
    that the catalog vends with a table. `managed` is what the catalog does by itself, where it is Cloudflare's.
    """

    def __init__(
        self,
        open_catalog: Callable[[], Catalog],
        lock: Lock,
        data_root: str | None = None,
        storage_options: Mapping[str, str] | None = None,
        managed: ManagedCatalog | None = None,
    ) -> None:
        self.managed = managed
        self._open_catalog = open_catalog
        self._lock = lock
        self._data_root = data_root
        self._storage_options = storage_options

    @cached_property
    def catalog(self) -> Catalog:
        """pyiceberg's catalog."""
        return self._open_catalog()

    @property
    def lock(self) -> Lock:
        """The lock of every commit."""
        return self._lock

    def table(self, spec: TableSpec) -> LakeTable:
        """A handle of a table; nothing is opened before it is used."""
        return LakeTable(spec, lambda: self.catalog.load_table(spec.identifier), self._lock, self._storage_options)

    def ensure(self, spec: TableSpec) -> LakeTable:
        """Create the namespace and the table if they are missing."""
        with suppress(NamespaceAlreadyExistsError):
            self.catalog.create_namespace(spec.namespace)
        with suppress(TableAlreadyExistsError):
            ids = {column.name: place for place, column in enumerate(spec.columns, start=1)}
            properties = {**spec.properties(), FIELD_IDS: json.dumps(ids)}
            if self._data_root is not None:
                properties["write.data.path"] = f"{self._data_root.rstrip('/')}/{spec.folder}"
            self.catalog.create_table(
                spec.identifier, spec.schema(), partition_spec=spec.partition_spec(), properties=properties
            )
        return self.table(spec)

    def complete(self, spec: TableSpec) -> list[str]:
        """Add our optional columns that the table lacks, and record the field ids of ours; the names of the added ones.

        A column that another engine dropped comes back under its field id, and so with the values in data files.

        Raises:
            LayoutError: the table lacks a required column, or cannot be completed for another reason.
        """
        added: list[str] = []

        def build(transaction: Transaction) -> None:
            added.clear()
            known = field_ids(spec, transaction.table_metadata)
            lacking = [c for c in spec.columns if c.name not in known and not c.required]
            if lacking:
                former = former_ids(spec, transaction.table_metadata)
                with transaction.update_schema() as update:
                    for column in lacking:
                        kind, doc = ICEBERG_TYPES[column.type], column.doc or None
                        if column.name in former:
                            # `add_column` would take a new id, by which no data file has the values.
                            again = NestedField(former[column.name], column.name, kind, required=False, doc=doc)
                            update._adds.setdefault(TABLE_ROOT_ID, []).append(again)
                        else:
                            update.add_column(column.name, kind, doc=doc)
                added.extend(column.name for column in lacking)
            recorded = json.dumps(field_ids(spec, transaction.table_metadata))
            if recorded != transaction.table_metadata.properties.get(FIELD_IDS):
                transaction.set_properties({FIELD_IDS: recorded})

        land(lambda: self.catalog.load_table(spec.identifier), self._lock, build, str(uuid.uuid4()))
        _ = self.table(spec).layout
        return added

    def changed_properties(self, spec: TableSpec) -> dict[str, str]:
        """Our properties that the table lacks or that another engine changed, as they should be."""
        found = self.catalog.load_table(spec.identifier).metadata.properties
        # The format is no property of a table that is there.
        ours = {name: value for name, value in spec.properties().items() if name != "format-version"}
        return {name: value for name, value in ours.items() if found.get(name) != value}

    def restore_properties(self, spec: TableSpec) -> list[str]:
        """Set our properties again where they were changed; their names."""
        changed = self.changed_properties(spec)

        def build(transaction: Transaction) -> None:
            transaction.set_properties(changed)

        if changed:
            land(lambda: self.catalog.load_table(spec.identifier), self._lock, build, str(uuid.uuid4()))
        return sorted(changed)

    def add(self, spec: TableSpec, columns: Mapping[str, str]) -> LakeTable:
        """Add columns that are not ours, by their names and Iceberg types."""

        def build(transaction: Transaction) -> None:
            known = {field.name for field in transaction.table_metadata.schema().fields}
            with transaction.update_schema() as update:
                for name, kind in columns.items():
                    if name not in known:
                        update.add_column(name, _type(kind))

        land(lambda: self.catalog.load_table(spec.identifier), self._lock, build, str(uuid.uuid4()))
        return self.table(spec)

    def exists(self, spec: TableSpec) -> bool:
        """Whether the table is in the catalog."""
        try:
            self.catalog.load_table(spec.identifier)
        except NoSuchTableError:
            return False
        return True


def _type(text: str) -> IcebergType:
    return NestedField.model_validate({"id": 1, "name": "of", "type": text, "required": False}).field_type
