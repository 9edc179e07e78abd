"""Taking rows out of sealed buckets: what is left is sealed as a further revision, and all before it is removed.

A gzip member without such rows stays as it is. Older manifests go, because the difference of two checksums of rows is
the hash of what was taken out. After a kill the next call finds the rows, or what was to be removed, and goes on. What
belongs here: this order, for the rows of a bucket and for a bucket as a whole. What does not: which rows go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive import parts
from assets.archive.damage import DamagedError
from assets.archive.layout import PREFIX, manifest_name, part_name
from assets.archive.manifest import BucketManifest, Part, digest
from assets.archive.quarters import Quarter
from assets.archive.rebuild import older_manifests
from assets.archive.registry import Revision
from assets.archive.revisions import Revisions
from assets.archive.sealed import manifest_of
from assets.progress import Progress, silent
from assets.rooms import Rooms
from assets.rows.lines import CHECKSUM_MODULUS, checksum
from resources.r2 import ObjectStore

Changed = Callable[[Sequence[bytes]], Mapping[int, bytes]]
"""Of some lines, those that change, by their places: empty for a line that is taken out."""


@dataclass
class TakenOut:
    """What was taken out: rows, parts that were written again, and the bytes of these."""

    rows: int = 0
    parts: int = 0
    written: int = 0


@dataclass
class TakeOut:
    """The sealed archive of one table."""

    revisions: Revisions
    store: ObjectStore
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App, entry: Lifecycle) -> "TakeOut":
        """The archive of a table, over the stores of the rooms."""
        revisions = Revisions(app.name, entry.table, rooms.object_store, rooms.postgres, rooms.clock)
        return cls(revisions, rooms.object_store, rooms.progress(f"{entry.table}: archives looked through"))

    def rows(self, changed: Changed) -> tuple[TakenOut, list[DamagedError]]:
        """Change the lines of all buckets. Damaged ones stay as they are, and are returned."""
        done, damaged = TakenOut(), list[DamagedError]()
        quarters = self.revisions.registry.quarters()
        for number, quarter in enumerate(quarters, start=1):
            with self.revisions.registry.lock(quarter):
                self.revisions.settle(quarter)
                older = self.revisions.registry.older(quarter)
                for revision in self.revisions.registry.sealed(quarter):
                    try:
                        any_changed = self._without(revision, changed, done)
                        self._tidy(quarter, revision.bucket, changed, older.get(revision.bucket, 0) + any_changed)
                    except DamagedError as error:
                        damaged.append(error)
            self.progress(number, len(quarters))
        return done, damaged

    def bucket(self, name: str) -> TakenOut:
        """Remove a bucket of every quarter, with all that lies there."""
        done = TakenOut()
        table = f"{PREFIX}/{self.revisions.app}/{self.revisions.table}"
        for prefix in self.store.list_prefixes(table):
            quarter = Quarter.parse(prefix.rpartition("/")[2])
            with self.revisions.registry.lock(quarter):
                done.rows += self.revisions.registry.forget_bucket(quarter, name)
                keys = [info.key for info in self.store.list(self.revisions.folder(quarter, name))]
                self.store.delete(keys)
                done.parts += sum(key.rpartition("/")[2].startswith("part-") for key in keys)
        return done

    def _without(self, revision: Revision, changed: Changed, done: TakenOut) -> bool:
        folder = self.revisions.folder(revision.quarter, revision.bucket)
        manifest = manifest_of(self.store, folder, revision)
        made = {part.name: self._part_without(folder, part, changed) for part in manifest.parts}
        if not any(made.values()):
            return False
        number = self.revisions.begin(revision.quarter, revision.bucket, revision, manifest.snapshot)
        left = []
        for part in manifest.parts:
            if (again := made[part.name]) is None:
                left.append(part)
            elif again[0].rows:
                left.append(self._put(folder, *again, manifest))
                done.written += again[0].packed_bytes
        sealed = replace(
            manifest,
            parts=tuple(left),
            revision=number,
            slices=dict(revision.slices),
            code_version=self.revisions.code,
            made_at=self.revisions.now,
        )
        self.revisions.seal(revision.quarter, sealed)
        done.rows += manifest.rows - sealed.rows
        done.parts += sum(again is not None for again in made.values())
        return True

    def _part_without(self, folder: str, part: Part, changed: Changed) -> tuple[Part, bytes] | None:
        """A part and its bytes without the lines that go; None where nothing of it changes."""
        key = f"{folder}/{part.name}"
        packed = parts.checked_bytes(self.store, folder, part)
        members, rows, size, total, any_changed = list[bytes](), 0, 0, 0, False
        for member, text in parts.packed_members(packed, key):
            lines = text.split(b"\n")[:-1]
            if after := changed(lines):
                any_changed = True
                lines = [line for at, old in enumerate(lines) if (line := after.get(at, old))]
                text = b"".join(line + b"\n" for line in lines)
                member = parts.pack(text) if lines else b""
            members.append(member)
            rows, size, total = rows + len(lines), size + len(text), total + checksum(text)
        if not any_changed:
            return None
        packed = b"".join(members)
        sha256 = digest(packed)
        made = replace(
            part,
            name=part_name(sha256),
            rows=rows,
            packed_bytes=len(packed),
            line_bytes=size,
            sha256=sha256,
            checksum=f"{total % CHECKSUM_MODULUS:032x}",
        )
        return made, packed

    def _put(self, folder: str, part: Part, packed: bytes, manifest: BucketManifest) -> Part:
        """Put a part and read it back."""
        self.store.put_if_absent(f"{folder}/{part.name}", packed, storage_class="STANDARD_IA")
        for _ in parts.read(self.store, folder, part, manifest.columns):
            pass
        return part

    def _tidy(self, quarter: Quarter, bucket: str, changed: Changed, older: int) -> None:
        """Remove what may still hold lines that were taken out, or give them away: parts that no manifest names, what
        was kept of damaged ones, and the `older` revisions where the newest has not got all of their parts.
        """
        (newest,) = (r for r in self.revisions.registry.sealed(quarter) if r.bucket == bucket)
        folder = self.revisions.folder(quarter, bucket)
        named = {part.name for part in manifest_of(self.store, folder, newest).parts}
        names = [info.key.rpartition("/")[2] for info in self.store.list(folder)]
        going = [name for name in names if name.startswith("part-") and name not in named]
        going += [name for name in names if name.startswith("damaged-") and self._may_hold(f"{folder}/{name}", changed)]
        self.store.delete(f"{folder}/{name}" for name in going)
        before = older_manifests(self.store, folder, newest)
        if len(before) == older and all(part.name in named for manifest in before for part in manifest.parts):
            return
        sealed = manifest_name(newest.number)
        self.store.delete(f"{folder}/{name}" for name in names if name.startswith("manifest-") and name < sealed)
        self.revisions.registry.forget_older(quarter, bucket)

    def _may_hold(self, key: str, changed: Changed) -> bool:
        try:
            return any(changed(lines.split(b"\n")) for lines in parts.members(self.store.get(key), key))
        except DamagedError:
            return True
