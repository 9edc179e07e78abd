"""The lake: a catalog of Iceberg tables, opened at the first use. One class for every catalog and object store."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError

from resources.lake.columns import TableSpec
from resources.lake.commit import Lock
from resources.lake.table import LakeTable


class Lake:
    """The tables of one catalog. `open_catalog` is called at the first use; `lock` is held for each commit, briefly.

    `data_root` is the URL above a table's `folder`; without it, data files go below the table's own location, which a
    REST catalog chooses. `storage_options` are polars' for that URL; without them, they are made of the credentials
    that the catalog vends with a table.
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
        """pyiceberg's catalog."""
        return self._open_catalog()

    def table(self, spec: TableSpec) -> LakeTable:
        """A handle of a table; nothing is opened before it is used."""
        return LakeTable(spec, lambda: self.catalog.load_table(spec.identifier), self._lock, self._storage_options)

    def ensure(self, spec: TableSpec) -> LakeTable:
        """Create the namespace and the table if they are missing."""
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
        """Whether the table is in the catalog."""
        try:
            self.catalog.load_table(spec.identifier)
        except NoSuchTableError:
            return False
        return True
