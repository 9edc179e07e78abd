"""The door of the lake: a catalog of Iceberg tables, opened on first use."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Table

from resources.lake.columns import TableSpec
from resources.lake.commit import Lock
from resources.lake.table import LakeTable


class Lake:
    """Tables of one catalog. `open_catalog` is called on first use; `lock` guards every commit, for a moment only.

    `data_root` is the URL below which a table's `folder` lies; without it data files lie below the table's own
    location, which a REST catalog assigns. `storage_options` are polars' for that URL; without them they are made of
    the credentials that the catalog vends with a table.
    """

    def __init__(
        self,
        open_catalog: Callable[[], Catalog],
        lock: Lock,
        data_root: str | None = None,
        storage_options: Mapping[str, str] | None = None,
    ) -> None:
        self._open_catalog = open_catalog
        self._lock = lock
        self._data_root = data_root
        self._storage_options = storage_options

    @cached_property
    def catalog(self) -> Catalog:
        return self._open_catalog()

    def table(self, spec: TableSpec) -> LakeTable:
        """A handle on a table; nothing is opened before the handle is used."""
        return LakeTable(spec, lambda: self.catalog.load_table(spec.identifier), self._lock, self._storage_options)

    def ensure(self, spec: TableSpec) -> LakeTable:
        """Create the namespace and the table where they are missing."""
        with suppress(NamespaceAlreadyExistsError):
            self.catalog.create_namespace(spec.namespace)
        with suppress(TableAlreadyExistsError):
            properties = spec.properties()
            if self._data_root is not None:
                properties["write.data.path"] = f"{self._data_root.rstrip('/')}/{spec.folder}"
            self.catalog.create_table(
                spec.identifier, spec.schema(), partition_spec=spec.partition_spec(), properties=properties
            )
        return self.table(spec)

    def exists(self, spec: TableSpec) -> bool:
        try:
            self._table(spec)
        except NoSuchTableError:
            return False
        return True

    def _table(self, spec: TableSpec) -> Table:
        return self.catalog.load_table(spec.identifier)
