"""Old objects of R2 that nobody needs any more: their reader has read them, and no refused line points to them.

A prefix is listed twice: to count what may go, and to delete it, a stretch of the listing at a time. An object that no
ledger knows stays. What belongs here: objects by prefix. What does not: which statement says what may go; the policy
names it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from assets.apps import App
from assets.apps.lifecycle import ReadBy
from assets.retention.deletion import Deletion, DeletionOutcome, Portion
from assets.retention.log import DeletionLog, DeletionRecord
from assets.retention.run import OldRows
from assets.rooms import Rooms
from resources.d1 import bulk
from resources.r2 import ObjectInfo, ObjectStore
from resources.sql_files import read_sql

# As many as one request deletes.
STRETCH = 1_000
UNKNOWN = "no ledger knows that they were read"

Read = Callable[[Sequence[ObjectInfo]], Mapping[str, str | None]]
"""Of some objects, those that a ledger knows, by key: why they stay all the same, None for those that may go."""


@dataclass
class OldObjects(OldRows):
    """The objects of a prefix. `read` is None where age is enough."""

    store: ObjectStore
    deletion: Deletion
    log: DeletionLog
    read: Read | None

    @classmethod
    def of(cls, rooms: Rooms, app: App, deletion: Deletion, log: DeletionLog) -> "OldObjects":
        """The old objects of a prefix, over the stores of the rooms."""
        read_by = deletion.entry.read_by
        return cls(rooms.object_store, deletion, log, _read(rooms, app, read_by) if read_by else None)

    def went(self, record: DeletionRecord) -> tuple[int, int]:
        before = datetime.strptime(record.place, "before %Y-%m-%d").replace(tzinfo=UTC)
        left = [
            info.size for stretch in self._stretches() for info in self._going(stretch) if info.last_modified < before
        ]
        return max(0, record.rows - len(left)), max(0, record.bytes - sum(left))

    def count(self, outcome: DeletionOutcome) -> list[Portion]:
        sizes: list[int] = []
        held = Counter[str]()
        for stretch in self._stretches():
            outcome.total += len(stretch)
            for info, why in self._old(stretch):
                if why is None:
                    sizes.append(info.size)
                else:
                    held[why] += 1
        for why, rows in held.items():
            outcome.hold(self.deletion.entry.name, rows, why)
        return [Portion(self.deletion.place, len(sizes), sum(sizes))] if sizes else []

    def delete(self, portion: Portion, outcome: DeletionOutcome) -> None:
        why = ", ".join(self.deletion.entry.requires) or "old enough"
        with self.log.recorded(outcome, portion, why):
            for stretch in self._stretches():
                going = self._going(stretch)
                self.store.delete([info.key for info in going])
                outcome.gone(len(going), sum(info.size for info in going))

    def _stretches(self) -> Iterator[list[ObjectInfo]]:
        """Each is listed after the end of the last one, so that deletions in between move nothing."""
        prefix, after = self.deletion.entry.name.rstrip("/"), None
        while stretch := list(islice(self.store.list(prefix, start_after=after), STRETCH)):
            yield stretch
            after = stretch[-1].key

    def _going(self, stretch: Sequence[ObjectInfo]) -> list[ObjectInfo]:
        return [info for info, why in self._old(stretch) if why is None]

    def _old(self, stretch: Sequence[ObjectInfo]) -> list[tuple[ObjectInfo, str | None]]:
        """The objects of a stretch that are old enough, and why they stay; None for those that may go."""
        old = [info for info in stretch if info.last_modified < self.deletion.before]
        if self.read is None or not old:
            return [(info, None) for info in old]
        known = self.read(old)
        return [(info, known.get(info.key, UNKNOWN)) for info in old]


def _read(rooms: Rooms, app: App, read_by: ReadBy) -> Read:
    statement = read_sql(read_by.statement)

    def of_postgres(objects: Sequence[ObjectInfo]) -> dict[str, str | None]:
        keys, etags = [info.key for info in objects], [info.etag or "" for info in objects]
        rows = rooms.postgres.fetch(statement, {"app": app.name, "keys": keys, "etags": etags})
        return {row["key"]: row["held_back"] for row in rows}

    def of_d1(objects: Sequence[ObjectInfo]) -> dict[str, str | None]:
        pages = bulk.arrays([info.key, info.etag or ""] for info in objects)
        rows = (row for page, _ in pages for row in rooms.d1(app).query(statement, [page]))
        return {str(row["key"]): row["held_back"] for row in rows}

    return of_postgres if read_by.store == "postgres" else of_d1
