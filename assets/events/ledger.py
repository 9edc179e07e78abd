"""The ledger of ingestion in Postgres: what was prepared, what was committed, and which batches are known.

A run is written as `prepared`, with all its counts, before its commit to the lake, and turns `committed` after it. The
commit carries the run's id, so a run that was killed between the two is settled by a look at the lake. Counts of a
prepared run count nowhere until then. What does not belong here: open refused lines (refused.py).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from assets.intake.objects import Identity
from assets.intake.refusal import Refusal
from resources.postgres import Postgres
from resources.sql_files import read_sql


@dataclass
class BatchOutcome:
    """What became of the lines of one landed batch. received = stored + doubled + quarantined + without_consent.

    landed_at: when the object landed, by its store. conflicting: those of the doubled that have another payload than
    the event that was stored first.
    """

    object_key: str
    etag: str
    sha256: str
    bytes: int
    landed_at: datetime | None = None
    received: int = 0
    stored: int = 0
    doubled: int = 0
    conflicting: int = 0
    without_consent: int = 0
    first_event: datetime | None = None
    last_event: datetime | None = None
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def quarantined(self) -> int:
        return len(self.refusals)


@dataclass
class RunOutcome:
    """What one ingest run did with its batches, or several of them one after another.

    arrived: the hour under which the newest of them had landed. damaged: what is wrong with files of the lake, so that
    the events of their partitions were refused. damaged_files: how many files these are. commits: of the runs that are
    summed up here, the ids and the snapshots.
    """

    ingest_id: str
    started_at: datetime
    batches: list[BatchOutcome] = field(default_factory=list)
    without_consent: Counter[tuple[str, datetime, str]] = field(default_factory=Counter)
    unknown_fields: Counter[str] = field(default_factory=Counter)
    files: int = 0
    bytes: int = 0
    snapshot_id: int | None = None
    arrived: datetime | None = None
    damaged: list[str] = field(default_factory=list)
    damaged_files: int = 0
    hours: Counter[datetime] = field(default_factory=Counter)
    commits: list[tuple[str, int | None]] = field(default_factory=list)

    def after(self, earlier: "RunOutcome") -> "RunOutcome":
        """This run and those before it as one, under this one's id."""
        return RunOutcome(
            self.ingest_id,
            earlier.started_at,
            [*earlier.batches, *self.batches],
            earlier.without_consent + self.without_consent,
            earlier.unknown_fields + self.unknown_fields,
            earlier.files + self.files,
            earlier.bytes + self.bytes,
            self.snapshot_id or earlier.snapshot_id,
            max(filter(None, (earlier.arrived, self.arrived)), default=None),
            sorted({*earlier.damaged, *self.damaged}),
            max(earlier.damaged_files, self.damaged_files),
            earlier.hours + self.hours,
            [*earlier.commits, (self.ingest_id, self.snapshot_id)],
        )

    def forget_lines(self) -> None:
        """Let go of the bytes of refused lines, which are kept in the store by now."""
        for batch in self.batches:
            batch.refusals = [replace(refusal, raw=b"") for refusal in batch.refusals]

    def total(self, count: str) -> int:
        """The sum of one count over the batches, by its name."""
        return sum(getattr(batch, count) for batch in self.batches)


class Lake(Protocol):
    """What a killed run is settled by: the snapshot of its commit, None for one that never landed and never will."""

    def settled(self, commit_id: str) -> int | None: ...
    def sequence(self, snapshot_id: int) -> int | None: ...


class IngestLedger:
    """Reads and writes an app's rows of the schema `ingest`."""

    def __init__(self, postgres: Postgres, app: str) -> None:
        self._postgres = postgres
        self._app = app

    def taken_until(self) -> datetime | None:
        """Up to when batches may have been taken, by the clock of who was not ahead."""
        (row,) = self._fetch("events/taken_until.sql")
        at: datetime | None = row["at"]
        return at

    def known_objects(self, objects: Sequence[Identity]) -> set[Identity]:
        """Of (key, etag) pairs, those that were taken."""
        keys, etags = [key for key, _ in objects], [etag for _, etag in objects]
        rows = self._fetch("events/known_objects.sql", keys=keys, etags=etags)
        return {(row["object_key"], row["etag"]) for row in rows}

    def known_checksums(self, checksums: Iterable[str]) -> set[str]:
        """Of SHA-256 sums of batches, those that were taken, under any key."""
        return {row["sha256"] for row in self._fetch("events/known_checksums.sql", checksums=list(checksums))}

    def settle(self, table: Lake, now: datetime) -> None:
        """Finish runs that were killed around their commit: keep what landed in the lake, forget what did not."""
        for row in self._fetch("events/unsettled_runs.sql"):
            ingest_id = row["ingest_id"]
            snapshot_id = table.settled(ingest_id)
            if snapshot_id is None:
                self._forget(ingest_id)
            else:
                self.commit(ingest_id, snapshot_id, table.sequence(snapshot_id), now)

    def forget_rolled_back(self, holds: Callable[[int, int | None], bool]) -> int:
        """Forget runs whose commit an operator rolled back, so that their batches are taken again; how many.

        `holds` says of a snapshot's id and sequence number whether it is part of the table. A run that it holds was
        committed upon all those before it.
        """
        forgotten = 0
        for most in (1, None):  # nearly always the newest is held, and nothing more is read
            for row in self._fetch("events/runs_and_commits.sql", most=most):
                if holds(row["snapshot_id"], row["sequence"]):
                    return forgotten
                self._forget(row["ingest_id"])
                forgotten += 1
        return forgotten

    def _forget(self, ingest_id: str) -> None:
        self._postgres.execute(read_sql("events/forget_run.sql"), {"app": self._app, "ingest_id": ingest_id})

    def prepare(self, run: RunOutcome) -> None:
        """Write everything about a run, as prepared, in one transaction."""
        with self._postgres.connection() as connection:
            connection.execute(
                "insert into ingest.runs (app, ingest_id, state, started_at, arrived)"
                " values (%s, %s, 'prepared', %s, %s)",
                (self._app, run.ingest_id, run.started_at, run.arrived),
            )
            for table, columns, rows in _rows(run, self._app):
                with (
                    connection.cursor() as cursor,
                    cursor.copy(f"copy ingest.{table} ({', '.join(columns)}) from stdin") as copy,
                ):
                    for values in rows:
                        copy.write_row(values)

    def commit(self, ingest_id: str, snapshot_id: int | None, sequence: int | None, now: datetime) -> None:
        """Mark a prepared run as committed, with its commit to the lake, or the one that it stands on without any.

        Raises:
            RuntimeError: the run is missing, because another process settled it. Its batches will be read again.
        """
        changed = self._postgres.execute(
            read_sql("events/commit_run.sql"),
            {"app": self._app, "ingest_id": ingest_id, "snapshot_id": snapshot_id, "sequence": sequence, "at": now},
        )
        if changed != 1:
            raise RuntimeError(f"ingest run {ingest_id} is no longer prepared in the ledger; run the ingest again")

    def unbalanced(self, ingest_id: str | None = None) -> list[dict[str, Any]]:
        """Batches whose counts do not add up; of one run or of all."""
        return self._fetch("events/unbalanced_batches.sql", ingest_id=ingest_id)

    def totals(self, ingest_id: str | None = None) -> dict[str, int]:
        """Counts over all committed batches, or those of one run."""
        (row,) = self._fetch("events/totals.sql", ingest_id=ingest_id)
        return dict(row)

    def _fetch(self, statement: str, **parameters: object) -> list[dict[str, Any]]:
        return self._postgres.fetch(read_sql(statement), {"app": self._app, **parameters})


def _rows(run: RunOutcome, app: str) -> Iterable[tuple[str, tuple[str, ...], Iterable[tuple[Any, ...]]]]:
    yield (
        "batches",
        (
            *("app", "object_key", "etag", "sha256", "ingest_id", "bytes"),
            *("received", "stored", "doubled", "conflicting", "quarantined", "without_consent"),
            *("first_event", "last_event", "landed_at"),
        ),
        (
            (
                *(app, b.object_key, b.etag, b.sha256, run.ingest_id, b.bytes),
                *(b.received, b.stored, b.doubled, b.conflicting, b.quarantined, b.without_consent),
                *(b.first_event, b.last_event, b.landed_at),
            )
            for b in run.batches
        ),
    )
    yield (
        "quarantine",
        ("app", "sha256", "line", "object_key", "reason", "field", "value", "ingest_id"),
        (
            (
                app,
                b.sha256,
                refusal.line,
                b.object_key,
                str(refusal.reason),
                refusal.field,
                refusal.value,
                run.ingest_id,
            )
            for b in run.batches
            for refusal in b.refusals
        ),
    )
    yield (
        "without_consent",
        ("ingest_id", "org_tag", "hour", "event_type", "events"),
        ((run.ingest_id, *key, events) for key, events in run.without_consent.items()),
    )
    yield (
        "unknown_fields",
        ("ingest_id", "field", "events"),
        ((run.ingest_id, name, events) for name, events in run.unknown_fields.items()),
    )
