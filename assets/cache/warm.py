"""Warming: wanted values into KV, only where the index says that they are new, changed or near their expiry.

Of a bundle of keys, the index first says that their values are unknown, then KV is written, then the index says what
was. A kill anywhere leaves keys that the next warming writes again, or deletes when nobody wants them any more. One
family of a namespace is warmed by one process at a time.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from assets.cache import delta
from assets.cache.spool import Spool, spooling
from assets.cache.survey import Place, Survey, survey
from assets.cache.wanted import Sources
from assets.progress import Progress, silent
from resources.d1 import D1
from resources.kv import KV, Entry
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql

# One request to KV takes 10,000 pairs and 100 MB.
BUNDLE_KEYS = 10_000
BUNDLE_BYTES = 64 * 1024 * 1024
ZERO = timedelta(0)
Row = dict[str, Any]


@dataclass(frozen=True)
class Warmed:
    """What a warming did: how things stood, keys deleted, bytes written."""

    survey: Survey
    deleted: int
    bytes_written: int

    @property
    def written(self) -> int:
        return self.survey.new + self.survey.changed + self.survey.renewed

    @property
    def writes_saved(self) -> int:
        """Beside writing every wanted key."""
        return self.survey.wanted - self.written

    @property
    def freshness(self) -> float | None:
        """The share of wanted keys that are present and current now; None where none is wanted."""
        return self.survey.fresh(self.survey.left_wrong)


@dataclass(frozen=True)
class Held:
    """What the index says of a family: its keys, and how many of them have expired."""

    keys: int
    expired: int


class Warming:
    """The cache of one namespace. `sleep` waits, in seconds, for a key that was written less than a second ago."""

    def __init__(
        self,
        kv: KV,
        d1: D1,
        postgres: Postgres,
        clock: Callable[[], datetime],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._kv = kv
        self._d1 = d1
        self._postgres = postgres
        self._clock = clock
        self._sleep = sleep

    def run(self, place: Place, *, writes: int | None = None, progress: Progress = silent) -> Warmed:
        """Make the keys of a family be what it wants, most wanted first, with at most `writes` writes (None: all).

        A changed value that is left out stays until its expiry, for taking it away would be a write too; one that
        belongs to another tenant now is taken away.
        """
        with (
            self._postgres.lock(f"cache.{place.namespace}.{place.family.name}") as connection,
            spooling() as spool,
        ):
            found = self._survey(connection, place, spool, writes)
            deleted = sum(self._deleted(place, keys) for keys in _batches(connection, "unwanted", _named(place)))
            self._wait(found)
            total = found.new + found.changed + found.renewed
            done = written = 0
            for bundle in _bundles(row for rows in _batches(connection, "chosen", None) for row in rows):
                self._write(place, bundle, spool)
                done += len(bundle)
                written += sum(row["bytes"] for row in bundle)
                progress(done, total)
        return Warmed(found, deleted, written)

    def survey(self, place: Place) -> Survey:
        """How a family stands; changes nothing."""
        with self._postgres.connection() as connection, spooling() as spool:
            return self._survey(connection, place, spool, None)

    def held(self, place: Place) -> Held:
        """What the index says of a family."""
        (row,) = self._postgres.fetch(read_sql("cache/held.sql"), {**_named(place), "now": self._clock()})
        return Held(row["keys"], row["expired"])

    def forget(self, place: Place) -> int:
        """Say of every key of a family that its value is unknown, so that the next run writes it; how many."""
        return self._postgres.execute(
            "update cache.entries set hash = %(unknown)s where namespace = %(namespace)s and family = %(family)s",
            {**_named(place), "unknown": delta.UNKNOWN},
        )

    def _survey(self, connection: Connection, place: Place, spool: Spool, writes: int | None) -> Survey:
        now = self._clock()
        return survey(connection, place, Sources(self._d1, self._postgres, now.date()), spool, now, writes=writes)

    def _deleted(self, place: Place, rows: list[Row]) -> int:
        keys = [row["key"] for row in rows]
        self._kv.delete_many(keys)
        self._postgres.execute(
            "delete from cache.entries where namespace = %(namespace)s and key = any(%(keys)s)",
            {"namespace": place.namespace, "keys": keys},
        )
        return len(keys)

    def _wait(self, found: Survey) -> None:
        if found.written_last is not None:
            left = found.written_last + delta.BETWEEN_WRITES - self._clock()
            if left > ZERO:
                self._sleep(min(left, delta.BETWEEN_WRITES).total_seconds())

    def _write(self, place: Place, bundle: list[Row], spool: Spool) -> None:
        now = self._clock()
        expiries = [delta.expiry(row["page_of"], now) for row in bundle]
        record = {
            **_named(place),
            "keys": [row["key"] for row in bundle],
            "tenants": [row["tenant"] for row in bundle],
            "bytes": [row["bytes"] for row in bundle],
            "expiries": expiries,
        }
        unknown = [delta.UNKNOWN] * len(bundle)
        self._postgres.execute(read_sql("cache/record.sql"), {**record, "hashes": unknown, "written_at": now})
        self._kv.put_many(
            Entry(row["key"], spool.read(row["position"], row["bytes"]), int(expires_at.timestamp()))
            for row, expires_at in zip(bundle, expiries, strict=True)
        )
        hashes = [bytes(row["hash"]) for row in bundle]
        self._postgres.execute(read_sql("cache/record.sql"), {**record, "hashes": hashes, "written_at": self._clock()})


def _named(place: Place) -> dict[str, Any]:
    return {"namespace": place.namespace, "family": place.family.name}


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
