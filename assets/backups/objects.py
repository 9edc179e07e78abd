"""Backups of objects that nothing can make again: archives, uploaded images, what landed, and what was refused of it.

A set is an inventory with the checksum of each object. Where the backups lie in a bucket of their own, the objects are
in the set too; else they are where they are, and the inventory says what must be there. Of what landed or was refused
it says nothing then, because that comes and goes. What does not belong here: what can be made again, and the lake's
files (lake.py).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import unquote

import msgspec

from assets.apps import App
from assets.apps.personal import Holding
from assets.archive.layout import PREFIX as ARCHIVE
from assets.backups.at_once import at_once
from assets.backups.manifest import Kind, Manifest, Part, Table, of_form
from assets.backups.method import At, Chain, Contents, NotRestorableError, OccupiedError, Restored, Scope
from assets.backups.parts import DamagedSetError, Draft, read, read_part
from assets.backups.sets import Sets, find
from assets.backups.target import StoreName, Target
from assets.media.naming import QUARANTINE
from assets.privacy.erased_lines import LineFields, names_anyone, without_erased
from assets.privacy.tombstones import Tombstones
from assets.rooms import Clock, Rooms
from resources.chunks import chunked
from resources.filling import filling
from resources.r2 import FolderObjectStore, ObjectInfo, ObjectNotFoundError, ObjectStore

INVENTORY = "inventory"
LINES = 1_000


class Entry(msgspec.Struct, frozen=True):
    """An object: its key, its bytes, the etag by which a change is seen, the SHA-256 of its content."""

    key: str
    size: int
    etag: str
    sha256: str


@dataclass(frozen=True)
class ObjectsBackup:
    """The means of some prefixes of the object store. copied: whether the objects themselves are in the sets.
    fields: of the lines of the objects, by prefix.
    """

    store: StoreName
    objects: ObjectStore
    prefixes: Sequence[str]
    copied: bool
    clock: Clock
    fields: Mapping[str, LineFields] = field(default_factory=dict)

    @classmethod
    def of(cls, rooms: Rooms, apps: Sequence[App]) -> Self:
        """The archives and the uploaded images of apps and, where objects are copied, what landed and was refused."""
        prefixes = [ARCHIVE, *(app.media.root for app in apps if app.media is not None)]
        copied = rooms.backup_store.uri() != rooms.object_store.uri()
        passing = {prefix: fields for app in apps for prefix, fields in _passing(app)}
        return cls(
            StoreName("pipelines", "objects"),
            rooms.object_store,
            (*prefixes, *passing) if copied else prefixes,
            copied,
            rooms.clock,
            passing,
        )

    def full(self, draft: Draft) -> Contents:
        """See `Method.full`. What is known of the newest good set is not read again."""
        return self._inventory(draft, find(draft.target, self.store).newest_good)

    def incremental(self, draft: Draft, base: Manifest) -> Contents:
        """See `Method.incremental`. The set stands alone: it names what it takes over from `base`."""
        return self._inventory(draft, base)

    def _inventory(self, draft: Draft, before: Manifest | None) -> Contents:
        moment = self.clock()
        known = {entry.key: entry for entry in entries(draft.target, before)} if before is not None else {}
        copies = _by_file(before)
        listed: list[Entry] = []
        tables = []
        for prefix in self.prefixes:
            begun = len(listed)

            def looked_at(info: ObjectInfo, prefix: str = prefix) -> tuple[Entry | None, list[Part]]:
                entry, own = known.get(info.key), draft.beside()
                same = entry is not None and (entry.size, entry.etag) == (info.size, info.etag or "")
                if same and before is not None and (not self.copied or info.key in copies):
                    own.reuse(before, copies.get(info.key, ()) if self.copied else ())
                else:
                    entry = self._taken(own, info, prefix)
                return entry, own.parts

            for entry, parts in at_once(looked_at, self.objects.list(prefix)):
                if entry is not None:
                    listed.append(entry)
                    draft.parts += parts
            tables.append(_table(prefix, listed[begun:]))
        with draft.file(INVENTORY) as write:
            for some in chunked(listed, LINES):
                write(b"".join(msgspec.json.encode(entry) + b"\n" for entry in some))
        return Contents(Kind.INVENTORY, until=moment.isoformat(), moment=moment, tables=tables)

    def _taken(self, draft: Draft, info: ObjectInfo, prefix: str) -> Entry | None:
        """Read an object, and bring it into the draft; None where it went since it was listed."""
        sha256, size = hashlib.sha256(), 0
        try:
            with draft.file(info.key, prefix) if self.copied else nullcontext(lambda _: None) as write:
                for chunk in self.objects.stream(info.key):
                    sha256.update(chunk)
                    size += len(chunk)
                    write(chunk)
        except ObjectNotFoundError:
            return None
        return Entry(info.key, size, info.etag or "", sha256.hexdigest())

    def chain(self, sets: Sets, at: At | None) -> Chain:
        """See `Method.chain`."""
        return sets.at_position(at) if isinstance(at, str) else sets.at_or_before(at)

    def live(self) -> ObjectStore:
        """See `Method.live`."""
        return self.objects

    def place(self, name: str) -> ObjectStore:
        """See `Method.place`: a folder."""
        if Path(name).is_file():
            raise OccupiedError(f"{name} is a file", "name a folder that is new or empty")
        return FolderObjectStore(Path(name))

    def scratch(self, folder: Path) -> AbstractContextManager[ObjectStore]:
        """See `Method.scratch`. Objects that are in no set are looked for where they are."""
        return nullcontext(FolderObjectStore(folder / "objects") if self.copied else self.objects)

    def stays(self) -> Sequence[str]:
        """See `Method.stays`."""
        return ("what is in no set, because nobody knows whether it is newer",)

    def is_empty(self, place: ObjectStore) -> bool:
        """See `Method.is_empty`."""
        return not any(next(iter(place.list(prefix)), None) for prefix in self.prefixes)

    def preview(self, target: Target, chain: Chain, scope: Scope) -> tuple[Table, ...]:
        """See `Method.preview`."""
        if scope.whole:
            return chain[-1].tables
        coming = [e for e in entries(target, chain[-1]) if _is_wanted(e, scope) and not _is_erased(e, scope.erased)]
        return self._tables(coming)

    def restore(self, target: Target, chain: Chain, place: ObjectStore, scope: Scope) -> "RestoredObjects":
        """See `Method.restore`. What is live and in no set stays: nobody knows whether it is newer."""
        with filling(place.path) if isinstance(place, FolderObjectStore) and not scope.live else nullcontext():
            return self._restored(target, chain[-1], place, scope)

    def _restored(self, target: Target, manifest: Manifest, place: ObjectStore, scope: Scope) -> "RestoredObjects":
        copies = _by_file(manifest)
        known = _restored_before(target, manifest, copies, scope.since)
        chosen = [entry for entry in entries(target, manifest) if entry not in known and _is_wanted(entry, scope)]
        coming = [entry for entry in chosen if not _is_erased(entry, scope.erased)]
        coming, cleaned, lines = self._cleaned(target, manifest, copies, coming, scope.erased)
        if any(entry.key in copies for entry in coming):
            if scope.whole and not scope.live and (other := self._other(place, coming)) is not None:
                raise OccupiedError(f"the place holds {other} already", "name a folder that is new or empty")
            for entry in coming if scope.live else ():
                if entry.key not in cleaned:
                    _content(target, manifest, copies, entry)
            for entry in coming:
                if _digest(place, entry.key) != entry.sha256:
                    place.put(entry.key, cleaned.get(entry.key) or _content(target, manifest, copies, entry))
        elif place is not self.objects and coming:
            raise NotRestorableError(
                f"{manifest.id} is an inventory without the objects, because no bucket of its own was set for backups",
                "set CLEARLIFT_BACKUP_BUCKET, so that further backups hold them",
            )
        return RestoredObjects(
            manifest.until,
            manifest.moment,
            self._tables(coming),
            erased=len(chosen) - len(coming) + lines,
            new_only=scope.since is not None,
            entries=tuple(coming),
        )

    def _tables(self, some: Sequence[Entry]) -> tuple[Table, ...]:
        return tuple(_table(p, [e for e in some if e.key.startswith(f"{p}/")]) for p in self.prefixes)

    def _cleaned(
        self,
        target: Target,
        manifest: Manifest,
        copies: dict[str, list[Part]],
        coming: Sequence[Entry],
        erased: Tombstones,
    ) -> tuple[list[Entry], dict[str, bytes], int]:
        """The objects to come, the content of those of which lines of erased people are left out or changed, and these
        lines without the ones of objects of which nothing is left.
        """
        stay, contents, dropped = [], {}, 0
        for entry in coming:
            fields = next((of for prefix, of in self.fields.items() if entry.key.startswith(f"{prefix}/")), None)
            if not copies.get(entry.key) or fields is None or not names_anyone(fields.subjects, erased):
                stay.append(entry)
                continue
            content, lines = without_erased(_content(target, manifest, copies, entry), fields, erased)
            if not lines:
                stay.append(entry)
            elif content:
                contents[entry.key] = content
                stay.append(Entry(entry.key, len(content), "", hashlib.sha256(content).hexdigest()))
                dropped += lines
        return stay, contents, dropped

    def _other(self, place: ObjectStore, coming: Sequence[Entry]) -> str | None:
        """An object of a place that is none of those to come: they may be there because a restore was killed."""
        known = {entry.key for entry in coming}
        return next((info.key for p in self.prefixes for info in place.list(p) if info.key not in known), None)

    def differences(self, place: ObjectStore, restored: Restored) -> Iterator[str]:
        """See `Method.differences`: each object is read."""
        assert isinstance(restored, RestoredObjects)
        for entry in restored.entries:
            found = _digest(place, entry.key)
            if found is None:
                yield f"{entry.key} is missing"
            elif found != entry.sha256:
                yield f"{entry.key} has another content than in the inventory"


def _passing(app: App) -> Iterator[tuple[str, LineFields]]:
    """The prefixes of an app in which lines land, and those of what was refused, with their fields. Access logs only
    rank keys of a cache for a week, and are left out.
    """
    if app.audience is not None:
        record = app.holding("lake", app.audience.table)
        yield from _of_lines(app, record, app.audience.landing, app.audience.quarantine)
    if app.points is not None:
        record = app.holding("d1", f"{app.points.series.name}_*")
        yield from _of_lines(app, record, app.points.prefix, app.points.quarantine)
    if app.media is not None:
        refused = f"{QUARANTINE}{app.media.root}"
        yield refused, LineFields(app.holding("r2", f"{refused}/").tombstoned)


def _of_lines(app: App, record: Holding, *prefixes: str) -> Iterator[tuple[str, LineFields]]:
    for prefix in prefixes:
        yield prefix.rstrip("/"), LineFields(app.holding("r2", prefix).tombstoned, record.impersonal_columns)


@dataclass(frozen=True)
class RestoredObjects(Restored):
    """entries: the objects that the place must have now."""

    entries: tuple[Entry, ...] = ()


def entries(target: Target, manifest: Manifest) -> Iterator[Entry]:
    """The objects of a set; errors as of `parts.read`."""
    rest = b""
    for chunk in read(target, manifest, INVENTORY):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (of_form(line, Entry, manifest, INVENTORY) for line in lines)


def _restored_before(
    target: Target, manifest: Manifest, copies: Mapping[str, Sequence[Part]], since: Manifest | None
) -> frozenset[Entry]:
    """The objects that an earlier set has as they are in this one, by the same parts where these hold them."""
    if since is None:
        return frozenset()
    there = since.objects
    return frozenset(
        entry
        for entry in entries(target, since)
        if all(manifest.object_of(part) in there for part in copies.get(entry.key, ()))
    )


def _content(target: Target, manifest: Manifest, copies: dict[str, list[Part]], entry: Entry) -> bytes:
    """The bytes of an object out of a set, which are those of the inventory."""
    content = b"".join(chunk for part in copies.get(entry.key, ()) for chunk in read_part(target, manifest, part))
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise DamagedSetError(entry.key, "the set does not hold the content of the inventory")
    return content


def _digest(place: ObjectStore, key: str) -> str | None:
    """The SHA-256 of an object; None where there is none."""
    sha256 = hashlib.sha256()
    try:
        for chunk in place.stream(key):
            sha256.update(chunk)
    except ObjectNotFoundError:
        return None
    return sha256.hexdigest()


def _by_file(manifest: Manifest | None) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for part in manifest.parts if manifest is not None else ():
        if part.file != INVENTORY:
            found.setdefault(part.file, []).append(part)
    return found


def _table(prefix: str, listed: Sequence[Entry]) -> Table:
    lines = sorted(f"{entry.key} {entry.sha256}" for entry in listed)
    return Table(name=prefix, rows=len(lines), checksum=hashlib.sha256("\n".join(lines).encode()).hexdigest())


def _is_wanted(entry: Entry, scope: Scope) -> bool:
    """Whether an object lies below a wanted prefix, and in a folder of a wanted organisation or person."""
    below = not scope.tables or any(entry.key.startswith(f"{table}/") for table in scope.tables)
    return below and (not scope.owners or not set(scope.owners).isdisjoint(_folders(entry)))


def _is_erased(entry: Entry, erased: Tombstones) -> bool:
    """Whether an object lies in a folder of a person who was erased."""
    return any(erased.holds(kind, folder) for kind in erased.hashes for folder in _folders(entry))


def _folders(entry: Entry) -> list[str]:
    return [unquote(folder) for folder in entry.key.split("/")[:-1]]
