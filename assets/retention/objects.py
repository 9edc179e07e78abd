"""Deleting objects of R2 that are old enough, and known to have been read by whoever reads them.

A prefix is listed twice: to count what would go, and to delete it, a listing's stretch at a time. An object that no
ledger knows stays, and is told of.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from assets.events.ledger import Ledger as IngestLedger
from assets.progress import Progress, silent
from assets.retention import share
from assets.retention.ledger import Ledger, Note
from assets.retention.outcome import Order, Outcome
from resources.d1 import D1
from resources.postgres import Postgres
from resources.r2 import ObjectInfo, ObjectStore
from resources.sql_files import read_sql

# As many as one request deletes.
STRETCH = 1_000
UNKNOWN = "no ledger knows that they were read"

Taken = Callable[[Sequence[ObjectInfo]], Collection[str]]


@dataclass
class ObjectPruner:
    """The engine. `taken` has, for each prefix that requires it, what says which of some objects were read."""

    store: ObjectStore
    ledger: Ledger
    postgres: Postgres
    taken: Mapping[str, Taken]
    progress: Progress = silent

    def run(self, order: Order) -> Outcome:
        """Delete what may go, or say what would. Where that is too much, nothing goes and the outcome says so."""
        entry, outcome = order.entry, Outcome(order)
        with self.postgres.lock(order.lock):
            notes = [] if order.dry_run else self.ledger.unsettled(entry)
            left = {note.id: [0, 0] for note in notes}
            size = unread = 0
            for stretch in self._stretches(entry.name):
                outcome.total += len(stretch)
                old, going = self._old(order, stretch)
                unread += len(old) - len(going)
                outcome.going += len(going)
                size += sum(info.size for info in going)
                for note in notes:
                    still = [info for info in going if info.last_modified < _before(note)]
                    left[note.id][0] += len(still)
                    left[note.id][1] += sum(info.size for info in still)
            for note in notes:
                # What a killed run was about to delete, less what is still there.
                rows, bytes_ = left[note.id]
                self.ledger.settle(note, max(0, note.rows - rows), max(0, note.bytes - bytes_))
            if unread:
                outcome.hold(entry.name, unread, UNKNOWN)
            if outcome.going and share.admitted(outcome):
                self._delete(order, outcome, size)
        return outcome

    def _delete(self, order: Order, outcome: Outcome, size: int) -> None:
        place = f"before {order.before:%Y-%m-%d}"
        why = ", ".join(order.entry.requires) or "old enough"
        note = self.ledger.intend(order.entry, place, outcome.going, size, why)
        for stretch in self._stretches(order.entry.name):
            _, going = self._old(order, stretch)
            self.store.delete([info.key for info in going])
            outcome.deleted += len(going)
            outcome.bytes += sum(info.size for info in going)
            self.progress(outcome.deleted, max(outcome.going, outcome.deleted))
        self.ledger.settle(note, outcome.deleted, outcome.bytes)

    def _stretches(self, prefix: str) -> Iterator[list[ObjectInfo]]:
        """Each listed after the last one ended, so that what is deleted between them moves nothing."""
        after: str | None = None
        while stretch := list(islice(self.store.list(prefix.rstrip("/"), start_after=after), STRETCH)):
            yield stretch
            after = stretch[-1].key

    def _old(self, order: Order, stretch: Sequence[ObjectInfo]) -> tuple[list[ObjectInfo], list[ObjectInfo]]:
        """The objects of a stretch that are old enough, and those of them that may go."""
        old = [info for info in stretch if info.last_modified < order.before]
        if not order.entry.requires or not old:
            return old, old
        taken = set(self.taken[order.entry.name](old))
        return old, [info for info in old if info.key in taken]


def batches(postgres: Postgres, app: str) -> Taken:
    """Batches of events that a committed run took, byte for byte."""
    ledger = IngestLedger(postgres, app)
    return lambda some: {key for key, _ in ledger.known_objects([(info.key, info.etag or "") for info in some])}


def pages(postgres: Postgres) -> Taken:
    """Raw pages of slices that were merged, or that nobody will merge: failed, or done again by another."""

    def taken(some: Sequence[ObjectInfo]) -> set[str]:
        folders = {info.key.rpartition("/")[0] for info in some}
        rows = postgres.fetch(read_sql("retention/settled_slices.sql"), {"folders": sorted(folders)})
        settled = {row["raw_prefix"] for row in rows}
        return {info.key for info in some if info.key.rpartition("/")[0] in settled}

    return taken


def access_logs(postgres: Postgres, app: str) -> Taken:
    """Objects of the access log that were counted."""

    def taken(some: Sequence[ObjectInfo]) -> set[str]:
        given = {"namespace": app, "objects": [info.key for info in some]}
        return {row["object"] for row in postgres.fetch(read_sql("retention/counted_objects.sql"), given)}

    return taken


def points(d1: Callable[[], D1]) -> Taken:
    """Objects of flushed points that were ingested, byte for byte."""

    def taken(some: Sequence[ObjectInfo]) -> set[str]:
        asked = json.dumps([[info.key, info.etag or ""] for info in some])
        return {str(row["objectKey"]) for row in d1().query(read_sql("points/known_objects.sql"), [asked])}

    return taken


def _before(note: Note) -> datetime:
    return datetime.strptime(note.place, "before %Y-%m-%d").replace(tzinfo=UTC)
