"""Warming: writing wanted values to KV, only if the index says that they are new, changed or expire soon.

For each bundle of keys, the index first says that their values are unknown, then KV is written, then the index says
what was written. After a kill the next warming writes these keys again, or deletes those that are no longer wanted. One
process at a time warms a family of an app.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from assets.apps import App
from assets.cache import delta
from assets.cache.spool import Spool, spooling
from assets.cache.survey import Survey, survey
from assets.cache.wanted import Family, Sources
from assets.progress import Progress, silent
from assets.rooms import Rooms
from resources.d1 import D1
from resources.kv import KV, Entry
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql

# One request to KV accepts 10,000 pairs and 100 MB.
BUNDLE_KEYS = 10_000
BUNDLE_BYTES = 64 * 1024 * 1024
ZERO = timedelta(0)
Row = dict[str, Any]


@dataclass(frozen=True)
class Warmed:
    """What a warming did: the survey before it, the keys that it deleted, the bytes that it wrote."""

    survey: Survey
    deleted: int
    bytes_written: int

    @property
    def written(self) -> int:
        return self.survey.new + self.survey.changed + self.survey.renewed

    @property
    def writes_saved(self) -> int:
        """How many writes fewer than writing every wanted key."""
        return self.survey.wanted - self.written

    @property
    def freshness(self) -> float | None:
        """The share of wanted keys that are present and current now; None if no key is wanted."""
        return self.survey.fresh(self.survey.left_wrong)


@dataclass(frozen=True)
class Indexed:
    """How many keys of a family the index has, and how many of them have expired."""

    keys: int
    expired: int


class Warming:
    """The cache of one app. `sleep` waits, in seconds, for a key that was written less than a second ago."""

    def __init__(
        self,
        app: str,
        kv: KV,
        d1: D1 | None,
        postgres: Postgres,
        clock: Callable[[], datetime],
        *,
        app_postgres: Postgres | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._app = app
        self._kv = kv
        self._d1 = d1
        self._postgres = postgres
        self._app_postgres = app_postgres
        self._clock = clock
        self._sleep = sleep

    def run(
        self,
        family: Family,
        *,
        writes: int | None = None,
        tags: frozenset[str] | None = None,
        progress: Progress = silent,
    ) -> Warmed:
        """Write what a family wants, most wanted first, with at most `writes` writes (None: no limit).

        tags: only the keys of these organisations, of a family by organisation; None for all that it wants.
        A changed value that is left out stays until it expires, because deleting it would be a write too. A value that
        belongs to another tenant now is deleted.
        """
        with (
            self._postgres.lock(lock_of(self._app, family)) as connection,
            spooling() as spool,
        ):
            outcome = self._survey(connection, family, spool, writes, tags)
            tenants = None if tags is None else sorted(tags)
            unwanted = _batches(connection, "unwanted", {**self._named(family), "tenants": tenants})
            deleted = sum(self._deleted(rows) for rows in unwanted)
            self._wait(outcome)
            total = outcome.new + outcome.changed + outcome.renewed
            done = written = 0
            for bundle in _bundles(row for rows in _batches(connection, "chosen", None) for row in rows):
                self._write(family, bundle, spool)
                done += len(bundle)
                written += sum(row["bytes"] for row in bundle)
                progress(done, total)
        return Warmed(outcome, deleted, written)

    def survey(self, family: Family) -> Survey:
        """Compare a family with its index; changes nothing."""
        with self._postgres.connection(held=True) as connection, spooling() as spool:
            return self._survey(connection, family, spool, None)

    def indexed(self, family: Family) -> Indexed:
        """What the index has of a family."""
        (row,) = self._postgres.fetch(read_sql("cache/indexed.sql"), {**self._named(family), "now": self._clock()})
        return Indexed(row["keys"], row["expired"])

    def forget(self, family: Family) -> int:
        """Mark the value of every key of a family as unknown, so that the next run writes it; returns how many."""
        return self._postgres.execute(
            "update cache.entries set hash = %(unknown)s where namespace = %(namespace)s and family = %(family)s",
            {**self._named(family), "unknown": delta.UNKNOWN},
        )

    def _survey(
        self,
        connection: Connection,
        family: Family,
        spool: Spool,
        writes: int | None,
        tags: frozenset[str] | None = None,
    ) -> Survey:
        now = self._clock()
        sources = Sources(self._app, self._d1, self._postgres, now.date(), self._app_postgres, tags)
        return survey(connection, family, sources, spool, now, writes=writes)

    def _deleted(self, rows: list[Row]) -> int:
        keys = [row["key"] for row in rows]
        self._kv.delete_many(keys)
        self._postgres.execute(
            "delete from cache.entries where namespace = %(namespace)s and key = any(%(keys)s)",
            {"namespace": self._app, "keys": keys},
        )
        return len(keys)

    def _wait(self, outcome: Survey) -> None:
        if outcome.written_last is not None:
            left = outcome.written_last + delta.BETWEEN_WRITES - self._clock()
            if left > ZERO:
                self._sleep(min(left, delta.BETWEEN_WRITES).total_seconds())

    def _write(self, family: Family, bundle: list[Row], spool: Spool) -> None:
        now = self._clock()
        expiries = [delta.expiry(row["page_of"], now) for row in bundle]
        record = {
            **self._named(family),
            "keys": [row["key"] for row in bundle],
            "tenants": [row["tenant"] for row in bundle],
            "bytes": [row["bytes"] for row in bundle],
            "expiries": expiries,
        }
        unknown = [delta.UNKNOWN] * len(bundle)
        self._postgres.execute(read_sql("cache/record.sql"), {**record, "hashes": unknown, "written_at": now})
        hashes = [bytes(row["hash"]) for row in bundle]
        self._kv.put_many(
            Entry(
                row["key"],
                spool.read(row["position"], row["bytes"]),
                int(expires_at.timestamp()),
                metadata={delta.DIGEST: hashed.hex()},
            )
            for row, expires_at, hashed in zip(bundle, expiries, hashes, strict=True)
        )
        self._postgres.execute(read_sql("cache/record.sql"), {**record, "hashes": hashes, "written_at": self._clock()})

    def _named(self, family: Family) -> dict[str, Any]:
        return {"namespace": self._app, "family": family.name}


def lock_of(app: str, family: Family) -> str:
    """The name of the lock under which a family's keys and their index are changed."""
    return f"{app}.cache.{family.name}"


def of(rooms: Rooms, app: App) -> Warming:
    """The cache of an app's namespace."""
    d1 = rooms.d1(app) if app.d1_migrations is not None else None
    own = rooms.app_postgres(app) if app.postgres_migrations is not None else None
    return Warming(app.name, rooms.kv(app), d1, rooms.postgres, rooms.clock, app_postgres=own)


def _batches(connection: Connection, statement: str, params: dict[str, Any] | None) -> Iterator[list[Row]]:
    with connection.cursor(name=statement) as cursor:
        cursor.execute(read_sql(f"cache/{statement}.sql"), params)
        while rows := cursor.fetchmany(BUNDLE_KEYS):
            yield rows


def _bundles(rows: Iterable[Row]) -> Iterator[list[Row]]:
    bundle: list[Row] = []
    size = 0
    for row in rows:
        if bundle and (len(bundle) >= BUNDLE_KEYS or size + row["bytes"] > BUNDLE_BYTES):
            yield bundle
            bundle, size = [], 0
        bundle.append(row)
        size += row["bytes"]
    if bundle:
        yield bundle
