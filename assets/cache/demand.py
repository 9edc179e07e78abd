"""Demand: the access log counted into reads per key and day, each of its objects exactly once.

An object's counts and its row in the ledger are one transaction, so that a kill anywhere counts it again or not at all.
Only what still ranks is listed and kept. That an object was counted stays known until retention has deleted the object.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from assets.apps import App
from assets.cache import access_log, keys
from assets.cache.wanted import Family
from assets.intake import kept_bytes, objects
from assets.intake.objects import Identity
from assets.intake.refusal import Refusal, TooManyRefusedError, with_values
from assets.intake.zone import numbered
from assets.progress import Progress, silent
from resources.postgres import Postgres, copy_in
from resources.r2 import ObjectInfo, ObjectStore
from resources.sql_files import read_sql


@dataclass(frozen=True)
class DemandResult:
    """What a run counted."""

    objects: int
    lines: int
    refused: int
    reads: int
    hits: int


class Demand:
    """Reads the access logs of the object store into cache.reads. `clock` gives UTC now."""

    def __init__(
        self,
        object_store: ObjectStore,
        postgres: Postgres,
        clock: Callable[[], datetime],
        *,
        progress: Progress = silent,
    ) -> None:
        self._object_store = object_store
        self._postgres = postgres
        self._clock = clock
        self._progress = progress

    def run(self, app: App, families: Iterable[Family]) -> DemandResult:
        """Count what is new of an app's log, and forget what no longer ranks."""
        family_of = keys.classifier({family.name: family.key for family in families})
        with self._postgres.lock(f"cache.{app.name}.demand"):
            now = self._clock()
            known = partial(known_objects, self._postgres, app.name)
            waiting = objects.waiting(self._object_store, access_log.zone(app.name), now, known)
            counted = []
            for number, info in enumerate(waiting, start=1):
                of_object = self._count(app, info, family_of, now)
                if of_object is not None:
                    counted.append(of_object)
                self._progress(number, len(waiting))
            since = (now - access_log.KEPT).date()
            self._postgres.execute(read_sql("cache/forget_reads.sql"), {"namespace": app.name, "since": since})
            self._postgres.execute(read_sql("cache/forget_expired.sql"), {"namespace": app.name, "now": now})
        return DemandResult(
            objects=len(counted),
            lines=sum(of_object.lines for of_object in counted),
            refused=sum(of_object.refused for of_object in counted),
            reads=sum(of_object.reads.total() for of_object in counted),
            hits=sum(of_object.hits.total() for of_object in counted),
        )

    def _count(
        self, app: App, info: ObjectInfo, family_of: Callable[[str], str], now: datetime
    ) -> access_log.AccessCounts | None:
        """What one object counts; None for one that cannot be read and is another by now: the next run takes it."""
        landed = objects.read(self._object_store, access_log.zone(app.name), info)
        prefix = access_log.quarantine_prefix(app.name)
        try:
            counted = access_log.count(numbered(landed.text or b""), family_of, now)
        except TooManyRefusedError as error:
            landed = replace(landed, text=None, unreadable=str(error))
        if landed.text is None:
            if not kept_bytes.keep_whole(self._object_store, prefix, landed):
                return None
            counted = access_log.AccessCounts(refusals=[Refusal(0, landed.unreadable, "", b"")])
        kept_bytes.keep(self._object_store, prefix, landed.sha256, counted.refusals)
        refused = with_values(counted.refusals, access_log.shown(app))
        with self._postgres.connection() as connection:
            connection.execute(
                read_sql("cache/counted_object.sql"),
                {
                    "namespace": app.name,
                    "object": landed.key,
                    "sha256": landed.sha256,
                    "lines": counted.lines,
                    "refused": counted.refused,
                    "reads": counted.reads.total(),
                    "hits": counted.hits.total(),
                    "now": now,
                },
            )
            copy_in(
                connection,
                "cache.access_refusals",
                ["namespace", "object", "line", "reason", "field", "value"],
                ((app.name, landed.key, each.line, each.reason, each.field, each.value) for each in refused),
            )
            connection.execute(read_sql("cache/counted_table.sql"))
            copy_in(
                connection,
                "cache_counted",
                ["family", "key", "day", "reads", "hits"],
                ((*entry, reads, counted.hits[entry]) for entry, reads in counted.reads.items()),
            )
            connection.execute(read_sql("cache/add_reads.sql"), {"namespace": app.name})
        return counted


def known_objects(postgres: Postgres, app: str, listed: Sequence[Identity]) -> set[Identity]:
    """Of some objects of an app's access log, those that were counted: by key alone, because each is written once."""
    rows = postgres.fetch(read_sql("cache/access_known.sql"), {"namespace": app})
    counted = {row["object"] for row in rows}
    return {(key, etag) for key, etag in listed if key in counted}


def hit_rate(postgres: Postgres, app: str, today: date, family: str | None = None) -> float | None:
    """Hits per read, of the day before `today` and of today, of one family or of all keys; None without reads."""
    (row,) = postgres.fetch(
        read_sql("cache/hit_rate.sql"), {"namespace": app, "since": today - timedelta(days=1), "family": family}
    )
    return float(row["hits"] / row["reads"]) if row["reads"] else None


def read_lately(postgres: Postgres, app: str) -> dict[str, int]:
    """Reads per family, over the days that are kept."""
    rows = postgres.fetch(read_sql("cache/read_lately.sql"), {"namespace": app})
    return {row["family"]: row["reads"] for row in rows}
