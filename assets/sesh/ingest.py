"""Ingest of session points: flushed objects into D1, exactly once.

Points, ledger and what they make stale are one transaction of D1, so that a kill leaves all or nothing of a group of
objects. The bytes of refused lines lie in R2 before it. A point is known by its session and sequence number over all
partitions; the first one stored wins.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from assets.progress import Progress, silent
from assets.sesh import places, point_objects, quarantine, registry
from assets.sesh.families import POINTS
from assets.sesh.layout import Partition
from assets.sesh.point import Point, Reason, Refusal, sift
from resources.d1 import D1, D1Error, Param, Statement, bulk
from resources.d1.times import moment, stamp
from resources.postgres import Postgres
from resources.r2 import ObjectInfo, ObjectStore
from resources.sql_files import read_sql

LOCK, JOB = "sesh.points", "points"
# A flush holds 10 points: a group is one transaction of some 2,000.
GROUP_OBJECTS, GROUP_BYTES = 200, 8 * 2**20
READERS = 8
TRIES = 3


@dataclass
class ObjectOutcome:
    """What became of the lines of one object. received = stored + doubled + quarantined."""

    key: str
    etag: str
    sha256: str
    points: list[Point] = field(default_factory=list)
    doubled: int = 0
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def received(self) -> int:
        return len(self.points) + self.doubled + len(self.refusals)


@dataclass
class PointRun:
    """What one run did."""

    objects: int = 0
    received: int = 0
    stored: int = 0
    doubled: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def quarantined(self) -> int:
        return self.reasons.total()


@dataclass
class PointIngest:
    """The engine over its stores. `clock` gives UTC now; the lock keeps two runs apart, so that doubles are counted."""

    d1: D1
    store: ObjectStore
    postgres: Postgres
    clock: Callable[[], datetime]
    group_objects: int = GROUP_OBJECTS
    progress: Progress = silent

    def run(self, *, sweep: bool = False) -> PointRun:
        """Take every object that is not in the ledger; `sweep` lists all, not only what came since the last run."""
        with self.postgres.lock(LOCK):
            started, run = self.clock(), PointRun()
            waiting = self.pending(sweep=sweep)
            for group in _groups(waiting, self.group_objects):
                self._take(group, run)
                self.progress(run.objects, len(waiting))
            self.d1.batch([places.placed(JOB, stamp(started))], idempotent=True)
            return run

    def pending(self, *, sweep: bool = False) -> list[ObjectInfo]:
        """Flushed objects that the ledger does not have, by key."""
        last = None if sweep else places.place(self.d1, JOB)
        start = point_objects.listing_start(moment(last) if last else None)
        listed = self.store.list(point_objects.PREFIX.rstrip("/"), start_after=start)
        found = [info for info in listed if point_objects.is_flush(info.key)]
        known: set[tuple[str, str]] = set()
        for at in range(0, len(found), 5_000):
            pairs = json.dumps([[info.key, info.etag or ""] for info in found[at : at + 5_000]])
            rows = self.d1.query(read_sql("sesh/points/known_objects.sql"), [pairs])
            known |= {(row["objectKey"], row["etag"]) for row in rows}
        return [info for info in found if (info.key, info.etag or "") not in known]

    def _take(self, group: Sequence[ObjectInfo], run: PointRun) -> None:
        with ThreadPoolExecutor(READERS) as readers:
            contents = list(readers.map(self._content, group))
        for attempt in range(TRIES):
            partitions = registry.load(self.d1, POINTS).answering
            outcomes = self._judge(group, contents, partitions)
            for outcome in outcomes:
                quarantine.keep(self.store, outcome.sha256, outcome.refusals)
            try:
                self._write(outcomes, partitions)
            except D1Error:
                # A month was folded, or a user went, since it was looked up: judged anew, it fits.
                if attempt == TRIES - 1:
                    raise
                continue
            break
        for outcome in outcomes:
            run.objects += 1
            run.received += outcome.received
            run.stored += len(outcome.points)
            run.doubled += outcome.doubled
            run.reasons += Counter((refusal.reason.value, refusal.field) for refusal in outcome.refusals)

    def _content(self, info: ObjectInfo) -> bytes | None:
        return None if info.size > point_objects.LARGEST_OBJECT else self.store.get(info.key)

    def _judge(
        self, group: Sequence[ObjectInfo], contents: Sequence[bytes | None], partitions: Sequence[Partition]
    ) -> list[ObjectOutcome]:
        outcomes = [_sifted(info, content) for info, content in zip(group, contents, strict=True)]
        self._count_repeated_objects(outcomes)
        points = [point for outcome in outcomes for point in outcome.points]
        users = self._users(points)
        stored = self._stored(points, partitions)
        for outcome in outcomes:
            kept = []
            for point in outcome.points:
                if _partition(partitions, point) is None:
                    outcome.refusals.append(point.refused(Reason.NO_PARTITION, "at"))
                elif point.user_id not in users:
                    outcome.refusals.append(point.refused(Reason.UNKNOWN_USER, "userId"))
                elif point.key in stored:
                    outcome.doubled += 1
                else:
                    stored.add(point.key)
                    kept.append(point)
            outcome.points = kept
        return outcomes

    def _count_repeated_objects(self, outcomes: Sequence[ObjectOutcome]) -> None:
        """The lines of an object whose very bytes were taken before are doubles, the refused ones too."""
        known = {
            row["sha256"]
            for row in self.d1.query(
                read_sql("sesh/points/known_checksums.sql"), [json.dumps([o.sha256 for o in outcomes])]
            )
        }
        for outcome in outcomes:
            if outcome.sha256 in known:
                outcome.doubled = outcome.received
                outcome.points, outcome.refusals = [], []
            known.add(outcome.sha256)

    def _users(self, points: Sequence[Point]) -> set[str]:
        asked = json.dumps(sorted({point.user_id for point in points}))
        return {row["id"] for row in self.d1.query(read_sql("sesh/points/known_users.sql"), [asked])}

    def _stored(self, points: Sequence[Point], partitions: Sequence[Partition]) -> set[tuple[str, int]]:
        """Of these points' keys, those that some partition has."""
        has = " or ".join(
            f"exists (select 1 from {p.name} where sessionId = json_extract(asked.value, '$[0]') "
            "and seq = json_extract(asked.value, '$[1]'))"
            for p in partitions
        )
        found: set[tuple[str, int]] = set()
        keys = sorted({point.key for point in points})
        for at in range(0, len(keys), 5_000):
            page = keys[at : at + 5_000]
            rows = self.d1.query(
                f"select asked.key as n from json_each(?1) as asked where {has or 'false'}",
                [json.dumps(page, ensure_ascii=False)],
            )
            found |= {page[row["n"]] for row in rows}
        return found

    def _write(self, outcomes: Sequence[ObjectOutcome], partitions: Sequence[Partition]) -> None:
        now = stamp(self.clock())
        ledger = [[o.key, o.etag, o.sha256, o.received, len(o.points), o.doubled, len(o.refusals)] for o in outcomes]
        placed: dict[str, list[Point]] = {}
        for outcome in outcomes:
            for point in outcome.points:
                partition = _partition(partitions, point)
                assert partition is not None, "a point without a partition was refused"
                placed.setdefault(partition.name, []).append(point)
        batch = [Statement(read_sql("sesh/points/record_objects.sql"), [json.dumps(ledger, ensure_ascii=False), now])]
        for name, points in placed.items():
            batch += bulk.statements(name, POINTS.columns, map(_row, points), POINTS.key, [])
        refused = [[o.sha256, r.line, o.key, r.reason.value, r.field, now] for o in outcomes for r in o.refusals]
        columns = ["sha256", "line", "objectKey", "reason", "field", "quarantinedAt"]
        batch += bulk.statements("point_quarantine", columns, refused, ["sha256", "line"], [])
        hours = sorted({f"{p.stored_at[:13]}:00:00.000Z" for points in placed.values() for p in points})
        stale: list[list[Param]] = [["hourly", hour] for hour in hours]
        batch += bulk.statements("stale_metrics", ["grain", "windowStart"], stale, ["grain", "windowStart"])
        self.d1.batch(batch)


def _groups(waiting: Sequence[ObjectInfo], most: int) -> Iterable[Sequence[ObjectInfo]]:
    group: list[ObjectInfo] = []
    size = 0
    for info in waiting:
        if group and (len(group) == most or size + info.size > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(info)
        size += info.size
    if group:
        yield group


def _sifted(info: ObjectInfo, content: bytes | None) -> ObjectOutcome:
    etag = info.etag or ""
    digest = hashlib.sha256(f"{info.key} {etag}".encode() if content is None else content).hexdigest()
    outcome = ObjectOutcome(info.key, etag, digest)
    try:
        if content is None:
            raise point_objects.UnreadableObjectError(f"more than {point_objects.LARGEST_OBJECT >> 20} MiB")
        outcome.points, outcome.refusals = sift(point_objects.lines(content))
    except point_objects.UnreadableObjectError as error:
        outcome.refusals = [Refusal(0, Reason.UNREADABLE_OBJECT, str(error), b"")]
    return outcome


def _partition(partitions: Iterable[Partition], point: Point) -> Partition | None:
    return next((p for p in partitions if p.window.start <= point.at < p.window.end), None)


def _row(point: Point) -> list[Param]:
    return [point.session_id, point.seq, point.user_id, point.stored_at, point.measures]
