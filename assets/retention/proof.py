"""The condition `sealed`: whether live rows lie in an archive that this run has read back whole.

What belongs here: comparing rows with archived ones. What does not: other conditions, and deleting.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import polars as pl

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive.layout import bucket_folder, split
from assets.archive.quarters import Quarter
from assets.archive.registry import ArchiveRegistry, Revision
from assets.archive.sealed import manifest_of, rows_within
from assets.archive.verify import Verified, faults_of
from assets.rooms import Rooms
from assets.rows.columns import RowColumn, schema, text_of
from assets.rows.known import KnownRows
from assets.windows import Window
from resources.postgres import Postgres
from resources.r2 import ObjectStore

UNSEALED = "no sealed archive holds them"
DAMAGED = "their archive is damaged"
LATE = "they came or changed after their archive was sealed"


@dataclass
class ArchiveProof:
    """Proofs of one archived table in one run. Every revision is read whole once. `faults` collects the damage found.

    Proofs of a quarter hold as long as `ArchiveRegistry.lock` of it is held.
    """

    app: str
    entry: Lifecycle
    store: ObjectStore
    postgres: Postgres
    faults: list[str] = field(default_factory=list)
    _whole: dict[tuple[Quarter, str, int], bool] = field(default_factory=dict)
    _sealed: dict[str, Revision] = field(default_factory=dict)
    _window: Window | None = None
    _known: dict[tuple[Quarter, str, int], KnownRows] = field(default_factory=dict)

    @classmethod
    def of(cls, rooms: Rooms, app: App, entry: Lifecycle) -> "ArchiveProof":
        """Proofs over the stores of the rooms."""
        return cls(app.name, entry, rooms.object_store, rooms.postgres)

    @property
    def registry(self) -> ArchiveRegistry:
        return ArchiveRegistry(self.postgres, self.app, self.entry.table)

    def sealed(self, quarter: Quarter) -> dict[str, Revision]:
        """The newest sealed revision of each bucket of a quarter."""
        return {revision.bucket: revision for revision in self.registry.sealed(quarter)}

    @contextmanager
    def locked(self, quarter: Quarter) -> Iterator[None]:
        """Lock a quarter, so that what is sealed of it stays as it is, for `proved`."""
        with self.registry.lock(quarter):
            self._sealed, self._window, self._known = self.sealed(quarter), None, {}
            yield

    def whole(self, revision: Revision) -> bool:
        """Whether every object of a revision has the bytes and rows that were sealed."""
        name = (revision.quarter, revision.bucket, revision.number)
        if name not in self._whole:
            faults = faults_of(self.store, self.app, self.entry.table, revision, Verified())
            self.faults += faults
            self._whole[name] = not faults
        return self._whole[name]

    def known(self, revision: Revision, columns: Sequence[RowColumn], window: Window) -> KnownRows:
        """The archived rows that may lie in a window, by all their values as `columns` has them.

        Memory: 16 bytes a row, until the next window.
        """
        if window != self._window:
            self._window, self._known = window, {}
        name = (revision.quarter, revision.bucket, revision.number)
        if name not in self._known:
            folder = bucket_folder(self.app, self.entry.table, revision.quarter, revision.bucket)
            manifest = manifest_of(self.store, folder, revision)
            rows = rows_within(self.store, folder, manifest, columns, window)
            self._known[name] = KnownRows.newest(rows, self.entry.key)
        return self._known[name]

    def proved(
        self, window: Window, columns: Sequence[RowColumn], frame: pl.DataFrame
    ) -> tuple[pl.DataFrame, dict[str, tuple[int, str]]]:
        """The rows of a frame that are archived just as they are, and of the others how many each bucket has and why.

        The frame holds rows of a window of the locked quarter, as a source gives them.
        """
        policy = self.entry.archive
        assert policy is not None  # only archived tables have proofs
        column = next(c for c in columns if c.name == policy.bucket)
        names = list(schema(columns))
        proved, others = [frame.clear()], {}
        for bucket, rows in split(frame, text_of(column), policy.buckets).items():
            revision = self._sealed.get(bucket)
            if revision is None or not self.whole(revision):
                others[bucket] = (rows.height, UNSEALED if revision is None else DAMAGED)
                continue
            late = self.known(revision, columns, window).late(rows.select(names))
            if not late.is_empty():
                others[bucket] = (late.height, LATE)
            kept = KnownRows.keys([late], self.entry.key)
            proved.append(kept.late(rows, self.entry.key))
        return pl.concat(proved), others
