"""The files of a lake in a set: copied once, taken over by later sets, and read again.

What belongs here: bytes and which part they are in. What does not: which files a state needs, and tables (lake.py).
"""

from collections.abc import Iterable, Iterator
from functools import partial

from pyiceberg.table import Table

from assets.backups.at_once import at_once
from assets.backups.manifest import Manifest, Part
from assets.backups.parts import Draft, read_part
from assets.backups.target import Target

READ_BYTES = 1024 * 1024


class Copies:
    """The files of a draft. What `before` has is taken over; all else is read and put."""

    def __init__(self, draft: Draft, before: Manifest | None) -> None:
        self._draft = draft
        self._before = before
        self._known = _by_file(before.parts) if before is not None else {}
        self._parts: dict[str, list[Part]] = {}
        self._put: list[Part] = []

    def add(self, table: Table, locations: Iterable[str]) -> None:
        """Bring the files of a table into the draft.

        Raises:
            FileNotFoundError: one is gone.
        """
        wanted = [location for location in dict.fromkeys(locations) if location not in self._parts]
        for location, parts in zip(wanted, at_once(partial(self._brought, table), wanted), strict=True):
            self._parts[location] = parts

    def _brought(self, table: Table, location: str) -> list[Part]:
        own = self._draft.beside()
        if self._before is not None and location in self._known:
            own.reuse(self._before, self._known[location])
            return own.parts
        try:
            self._read(own, table, location)
        finally:
            self._put += own.parts
        return own.parts

    def _read(self, draft: Draft, table: Table, location: str) -> None:
        name = ".".join(table.name())
        with table.io.new_input(location).open() as stream, draft.file(location, name) as write:
            while chunk := stream.read(READ_BYTES):
                write(chunk)

    def keep(self, locations: Iterable[str]) -> None:
        """Make these files the draft's, in their order, and remove what was put for a state that expired."""
        draft = self._draft
        draft.parts[:] = [part for location in locations for part in self._parts[location]]
        if surplus := {part.name for part in self._put} - {part.name for part in draft.parts if not part.set_id}:
            draft.target.delete(draft.store, draft.id, sorted(surplus))


class Content:
    """The files of some tables of a set."""

    def __init__(self, target: Target, manifest: Manifest, tables: set[str]) -> None:
        self._target = target
        self._manifest = manifest
        self.files = _by_file(part for part in manifest.parts if part.table in tables)

    def of(self, location: str) -> Iterator[bytes]:
        """The bytes of a file; errors as of `parts.read`."""
        for part in self.files[location]:
            yield from read_part(self._target, self._manifest, part)

    def require_whole(self) -> None:
        """Read all files.

        Raises:
            DamagedSetError: one is not what was written.
        """
        for location in self.files:
            for _ in self.of(location):
                pass


def _by_file(parts: Iterable[Part]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(part.file, []).append(part)
    return found
