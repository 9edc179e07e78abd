"""A store as small as can be, with a method of its own: notes by people, a line of JSON each, in a file.

Rules that hold for every store are tested with it; what a real store does is tested beside its method.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from assets.backups import parts
from assets.backups.manifest import Kind, Manifest, Table
from assets.backups.method import (
    At,
    Chain,
    Contents,
    FullNeededError,
    NotRestorableError,
    OccupiedError,
    Restored,
    Scope,
)
from assets.backups.parts import Draft
from assets.backups.sets import Sets
from assets.backups.target import StoreName, Target

FILE = "notes.jsonl"
STORE = StoreName("consignment", "notes")


@dataclass
class Notebook:
    """The method of one file. now: its clock. wrong: what a comparison says. incrementals: whether it makes any."""

    path: Path
    now: datetime = datetime(2026, 3, 2, 1, tzinfo=UTC)
    store: StoreName = STORE
    wrong: list[str] = field(default_factory=list)
    incrementals: bool = True

    def write(self, *notes: tuple[str, str]) -> None:
        """Add notes: who, and what."""
        with self.path.open("a") as file:
            file.writelines(f"{json.dumps(note)}\n" for note in notes)

    def full(self, draft: Draft) -> Contents:
        return self._contents(draft, Kind.FULL, 0, None)

    def incremental(self, draft: Draft, base: Manifest) -> Contents:
        if not self.incrementals:
            raise FullNeededError("the schema is another one", "make a full one")
        return self._contents(draft, Kind.INCREMENTAL, int(base.until), base.id)

    def chain(self, sets: Sets, at: At | None) -> Chain:
        if isinstance(at, str):
            raise NotRestorableError("a notebook has no positions", "name a time")
        return sets.at_or_before(at)

    def stays(self) -> tuple[str, ...]:
        return ("the cover",)

    def live(self) -> Path:
        return self.path

    def place(self, name: str) -> Path:
        return Path(name)

    @contextmanager
    def scratch(self, folder: Path) -> Iterator[Path]:
        yield folder / "notes"

    def is_empty(self, place: Path) -> bool:
        return not place.exists()

    def preview(self, target: Target, chain: Chain, scope: Scope) -> tuple[Table, ...]:
        return chain[0].tables

    def restore(self, target: Target, chain: Chain, place: Path, scope: Scope) -> Restored:
        if not scope.live and not self.is_empty(place):
            raise OccupiedError(f"{place.name} is there already", "name another place")
        lines = [line for one in chain for line in b"".join(parts.read(target, one, FILE)).splitlines()]
        stay = [line for line in lines if not scope.erased.holds("user", json.loads(line)[0])]
        place.write_bytes(b"".join(line + b"\n" for line in stay))
        newest = chain[-1]
        return Restored(newest.until, newest.moment, (_table(stay),), len(lines) - len(stay))

    def differences(self, place: Path, restored: Restored) -> Iterator[str]:
        yield from self.wrong
        if _table(place.read_bytes().splitlines()) not in restored.tables:
            yield "notes differ"

    def _contents(self, draft: Draft, kind: Kind, since: int, base: str | None) -> Contents:
        lines = self.path.read_bytes().splitlines()
        draft.write(FILE, b"".join(line + b"\n" for line in lines[since:]), "notes")
        return Contents(
            kind=kind,
            until=str(len(lines)),
            moment=self.now,
            base=base,
            since=str(since) if base else None,
            tables=[_table(lines[since:])],
        )


def _table(lines: list[bytes]) -> Table:
    return Table(name="notes", rows=len(lines), checksum=hashlib.sha256(b"\n".join(lines)).hexdigest())
