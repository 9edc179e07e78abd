"""Ingest of session points: flushed objects into D1, exactly once.

One transaction of D1 holds the points of a group of objects, their ledger and the windows that they make stale, so that
a kill leaves all or nothing of the group. The bytes of refused lines are in R2 before it. A point is known by its
session and sequence number over all partitions; the first one stored wins.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from string import Template
from typing import Self

from assets import job_places
from assets.apps import App, Series
from assets.apps.personal import Subject
from assets.intake import kept_bytes, objects
from assets.intake.objects import Identity, Landed
from assets.intake.refusal import Refusal, with_values, without_erased
from assets.points import landing
from assets.points.point import Point, PointReason, sift
from assets.privacy.erased_lines import names_erased, object_names_erased
from assets.privacy.tombstones import Keys, Tombstones
from assets.progress import Progress, silent
from assets.rooms import Rooms
from assets.series import registry
from assets.series.layout import Partition
from resources.d1 import D1, D1Error, Param, Statement, bulk
from resources.d1.names import balanced
from resources.d1.times import moment, stamp
from resources.postgres import Postgres
from resources.r2 import ObjectInfo, ObjectStore
from resources.sql_files import read_sql

JOB = "points"
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
    refusals: list[Refusal] = field(default_factory=list)
    doubled: int = 0

    @property
    def received(self) -> int:
        return len(self.points) + self.doubled + len(self.refusals)


@dataclass(frozen=True)
class TakenObject:
    """The counts of an object that was taken, by its checksum: its key holds the id of a session."""

    sha256: str
    received: int
    stored: int
    doubled: int
    quarantined: int


@dataclass
class PointRun:
    """What one run did."""

    taken: list[TakenObject] = field(default_factory=list)
    received: int = 0
    stored: int = 0
    doubled: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def objects(self) -> int:
        return len(self.taken)

    @property
    def quarantined(self) -> int:
        return self.reasons.total()


@dataclass
class PointIngest:
    """The engine over its stores, for one app with points. `clock` gives UTC now."""

    app: App
    d1: D1
    store: ObjectStore
    postgres: Postgres
    clock: Callable[[], datetime]
    keys: Keys
    group_objects: int = GROUP_OBJECTS
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App) -> Self:
        """The engine of an app over its rooms."""
        progress = rooms.progress("objects of points ingested")
        return cls(
            app,
            rooms.d1(app),
            rooms.object_store,
            rooms.postgres,
            rooms.clock,
            lambda: rooms.keyring,
            progress=progress,
        )

    @property
    def _series(self) -> Series:
        assert self.app.points is not None, f"{self.app.name} has no points"
        return self.app.points.series

    def run(self, *, sweep: bool = False) -> PointRun:
        """Take every object that is not in the ledger; `sweep` lists all, not only what came since the last run.

        Two runs do not work at once, because both would count a double that each of them has.
        """
        with self.postgres.lock(f"{self.app.name}.points") as connection:
            erased = Tombstones.locked(connection, self.app.name, self.keys)
            started, run = self.clock(), PointRun()
            before, waiting = self._place(), self.pending(sweep=sweep)
            for group in _groups(waiting, self.group_objects):
                self._take(group, run, erased)
                self.progress(run.objects, len(waiting))
            # Not beyond what had arrived, because the clock of one run may be ahead.
            zone = landing.zone(self.app)
            arrived = [at for info in waiting if (at := zone.arrival(info.key)) is not None]
            if reached := [at for at in (before, *arrived) if at is not None]:
                self.d1.batch([job_places.moved(JOB, stamp(min(started, max(reached))))], idempotent=True)
            return run

    def pending(self, *, sweep: bool = False) -> list[ObjectInfo]:
        """Flushed objects that the ledger does not have, by key."""
        place = None if sweep else self._place()
        return objects.waiting(self.store, landing.zone(self.app), place, self.known)

    def _place(self) -> datetime | None:
        """Up to when objects were taken; None before the first run."""
        place = job_places.job_place(self.d1, JOB)
        return moment(place) if place else None

    def judge(self, lines: Sequence[bytes]) -> list[Refusal]:
        """The refusals of some lines, as a run would judge them now."""
        outcome = ObjectOutcome("", "", "", *sift(lines))
        with self.postgres.connection() as connection:
            erased = Tombstones.locked(connection, self.app.name, self.keys)
        self._judge_points([outcome], registry.load(self.d1, self._series).answering, erased)
        return outcome.refusals

    def known(self, listed: Sequence[Identity]) -> set[Identity]:
        """Of some objects, those that the ledger has."""
        known: set[Identity] = set()
        for pairs, _ in bulk.arrays(listed):
            rows = self.d1.query(read_sql("points/known_objects.sql"), [pairs])
            known |= {(row["objectKey"], row["etag"]) for row in rows}
        return known

    def _take(self, group: Sequence[ObjectInfo], run: PointRun, erased: Tombstones) -> None:
        assert self.app.points is not None, f"{self.app.name} has no points"
        zone = landing.zone(self.app)
        with ThreadPoolExecutor(READERS) as readers:
            read = list(readers.map(lambda info: objects.read(self.store, zone, info), group))
        # One that cannot be read, and is another object by now, is left to the next run.
        prefix = self.app.points.quarantine
        landed = [each for each in read if each.text is not None or self._keep_whole(each, prefix, erased)]
        for attempt in range(TRIES):
            partitions = registry.load(self.d1, self._series).answering
            outcomes = self._judge(landed, partitions, erased)
            for outcome in outcomes:
                kept_bytes.keep(self.store, prefix, outcome.sha256, outcome.refusals)
            try:
                self._write(outcomes, partitions)
            except D1Error:
                # A month was folded or a user went since the look at them, so the group is judged again.
                if attempt == TRIES - 1:
                    raise
                continue
            break
        for outcome in outcomes:
            counts = outcome.received, len(outcome.points), outcome.doubled, len(outcome.refusals)
            run.taken.append(TakenObject(outcome.sha256, *counts))
            run.received += outcome.received
            run.stored += len(outcome.points)
            run.doubled += outcome.doubled
            run.reasons += Counter((str(refusal.reason), refusal.field) for refusal in outcome.refusals)

    @property
    def _in_lines(self) -> Sequence[Subject]:
        """Whom a landed line names, and where."""
        assert self.app.points is not None, f"{self.app.name} has no points"
        return self.app.holding("r2", self.app.points.prefix).tombstoned

    def _keep_whole(self, landed: Landed, prefix: str, erased: Tombstones) -> bool:
        """Keep an object that cannot be read, unless it names somebody erased. False: it is another object by now."""
        is_erased = object_names_erased(self.store, landed.key, self._in_lines, erased)
        return is_erased or kept_bytes.keep_whole(self.store, prefix, landed)

    def _judge(
        self, landed: Sequence[Landed], partitions: Sequence[Partition], erased: Tombstones
    ) -> list[ObjectOutcome]:
        outcomes = list(map(_sifted, landed))
        self._count_repeated_objects(outcomes)
        self._judge_points(outcomes, partitions, erased)
        shown = self.app.holding("d1", f"{self._series.name}_*").impersonal_columns
        for outcome in outcomes:
            outcome.refusals = with_values(outcome.refusals, shown)
        return outcomes

    def _judge_points(
        self, outcomes: Sequence[ObjectOutcome], partitions: Sequence[Partition], erased: Tombstones
    ) -> None:
        """Refuse points of no partition and of unknown or erased users, and count doubles."""
        points = [point for outcome in outcomes for point in outcome.points]
        users = self._users(points)
        stored = self._stored(points, partitions)
        for outcome in outcomes:
            outcome.refusals = list(
                without_erased(
                    outcome.refusals, lambda raw: names_erased(raw, self._in_lines, erased), PointReason.ERASED_USER
                )
            )
            kept = []
            for point in outcome.points:
                if _partition(partitions, point) is None:
                    outcome.refusals.append(point.refused(PointReason.NO_PARTITION, "at"))
                elif erased.holds("user", point.user_id):
                    outcome.refusals.append(point.refused(PointReason.ERASED_USER, "userId"))
                elif point.user_id not in users:
                    outcome.refusals.append(point.refused(PointReason.UNKNOWN_USER, "userId"))
                elif point.key in stored:
                    outcome.doubled += 1
                else:
                    stored.add(point.key)
                    kept.append(point)
            outcome.points = kept

    def _count_repeated_objects(self, outcomes: Sequence[ObjectOutcome]) -> None:
        """All lines of an object are doubles where the same bytes were taken before, the refused lines too."""
        checksums = json.dumps([outcome.sha256 for outcome in outcomes])
        known = {row["sha256"] for row in self.d1.query(read_sql("points/known_checksums.sql"), [checksums])}
        for outcome in outcomes:
            if outcome.sha256 in known:
                outcome.doubled = outcome.received
                outcome.points, outcome.refusals = [], []
            known.add(outcome.sha256)

    def _users(self, points: Sequence[Point]) -> set[str]:
        assert self.app.points is not None, f"{self.app.name} has no points"
        statement = Template(read_sql("points/known_users.sql")).substitute(users=self.app.points.users)
        named = sorted({point.user_id for point in points})
        return {row["id"] for page, _ in bulk.arrays(named) for row in self.d1.query(statement, [page])}

    def _stored(self, points: Sequence[Point], partitions: Sequence[Partition]) -> set[tuple[str, int]]:
        """Of these points' keys, those that some partition has."""
        has = [
            f"exists (select 1 from {p.name} where sessionId = json_extract(listed.value, '$[0]') "
            "and seq = json_extract(listed.value, '$[1]'))"
            for p in partitions
        ]
        statement = f"select listed.key as n from json_each(?1) as listed where {balanced(has, 'or') or 'false'}"
        stored: set[tuple[str, int]] = set()
        for page, keys in bulk.arrays(sorted({point.key for point in points})):
            stored |= {keys[row["n"]] for row in self.d1.query(statement, [page])}
        return stored

    def _write(self, outcomes: Sequence[ObjectOutcome], partitions: Sequence[Partition]) -> None:
        now = stamp(self.clock())
        ledger = [[o.key, o.etag, o.sha256, o.received, len(o.points), o.doubled, len(o.refusals)] for o in outcomes]
        placed: dict[str, list[Point]] = {}
        for outcome in outcomes:
            for point in outcome.points:
                partition = _partition(partitions, point)
                assert partition is not None, "a point without a partition was refused"
                placed.setdefault(partition.name, []).append(point)
        batch = [Statement(read_sql("points/record_objects.sql"), [json.dumps(ledger, ensure_ascii=False), now])]
        for name, points in placed.items():
            batch += bulk.statements(name, self._series.columns, map(_row, points), self._series.key, [])
        refused: list[list[Param]] = [
            [o.sha256, r.line, o.key, str(r.reason), r.field, r.value, now] for o in outcomes for r in o.refusals
        ]
        columns = ["sha256", "line", "objectKey", "reason", "field", "value", "quarantinedAt"]
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


def _sifted(landed: Landed) -> ObjectOutcome:
    outcome = ObjectOutcome(landed.key, landed.etag, landed.sha256)
    if landed.text is None:
        outcome.refusals = [Refusal(0, PointReason.UNREADABLE_OBJECT, landed.unreadable, b"")]
    else:
        outcome.points, outcome.refusals = sift(landed.text.split(b"\n"))
    return outcome


def _partition(partitions: Iterable[Partition], point: Point) -> Partition | None:
    return next((p for p in partitions if p.window.start <= point.at < p.window.end), None)


def _row(point: Point) -> list[Param]:
    return [point.session_id, point.seq, point.user_id, point.stored_at, point.measures]
