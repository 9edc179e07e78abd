"""Demand: the access log counted into reads a key and day, each of its objects exactly once.

An object's counts and its place in the ledger are one transaction, so that a kill anywhere counts it again or not at
all. Only what still ranks is listed and kept: the days of the look-back. That an object was counted stays known until
retention has deleted the object.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from assets.cache import access_log, keys
from assets.cache.wanted import Family
from assets.events.landing import UnreadableBatchError, lines
from assets.progress import Progress, silent
from resources.postgres import Postgres, copy_in
from resources.r2 import ObjectStore
from resources.sql_files import read_sql

# One more than the seven that rank: a day's last hour is written after midnight.
KEPT = timedelta(days=8)


@dataclass(frozen=True)
class Ingested:
    """What a run counted."""

    objects: int
    lines: int
    refused: int
    reads: int
    hits: int


class Demand:
    """Reads the access logs of the object store into cache.reads."""

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

    def run(self, app: str, families: Iterable[Family]) -> Ingested:
        """Count what is new of an application's log, and forget what no longer ranks."""
        family_of = keys.classifier({family.name: family.key for family in families})
        with self._postgres.lock(f"cache.{app}.demand"):
            now = self._clock()
            since = access_log.hour_prefix(app, now - KEPT)
            waiting = self._waiting(app, since)
            done = []
            for number, name in enumerate(waiting, start=1):
                done.append(self._counted(app, name, family_of, now))
                self._progress(number, len(waiting))
            self._postgres.execute(read_sql("cache/forget_reads.sql"), {"namespace": app, "since": (now - KEPT).date()})
            self._postgres.execute(read_sql("cache/forget_expired.sql"), {"namespace": app, "now": now})
        return Ingested(
            objects=len(done),
            lines=sum(each.lines for each in done),
            refused=sum(each.refused for each in done),
            reads=sum(each.reads.total() for each in done),
            hits=sum(each.hits.total() for each in done),
        )

    def _waiting(self, app: str, since: str) -> list[str]:
        known = {
            row["object"]
            for row in self._postgres.fetch(
                "select object from cache.access_objects where namespace = %(namespace)s", {"namespace": app}
            )
        }
        found = self._object_store.list(access_log.prefix(app).rstrip("/"), start_after=since.rstrip("/"))
        return [info.key for info in found if info.key not in known]

    def _counted(self, app: str, name: str, family_of: Callable[[str], str], now: datetime) -> access_log.Counted:
        try:
            found = access_log.count(lines(self._object_store.get(name)), family_of, now)
        except UnreadableBatchError as error:
            found = access_log.Counted(refused=1, refusals=[(0, str(error))])
        with self._postgres.connection() as connection:
            connection.execute(
                read_sql("cache/counted_object.sql"),
                {
                    "namespace": app,
                    "object": name,
                    "lines": found.lines,
                    "refused": found.refused,
                    "reads": found.reads.total(),
                    "hits": found.hits.total(),
                    "now": now,
                },
            )
            copy_in(
                connection,
                "cache.access_refusals",
                ["namespace", "object", "line", "reason"],
                ((app, name, line, reason) for line, reason in found.refusals),
            )
            connection.execute(read_sql("cache/counted_table.sql"))
            copy_in(
                connection,
                "cache_counted",
                ["family", "key", "day", "reads", "hits"],
                ((*place, reads, found.hits[place]) for place, reads in found.reads.items()),
            )
            connection.execute(read_sql("cache/add_reads.sql"), {"namespace": app})
        return found


def hit_rate(postgres: Postgres, app: str, today: date, family: str | None = None) -> float | None:
    """Hits a read, of the day before `today` and of today, of one family or of all keys; None without reads."""
    (found,) = postgres.fetch(
        read_sql("cache/hit_rate.sql"), {"namespace": app, "since": today - timedelta(days=1), "family": family}
    )
    return float(found["hits"] / found["reads"]) if found["reads"] else None


def read_lately(postgres: Postgres, app: str) -> dict[str, int]:
    """Reads a family, over the days that are kept."""
    rows = postgres.fetch(
        "select family, sum(reads)::bigint as reads from cache.reads where namespace = %(namespace)s group by family",
        {"namespace": app},
    )
    return {row["family"]: row["reads"] for row in rows}
