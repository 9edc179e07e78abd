"""The contract of D1: what both rooms do alike. What needs only the other methods is done here.

What does not belong here: an SQL engine (embedded.py), HTTP (cloudflare.py).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from resources.d1 import bulk, paging
from resources.d1.database import Param, Result, Row, Statement


class D1(Protocol):
    """One D1 database; safe to share among threads. Failures are `D1Error`, or `HttpError` on the way."""

    def query(self, sql: str, params: Sequence[Param] = ()) -> list[Row]:
        """Rows of one statement as dicts. Two columns of one name are refused: give one of them an alias.

        For an integer above 2^53 in the answer the HTTP room sends a second request, which reads it as text. The
        RETURNING of a write cannot be read twice: select `cast(x as text)` there.
        """

    def execute(self, sql: str, params: Sequence[Param] = (), *, idempotent: bool = False) -> int:
        """Run one statement; the rows it changed. Only `idempotent` SQL is sent again when it may have run already."""

    def batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> list[Result]:
        """Run statements in one transaction: all or none. BEGIN, COMMIT and the like are refused."""

    def upsert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Param]],
        key: Sequence[str],
        update: Sequence[str] | None = None,
        *,
        only_changed: bool = False,
    ) -> int:
        """Insert `rows` (values in the order of `columns`) or update the row of the same `key`; rows changed.

        `update` names the columns to set on a conflict (None: all but the key; empty: the row stays as it is). With
        `only_changed`, a row that is equal already is neither written nor counted. There may be any number of rows:
        they travel in statements below 2 MB, each in its own transaction. After an interruption, run it again.
        """
        chunks = bulk.statements(table, columns, rows, key, update, only_changed=only_changed)
        return sum(self.execute(chunk.sql, chunk.params, idempotent=True) for chunk in chunks)

    def stream(
        self,
        source: str,
        key: str | Sequence[str],
        columns: Sequence[str] | None = None,
        *,
        page: int = 1000,
        params: Sequence[Param] = (),
        after: Sequence[Param] | None = None,
    ) -> Iterator[list[Row]]:
        """Pages of at most `page` rows in order of `key`, which must be unique and without NULL.

        `source` is a table's name, or a SELECT with `params` for its `?NNN` or `?`. `after` is a key to start behind.
        Each page reads the table at its own time: a row that is written meanwhile before the current key is not seen.
        """
        return paging.stream(self.query, source, key, columns, page=page, params=params, after=after)

    def export(self, destination: BinaryIO | Path) -> int:
        """Write the database at one point in time as SQL text; the number of bytes. A file appears when it is whole.

        Refused, as by D1, while there is a virtual table such as FTS5; the error names the tables.
        """

    def bookmark(self, at: datetime | None = None) -> str:
        """The time-travel bookmark of now, or of a time `at` in the last 30 days.

        The embedded room has no history: its bookmark of now is the time itself, and `at` is an error.
        """

    def size(self) -> int:
        """The bytes of the database, which Cloudflare's limit is about."""

    def scrub(self) -> timedelta:
        """Overwrite what was deleted, as far as the room can; for how long the service still keeps earlier states."""

    def close(self) -> None:
        """Close connections and file handles; the next call opens new ones."""
