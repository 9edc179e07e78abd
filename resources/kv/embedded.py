"""The embedded room of Workers KV: one SQLite file under KV's rules (limits, expiry, byte order of keys).

Unlike Cloudflare's, its writes are seen at once. Threads and processes may share the file.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from resources.kv import limits
from resources.kv.namespace import Entry, KeyInfo, KVError
from resources.sqlite_file import SqliteFile

LIST_PAGE = 1000
CHUNK_PAIRS = 1000
CHUNK_BYTES = 64 * 1024 * 1024
Pair = tuple[str, bytes, int | None, str | None]
Chunk = list[Pair]
TABLE = (
    "create table if not exists pairs "
    "(key text primary key, value blob not null, expiration integer, metadata text) without rowid"
)
# Without it the sweep would read the whole file at every put.
INDEX = "create index if not exists pairs_by_expiration on pairs (expiration)"
PUT = "insert or replace into pairs (key, value, expiration, metadata) values (?, ?, ?, ?)"
GET = "select value from pairs where key = ? and (expiration is null or expiration > ?)"
LIST = (
    "select key, expiration, metadata from pairs where key >= ? "
    "and (expiration is null or expiration > ?) order by key limit ?"
)


class EmbeddedKV:
    """A namespace in the SQLite file at `path`, made with its folders on first use; `clock` in Unix seconds."""

    def __init__(self, path: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self._clock = clock
        self._file = SqliteFile(self.path, _prepared)

    def __repr__(self) -> str:
        return f"EmbeddedKV({str(self.path)!r})"

    def put_many(self, entries: Iterable[Entry]) -> None:
        """See `KV.put_many`; a transaction for each 1,000 pairs, which also sweeps out what has expired."""
        chunk: Chunk = []
        size = 0
        for entry in entries:
            chunk.append(_pair(entry, self._clock()))
            size += len(entry.value)
            if len(chunk) >= CHUNK_PAIRS or size >= CHUNK_BYTES:
                self._put(chunk)
                chunk, size = [], 0
        self._put(chunk)

    def get(self, key: str) -> bytes | None:
        """See `KV.get`."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `KV.get_many`."""
        now = self._clock()
        found: dict[str, bytes] = {}
        with self._connection() as connection:
            for key in keys:
                limits.check_key(key)
                row = connection.execute(GET, (key, now)).fetchone()
                if row is not None:
                    found[key] = row[0]
        return found

    def delete_many(self, keys: Iterable[str]) -> None:
        """See `KV.delete_many`; one transaction."""
        doomed = list(keys)
        for key in doomed:
            limits.check_key(key)
        with self._connection(transaction=True) as connection:
            connection.executemany("delete from pairs where key = ?", ((key,) for key in doomed))

    def list(self, prefix: str = "") -> Iterator[KeyInfo]:
        """See `KV.list`."""
        start = prefix
        while True:
            with self._connection() as connection:
                rows = connection.execute(LIST, (start, self._clock(), LIST_PAGE)).fetchall()
            for key, expiration, metadata in rows:
                if not key.startswith(prefix):
                    return
                yield KeyInfo(key, expiration, None if metadata is None else json.loads(metadata))
            if len(rows) < LIST_PAGE:
                return
            start = rows[-1][0] + "\0"  # the next text in byte order

    def close(self) -> None:
        """See `KV.close`."""
        self._file.close()

    def _put(self, pairs: Sequence[Pair]) -> None:
        with self._connection(transaction=True) as connection:
            connection.execute("delete from pairs where expiration <= ?", (self._clock(),))
            connection.executemany(PUT, pairs)

    @contextmanager
    def _connection(self, *, transaction: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            with self._file.transaction() if transaction else self._file.connection() as connection:
                yield connection
        except sqlite3.Error as error:
            raise KVError(limits.REFUSED, f"{error} ({self.path.name})") from error


def _prepared(connection: sqlite3.Connection) -> None:
    for statement in (TABLE, INDEX):
        connection.execute(statement).close()


def _pair(entry: Entry, now: float) -> Pair:
    limits.check_entry(entry, now)
    expiration = entry.expires_at if entry.ttl is None else int(now) + entry.ttl
    metadata = None if entry.metadata is None else limits.metadata_json(entry.metadata)
    return entry.key, bytes(entry.value), expiration, metadata
