"""The embedded room of Workers KV: one SQLite file with KV's rules (limits, expiry, byte order of keys).

Unlike at Cloudflare, a write is visible at once. Threads and processes may share the file.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from resources.chunks import chunked_by_size
from resources.kv import limits
from resources.kv.protocol import KV, Entry, KeyInfo, KVError
from resources.meter import KV_DELETES, KV_LISTS, KV_READS, KV_WRITES, Count, nobody
from resources.sqlite_file import SqliteFile

LIST_PAGE = 1000
CHUNK_PAIRS = 1000
CHUNK_BYTES = 64 * 1024 * 1024
Pair = tuple[str, bytes, int | None, str | None]
TABLE = (
    "create table if not exists pairs "
    "(key text primary key, value blob not null, expiration integer, metadata text) without rowid"
)
# Without it, the removal of expired pairs would read the whole file at every put.
INDEX = "create index if not exists pairs_by_expiration on pairs (expiration)"
PUT = "insert or replace into pairs (key, value, expiration, metadata) values (?, ?, ?, ?)"
GET = "select value from pairs where key = ? and (expiration is null or expiration > ?)"
LIST = (
    "select key, expiration, metadata from pairs where key >= ? "
    "and (expiration is null or expiration > ?) order by key limit ?"
)


class EmbeddedKV(KV):
    """A namespace in the SQLite file at `path`, which the first use makes with its folders. `clock`: Unix seconds.

    count: gets what Cloudflare would charge for: each key, and each page of a listing.
    """

    settles_within = timedelta(0)

    def __init__(self, path: Path | str, *, clock: Callable[[], float] = time.time, count: Count = nobody) -> None:
        self.path = Path(path)
        self._clock = clock
        self._count = count
        self._file = SqliteFile(self.path, _prepare, self._error)

    def __repr__(self) -> str:
        return f"EmbeddedKV({str(self.path)!r})"

    def put_many(self, entries: Iterable[Entry]) -> None:
        """See `KV.put_many`; a transaction for each 1,000 pairs, which also removes expired pairs."""
        pairs = (_pair(entry, self._clock()) for entry in entries)
        for chunk in chunked_by_size(pairs, lambda pair: len(pair[1]), most_size=CHUNK_BYTES, most=CHUNK_PAIRS):
            with self._file.transaction() as connection:
                connection.execute("delete from pairs where expiration <= ?", (self._clock(),))
                connection.executemany(PUT, chunk)
            self._count(KV_WRITES, len(chunk))

    def get(self, key: str) -> bytes | None:
        """See `KV.get`."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `KV.get_many`."""
        now = self._clock()
        values: dict[str, bytes] = {}
        with self._file.connection() as connection:
            for key in keys:
                limits.check_key(key)
                self._count(KV_READS, 1)
                row = connection.execute(GET, (key, now)).fetchone()
                if row is not None:
                    values[key] = row[0]
        return values

    def delete_many(self, keys: Iterable[str]) -> None:
        """See `KV.delete_many`; one transaction."""
        checked = list(keys)
        for key in checked:
            limits.check_key(key)
        with self._file.transaction() as connection:
            connection.executemany("delete from pairs where key = ?", ((key,) for key in checked))
        self._count(KV_DELETES, len(checked))

    def list(self, prefix: str = "") -> Iterator[KeyInfo]:
        """See `KV.list`."""
        start = prefix
        while True:
            self._count(KV_LISTS, 1)
            with self._file.connection() as connection:
                rows = connection.execute(LIST, (start, self._clock(), LIST_PAGE)).fetchall()
            for key, expiration, metadata in rows:
                if not key.startswith(prefix):
                    return
                yield KeyInfo(key, expiration, None if metadata is None else json.loads(metadata))
            if len(rows) < LIST_PAGE:
                return
            start = rows[-1][0] + "\0"  # the next text in byte order

    def scrub(self) -> timedelta:
        """See `KV.scrub`; nothing earlier is kept."""
        self._file.scrub()
        return timedelta(0)

    def close(self) -> None:
        """See `KV.close`."""
        self._file.close()

    def _error(self, error: sqlite3.Error) -> KVError:
        return KVError(limits.REFUSED, f"{error} ({self.path.name})")


def _prepare(connection: sqlite3.Connection) -> None:
    for statement in (TABLE, INDEX):
        connection.execute(statement).close()


def _pair(entry: Entry, now: float) -> Pair:
    limits.check_entry(entry, now)
    expiration = entry.expires_at if entry.ttl is None else int(now) + entry.ttl
    metadata = None if entry.metadata is None else limits.metadata_json(entry.metadata)
    return entry.key, bytes(entry.value), expiration, metadata
