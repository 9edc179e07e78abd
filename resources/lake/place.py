"""A place that tables are brought to from elsewhere: a catalog, and where files go.

What belongs here: putting files there, and making tables of them. What does not: where the files come from.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.io import FileIO, load_file_io
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table import Table
from pyiceberg.typedef import Identifier

from resources.filling import filling
from resources.lake.commit import Lock
from resources.lake.lake import Lake
from resources.lake.relocate import Moved, relocate

CATALOG = "catalog.sqlite"


@dataclass(frozen=True)
class LakePlace:
    """A catalog and the files beside it.

    root: the URL that files go below. home: files that lay below `root` before go to the very place that they had.
    properties: pyiceberg's for the store of the files; they may hold a secret. lock: held while a table takes the place
    of another one.
    """

    catalog: Catalog
    root: str
    home: bool = False
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)
    lock: Lock = nullcontext

    @classmethod
    @contextmanager
    def in_folder(cls, folder: Path) -> Iterator[Self]:
        """A place of its own in a folder: a catalog in SQLite, and the files beside it. Where the block fails, an empty
        folder is empty again.
        """
        folder.mkdir(parents=True, exist_ok=True)
        root = f"file://{folder.resolve()}"
        with filling(folder), _in_sqlite(folder.resolve() / CATALOG, {"warehouse": root}) as catalog:
            yield cls(catalog, root)

    @property
    def lake(self) -> Lake:
        """The tables of the place."""
        return Lake(lambda: self.catalog, self.lock, self.root)

    @cached_property
    def io(self) -> FileIO:
        """The files of the place."""
        return load_file_io(dict(self.properties), self.root)

    def moved(self, common: str) -> Moved:
        """Where each location goes. `common` is the folder that all files of the tables lie below."""
        stays = self.home and _is_below(common, self.root)

        def moved(location: str) -> str:
            return f"{self.root}{location[len(common) :]}" if _is_below(location, common) and not stays else location

        return moved

    def put(self, location: str, content: Callable[[], Iterable[bytes]]) -> bool:
        """Write a file; False, and nothing done, where it has this content already.

        Readers of files that never change see no difference. `content` is called once more where there is one.
        """
        if self._holds(location, content()):
            return False
        with self.io.new_output(location).create(overwrite=True) as stream:
            for chunk in content():
                stream.write(chunk)
        return True

    @contextmanager
    def staged(self) -> Iterator[Lake]:
        """A catalog that nobody else sees, over the files of the place: for work on a table before it is registered."""
        with (
            tempfile.TemporaryDirectory(prefix="clearlift-staged-") as folder,
            _in_sqlite(Path(folder) / CATALOG, {"warehouse": f"file://{folder}", **self.properties}) as catalog,
        ):
            yield Lake(lambda: catalog, nullcontext)

    def stage(self, staged: Lake, identifier: Identifier, metadata_location: str, common: str) -> None:
        """Make a table of files that were put, in a staged catalog. `metadata_location` is the one before the move.

        Its next commits have numbers above those of the table whose place it takes: who follows a table compares them.
        """
        moved = self.moved(common)
        if moved(metadata_location) != metadata_location:
            relocate(self.io, moved(metadata_location), moved)
        table = _register(staged.catalog, identifier, moved(metadata_location))
        there = self._loaded(identifier)
        number = there.metadata.next_sequence_number() - 1 if there is not None else 0
        if table.metadata.format_version > 1 and table.metadata.next_sequence_number() <= number:
            numbers = {"last_sequence_number": number}
            location = table.location_provider().new_table_metadata_file_location()
            ToOutputFile.table_metadata(table.metadata.model_copy(update=numbers), self.io.new_output(location))
            staged.catalog.drop_table(identifier)
            _register(staged.catalog, identifier, location)

    def register(self, identifier: Identifier, metadata_location: str) -> Table:
        """Make a table of metadata that lies at this place, and of all that it names.

        A table of this name that has another state goes out of the catalog; its files stay.
        """
        with self.lock():
            if (there := self._loaded(identifier)) is not None:
                if there.metadata_location == metadata_location:
                    return there
                self.catalog.drop_table(identifier)
            return _register(self.catalog, identifier, metadata_location)

    def tables(self, wanted: Sequence[Identifier]) -> list[Identifier]:
        """Those of some tables that are there."""
        return [identifier for identifier in wanted if self._loaded(identifier) is not None]

    def _loaded(self, identifier: Identifier) -> Table | None:
        with suppress(NoSuchTableError):
            return self.catalog.load_table(identifier)
        return None

    def _holds(self, location: str, content: Iterable[bytes]) -> bool:
        try:
            with self.io.new_input(location).open() as stream:
                return all(stream.read(len(chunk)) == chunk for chunk in content if chunk) and not stream.read(1)
        except FileNotFoundError:
            return False


def _is_below(location: str, folder: str) -> bool:
    return location == folder or location.startswith(f"{folder}/")


@contextmanager
def _in_sqlite(file: Path, properties: Mapping[str, str]) -> Iterator[Catalog]:
    catalog = SqlCatalog("place", uri=f"sqlite:///{file}", **properties)
    try:
        yield catalog
    finally:
        catalog.close()


def _register(catalog: Catalog, identifier: Identifier, metadata_location: str) -> Table:
    with suppress(NamespaceAlreadyExistsError):
        catalog.create_namespace(identifier[:-1])
    with suppress(TableAlreadyExistsError):  # another one that does the same was faster
        return catalog.register_table(identifier, metadata_location)
    return catalog.load_table(identifier)
