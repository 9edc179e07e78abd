"""Repairing sealed archives: a damaged object comes back from a copy, from the parts, or from live rows.

Nothing is taken that is not proved: a copy has the SHA-256 that was sealed, parts and live rows together have the
number of rows and the checksum that were sealed. An object that comes back byte for byte is put in its place. Otherwise
what is there becomes a further revision, sealed like any other, so that no manifest is written twice and a killed run
is simply run again. What belongs here: the repair of a quarter. What does not: that of a bucket (bucket_repair.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive.bucket_repair import BucketRepair, End, Finding, Means
from assets.archive.copies import Copies
from assets.archive.parts import PART_BYTES
from assets.archive.quarters import Quarter
from assets.archive.revisions import Revisions
from assets.archive.sealed import NotArchivedError
from assets.archive.tables import source_of
from assets.progress import Progress, silent
from assets.rooms import Clock, Rooms
from assets.rows.source import Source
from resources.postgres import Postgres
from resources.r2 import ObjectStore


@dataclass
class Repaired:
    """What was read, and a finding for each damaged object."""

    buckets: int = 0
    findings: list[Finding] = field(default_factory=list)

    def ended(self, end: End) -> list[Finding]:
        """The damaged objects that ended so."""
        return [finding for finding in self.findings if finding.end == end]


@dataclass
class Repair:
    """Repairs the archive of one table.

    copies: where copies of its objects may lie. dry_run: only find what would repair it. accept_loss: seal a bucket
    without the parts that nothing repairs; their rows are then lost, except for those that are live.
    """

    app: str
    lifecycle: Lifecycle
    open_source: Callable[[Quarter], Source]
    store: ObjectStore
    postgres: Postgres
    clock: Clock
    copies: Copies = field(default_factory=Copies)
    dry_run: bool = False
    accept_loss: bool = False
    progress: Progress = silent
    part_bytes: int = PART_BYTES

    @classmethod
    def of(
        cls, rooms: Rooms, app: App, entry: Lifecycle, copies: Copies, *, dry_run: bool, accept_loss: bool
    ) -> "Repair":
        """The repair of a table's archive, over the stores of the rooms."""
        return cls(
            app=app.name,
            lifecycle=entry,
            open_source=source_of(rooms, app, entry),
            store=rooms.object_store,
            postgres=rooms.postgres,
            clock=rooms.clock,
            copies=copies,
            dry_run=dry_run,
            accept_loss=accept_loss,
            progress=rooms.progress(f"{entry.table}: repaired"),
        )

    def __post_init__(self) -> None:
        self.revisions = Revisions(self.app, self.lifecycle.table, self.store, self.postgres, self.clock)

    def run(self, quarter: Quarter) -> Repaired:
        """Read the sealed buckets of a quarter whole, and repair what is damaged. One process at a time.

        Raises:
            NotArchivedError: there are none.
            NewerManifestError: a newer release wrote one of them.
            RowsChangedError: live rows changed while they were read; run again.
        """
        done = Repaired()
        means = Means(
            revisions=self.revisions,
            entry=self.lifecycle,
            open_source=self.open_source,
            copies=self.copies,
            dry_run=self.dry_run,
            accept_loss=self.accept_loss,
            part_bytes=self.part_bytes,
        )
        with self.revisions.registry.lock(quarter):
            if not self.dry_run:
                self.revisions.settle(quarter)
            sealed = self.revisions.registry.sealed(quarter)
            if not sealed:
                raise NotArchivedError.of(self.app, self.lifecycle.table, quarter)
            for number, revision in enumerate(sealed, start=1):
                done.findings += BucketRepair(means, revision).run()
                done.buckets += 1
                self.progress(number, len(sealed))
        return done
