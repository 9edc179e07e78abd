"""What is sealed: whether live rows lie in an archive that this run has read back whole.

What belongs here: comparing rows with archived ones. What does not: deciding what else must be true, deleting.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import polars as pl

from assets.apps.lifecycle import Lifecycle
from assets.archive import parts
from assets.archive.late import Known
from assets.archive.layout import bucket_folder, split
from assets.archive.lines import Column, schema
from assets.archive.manifest import instant, merged
from assets.archive.quarters import Quarter
from assets.archive.registry import Registry, Revision
from assets.archive.sealed import manifest_of
from assets.archive.sources import text_of
from assets.archive.verify import Verified, faults_of
from assets.windows import Window
from resources.postgres import Postgres
from resources.r2 import ObjectStore

UNSEALED = "no sealed archive holds them"
DAMAGED = "their archive is damaged"
LATE = "they came or changed after their archive was sealed"


@dataclass
class Proof:
    """Proofs of one archived table in one run. Every revision is read whole once, by `whole`; `faults` gathers what was
    found wrong. A quarter's proofs hold as long as `Registry.lock` of it is held.
    """

    app: str
    entry: Lifecycle
    store: ObjectStore
    postgres: Postgres
    faults: list[str] = field(default_factory=list)
    _whole: dict[tuple[Quarter, str, int], bool] = field(default_factory=dict)
    _sealed: dict[str, Revision] = field(default_factory=dict)
    _window: Window | None = None
    _known: dict[tuple[Quarter, str, int], Known] = field(default_factory=dict)

    @property
    def registry(self) -> Registry:
        return Registry(self.postgres, self.app, self.entry.table)

    def sealed(self, quarter: Quarter) -> dict[str, Revision]:
        """The newest sealed revision of each bucket of a quarter."""
        return {revision.bucket: revision for revision in self.registry.sealed(quarter)}

    @contextmanager
    def held(self, quarter: Quarter) -> Iterator[None]:
        """Hold a quarter: what is sealed of it stays as it is, for `proved`."""
        with self.registry.lock(quarter):
            self._sealed, self._window, self._known = self.sealed(quarter), None, {}
            yield

    def whole(self, revision: Revision) -> bool:
        """Whether every object of a revision has the bytes and rows that were sealed."""
        name = (revision.quarter, revision.bucket, revision.number)
        if name not in self._whole:
            found = faults_of(self.store, self.app, self.entry.table, revision, Verified())
            self.faults += found
            self._whole[name] = not found
        return self._whole[name]

    def known(self, revision: Revision, columns: Sequence[Column], window: Window) -> Known:
        """The archived rows that may lie in a window, by all their values as `columns` has them: 16 bytes a row, held
        until another window is asked for.
        """
        if window != self._window:
            self._window, self._known = window, {}
        name = (revision.quarter, revision.bucket, revision.number)
        if name not in self._known:
            self._known[name] = Known.newest(self._archived(revision, columns, window), self.entry.key)
        return self._known[name]

    def proved(
        self, window: Window, columns: Sequence[Column], frame: pl.DataFrame
    ) -> tuple[pl.DataFrame, dict[str, tuple[int, str]]]:
        """The rows of a frame that are archived just as they are, and of the others how many each bucket has and why.

        The frame holds rows of a window of the quarter that is held, as a source gives them.
        """
        policy = self.entry.archive
        assert policy is not None  # asked for archived tables only
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
            kept = Known.keys([late], self.entry.key)
            proved.append(kept.late(rows, self.entry.key))
        return pl.concat(proved), others

    def _archived(
        self, revision: Revision, columns: Sequence[Column], window: Window
    ) -> Iterator[tuple[int, pl.DataFrame]]:
        folder = bucket_folder(self.app, self.entry.table, revision.quarter, revision.bucket)
        manifest = manifest_of(self.store, folder, revision)
        start, end = instant(window.start), instant(window.end)
        names = list(schema(columns))
        for part in manifest.parts:
            if part.since < end and part.until > start:
                for frame in parts.read(self.store, folder, part, merged(manifest.columns, columns)):
                    yield part.revision, frame.select(names)
