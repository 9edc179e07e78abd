"""A second source of events: a table of the lake that another program appends to, taken commit by commit.

Each commit's rows land as batches, and go the way of all batches: judged line by line, refused lines in quarantine,
doubles and erased people left out. The ledger has each commit that landed. A run that is killed between the two lands
the same bytes again, and a receipt leads them to the same objects. What does not belong here: what a row is as a line
(stream_lines.py), and ingestion (ingest.py).
"""

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Self

from assets.apps import App
from assets.events import landing
from assets.events.stream_lines import lines
from assets.intake.objects import land_once
from assets.progress import Progress, reported, silent
from assets.rooms import Rooms
from resources.lake import DataFile, History, StreamTable
from resources.lake.stream_table import rows
from resources.postgres import Postgres
from resources.r2 import ObjectStore
from resources.sql_files import read_sql

if TYPE_CHECKING:
    from pyiceberg.table import Table

# A batch is read whole by the ingest, which takes up to 1 GiB; 64 MiB of lines are some 5 MiB of gzip.
BATCH_BYTES = landing.LARGEST_BATCH // 16


def lock_name(app: App) -> str:
    """The lock that one run of an app's stream holds at a time."""
    return f"{app.name}.stream"


@dataclass(frozen=True)
class Increment:
    """A commit whose rows have not landed, with the data files that have them."""

    snapshot_id: int
    sequence: int
    at_ms: int
    files: tuple[DataFile, ...]

    @property
    def rows(self) -> int:
        return sum(file.record_count for file in self.files)


@dataclass
class Streamed:
    """What a run landed: commits, their rows by the table, lines, and the keys of batches."""

    commits: int = 0
    rows: int = 0
    lines: int = 0
    batches: list[str] = field(default_factory=list)


@dataclass
class Stream:
    """The engine of an app's stream. `largest` is the size of a batch in bytes."""

    app: App
    table: StreamTable
    store: ObjectStore
    postgres: Postgres
    clock: Callable[[], datetime]
    progress: Progress = silent
    largest: int = BATCH_BYTES

    @classmethod
    def of(cls, rooms: Rooms, app: App) -> Self | None:
        """The engine over the stores of an app; None where it has no stream."""
        table = rooms.event_stream(app)
        if table is None:
            return None
        progress = rooms.progress("commits of the stream landed")
        return cls(app, table, rooms.object_store, rooms.postgres, rooms.clock, progress)

    def waiting(self) -> list[Increment]:
        """The commits that have not landed, oldest first."""
        return self._waiting(self.table.load())

    def _waiting(self, table: "Table") -> list[Increment]:
        # A table that was made again under its name begins anew: numbers of the former one say nothing of it.
        given = {"app": self.app.name, "source": self.table.name, "table_uuid": str(table.metadata.table_uuid)}
        found = self.postgres.fetch(read_sql("events/newest_streamed.sql"), given)
        cursor = (found[0]["snapshot_id"], found[0]["sequence"]) if found else None
        return list(_increments(History(table), cursor))

    def run(self) -> Streamed:
        """Land the rows of every commit that has not landed."""
        done = Streamed()
        with self.postgres.lock(lock_name(self.app)):
            table = self.table.load()
            for increment in reported(self._waiting(table), self.progress):
                landed, keys = 0, list[str]()
                for number, text in enumerate(self._batches(table, increment.files)):
                    landed += text.count(b"\n")
                    keys.append(self._land(f"stream-{increment.snapshot_id}-{number:05}.ndjson.gz", text))
                self.postgres.execute(
                    read_sql("events/record_streamed.sql"),
                    {
                        "app": self.app.name,
                        "source": self.table.name,
                        "table_uuid": str(table.metadata.table_uuid),
                        "snapshot_id": increment.snapshot_id,
                        "sequence": increment.sequence,
                        "rows": increment.rows,
                        "lines": landed,
                        "batches": len(keys),
                        "at": self.clock(),
                    },
                )
                done.commits += 1
                done.rows += increment.rows
                done.lines += landed
                done.batches += keys
        return done

    def _batches(self, table: "Table", files: Iterable[DataFile]) -> Iterator[bytes]:
        """The lines of data files, in texts of whole lines. The same files give the same texts."""
        assert self.app.audience is not None, f"{self.app.name} collects no events"
        pieces: list[bytes] = []
        size = 0
        for file in files:
            for frame in rows(table, file):
                piece = lines(frame, self.app.audience.stream_fields)
                pieces.append(piece)
                size += len(piece)
                if size >= self.largest:
                    yield b"".join(pieces)
                    pieces, size = [], 0
        if pieces:
            yield b"".join(pieces)

    def _land(self, name: str, text: bytes) -> str:
        assert self.app.audience is not None, f"{self.app.name} collects no events"
        key = f"{landing.zone(self.app).hour_prefix(self.clock())}{name}"
        return land_once(self.store, self.app.audience.receipts, key, gzip.compress(text, mtime=0))[0]


def _increments(history: History, cursor: tuple[int, int] | None) -> Iterator[Increment]:
    """The commits after the cursor's, oldest first. A commit that only moves rows to other files has none.

    Of commits that expired before they landed, the rows that are still there are taken with the oldest kept one. After
    a rollback it goes on at the last common commit: what landed of those that are gone stays, and rows that come again
    are doubles.
    """
    if not history.snapshots:
        return
    after: int | None = cursor[0] if cursor is not None else None
    if cursor is not None and after is not None and not history.holds(after, cursor[1]):
        after = history.fork(after)
    if after not in history.ids:
        oldest, least = history.snapshots[-1], cursor[1] if cursor is not None else 0
        live = [found.file for found in history.files() if found.is_data and found.sequence > least]
        yield Increment(oldest.snapshot_id, oldest.sequence_number or 0, oldest.timestamp_ms, tuple(live))
        after = oldest.snapshot_id
    for commit in history.after(after):
        added = () if commit.operation == "replace" else commit.added
        yield Increment(commit.id, commit.sequence, commit.at_ms, added)
