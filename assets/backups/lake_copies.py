"""The files of a lake in a set: copied once, taken over by later sets, and read again.

What belongs here: bytes and which part they are in. What does not: which files a state needs, and tables (lake.py).
"""

from collections.abc import Iterable, Iterator

from pyiceberg.table import Table

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

    def add(self, table: Table, locations: Iterable[str]) -> None:
        """Bring the files of a table into the draft.

        Raises:
            FileNotFoundError: one is gone.
        """
        for location in locations:
            if location not in self._parts:
                start = len(self._draft.parts)
                if self._before is not None and location in self._known:
                    self._draft.reuse(self._before, self._known[location])
                else:
                    self._read(table, location)
                self._parts[location] = self._draft.parts[start:]

    def _read(self, table: Table, location: str) -> None:
        name = ".".join(table.name())
        with table.io.new_input(location).open() as stream, self._draft.file(location, name) as write:
            while chunk := stream.read(READ_BYTES):
                write(chunk)

    def keep(self, locations: Iterable[str]) -> None:
        """Make these files the draft's, in their order, and remove what was put for a state that expired."""
        draft = self._draft
        own = {part.name for part in draft.parts if not part.set_id}
        draft.parts[:] = [part for location in locations for part in self._parts[location]]
        if surplus := own - {part.name for part in draft.parts if not part.set_id}:
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
