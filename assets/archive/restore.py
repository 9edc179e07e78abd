"""Restoring archived rows: read sealed buckets, leave out people who were erased, add the rows that are not there.

A second restore adds nothing. What belongs here: this order. What does not: how a store takes rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.apps.personal import Holding
from assets.archive import parts
from assets.archive.commands import command
from assets.archive.layout import bucket_folder, spread
from assets.archive.manifest import BucketManifest
from assets.archive.quarters import Quarter
from assets.archive.registry import ArchiveRegistry, Revision
from assets.archive.sealed import NotArchivedError, manifest_of
from assets.archive.tables import came_back, target_of
from assets.privacy.erased_texts import NamedPeople, without_names
from assets.privacy.tombstones import Keys, Tombstones
from assets.progress import Progress, silent
from assets.rooms import Rooms
from assets.rows.target import Into, Target
from resources.declined import DeclinedError
from resources.postgres import Postgres
from resources.r2 import ObjectStore


class PartialRestoreError(DeclinedError):
    """Only a part of a quarter would come back, and aggregates are made of all of it. Nothing was restored."""


@dataclass
class Restored:
    """What a restore did: buckets read; rows read, left out because their people were erased, and added."""

    target: str
    buckets: int = 0
    rows: int = 0
    erased: int = 0
    added: int = 0


@dataclass
class Restore:
    """Restores a table's quarters into `target`. entry: says whose a row is, by which tombstones are found.

    came_back: is called with the quarter and the bucket after each bucket, also where a killed run had restored it.
    """

    app: str
    lifecycle: Lifecycle
    entry: Holding
    target: Target
    store: ObjectStore
    postgres: Postgres
    keys: Keys
    came_back: Callable[[Quarter, str], None]
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App, entry: Lifecycle, into: Into) -> "Restore":
        """The restore of a table, over the stores of the rooms."""
        return cls(
            app=app.name,
            lifecycle=entry,
            entry=app.holding(entry.store, entry.name),
            target=target_of(rooms, app, entry, into),
            store=rooms.object_store,
            postgres=rooms.postgres,
            keys=lambda: rooms.keyring,
            came_back=came_back(rooms, app, entry, into),
            progress=rooms.progress(f"{entry.table}: restored"),
        )

    def run(self, quarter: Quarter, wanted: Callable[[str], bool] = lambda _: True) -> Restored:
        """Restore the sealed buckets of a quarter for which `wanted` is true.

        No tombstone can be added meanwhile: an erasure waits, and then finds the rows that were restored.

        Raises:
            NotArchivedError: there are none.
            PartialRestoreError: `wanted` is a part of what can only come back whole.
            DamagedPartError, DamagedManifestError: the archive is not what was sealed. Buckets before it are restored,
                nothing of the damaged one is, and nothing at all of what can only come back whole.
        """
        registry = ArchiveRegistry(self.postgres, self.app, self.lifecycle.table)
        done = Restored(self.target.name)
        whole = self._whole
        if not all(wanted(bucket) for bucket in whole):
            all_of_them = command("restore", self.app, self.lifecycle.table, quarter, "--into live")
            raise PartialRestoreError(
                f"aggregates of all users would be made again of these rows of {self.lifecycle.table} alone",
                f"restore aside, or all of them: {all_of_them}",
            )
        with registry.lock(quarter) as connection:
            erased = Tombstones.locked(connection, self.app, self.keys)
            tombstones = erased.in_table(self.lifecycle.store, self.lifecycle.name)
            revisions = [r for r in registry.sealed(quarter) if wanted(r.bucket)]
            if not revisions:
                raise NotArchivedError.of(self.app, self.lifecycle.table, quarter)
            for revision in revisions if whole else []:
                self._checked(quarter, revision)
            for number, revision in enumerate(revisions, start=1):
                folder, manifest = self._checked(quarter, revision)
                rows = self._rows(folder, manifest, tombstones, done)
                done.added += self.target.put(rows, manifest.columns)
                self.came_back(quarter, revision.bucket)
                done.buckets += 1
                self.progress(number, len(revisions))
        return done

    @property
    def _whole(self) -> Sequence[str]:
        """The buckets that come back together or not at all, because aggregates are made of the live rows of all."""
        entry = self.lifecycle
        if self.target.into == "side" or entry.archive is None or not entry.aggregates:
            return ()
        return spread(entry.archive.buckets) if entry.archive.buckets else ()

    def _checked(self, quarter: Quarter, revision: Revision) -> tuple[str, BucketManifest]:
        """A bucket's folder and manifest, once every part was found to have the bytes that were sealed."""
        folder = bucket_folder(self.app, self.lifecycle.table, quarter, revision.bucket)
        manifest = manifest_of(self.store, folder, revision)
        for part in manifest.parts:
            parts.checked_bytes(self.store, folder, part)
        return folder, manifest

    def _rows(
        self, folder: str, manifest: BucketManifest, tombstones: Tombstones, done: Restored
    ) -> Iterator[pl.DataFrame]:
        """The rows of a bucket, those of later revisions first, because the first row of a key counts."""
        named = NamedPeople(tombstones)
        for part in sorted(manifest.parts, key=lambda p: -p.revision):
            for rows in parts.read(self.store, folder, part, manifest.columns):
                kept = tombstones.kept(rows, manifest.columns, self.entry.tombstoned)
                done.rows += rows.height
                done.erased += rows.height - kept.height
                if not kept.is_empty():
                    yield without_names(kept, manifest.columns, self.entry, named)
