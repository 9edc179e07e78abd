"""The door of D1: what any D1 can do. No SQL engine and no HTTP in here; what rests on the rest alone is done here."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from resources.d1 import bulk, paging
from resources.d1.database import Param, Result, Row, Statement


class D1(Protocol):
    """One D1 database; safe to share among threads. Every failure is a `D1Error` (or an `HttpError` on the way)."""

    def query(self, sql: str, params: Sequence[Param] = ()) -> list[Row]:
        """Rows of one statement as dicts. Two columns of one name are refused: give one of them an alias.

        A value above 2^53 in the answer costs the HTTP room a second request, which reads it as text; a writing
        statement's RETURNING can't be asked twice, so select `cast(x as text)` there.
        """

    def execute(self, sql: str, params: Sequence[Param] = (), *, idempotent: bool = False) -> int:
        """Run one statement and return the rows it changed. Only `idempotent` SQL is sent again after a doubt."""

    def batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> list[Result]:
        """Run statements in one transaction: all or none. BEGIN, COMMIT and their kin are refused."""

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
        """Insert `rows` (values in the order of `columns`), updating the row of the same `key` instead; rows changed.

        `update` names the columns to set on a conflict (None: all but the key, empty: leave the row alone). With
        `only_changed`, a row that is equal already is neither written nor counted. Any number of rows: they travel
        in statements of under 2 MB, each its own transaction, so an upsert that is cut off is simply run again.
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

        `source` is a table's name or a SELECT (with `?NNN` or `?` bound to `params`); `after` starts behind a key.
        Each page reads the table as it is then: rows written behind the current key meanwhile are not seen.
        """
        return paging.stream(self.query, source, key, columns, page=page, params=params, after=after)

    def export(self, destination: BinaryIO | Path) -> int:
        """Write the database as SQL text, consistent as of one moment, and return its bytes.

        Refused (as D1 refuses it) while there is a virtual table, FTS5 included; the error names the tables.
        """

    def bookmark(self, at: datetime | None = None) -> str:
        """The time-travel bookmark of now, or of a moment `at` of the last 30 days.

        The embedded room keeps no history: its bookmark of now is the time itself, and `at` is an error.
        """

    def close(self) -> None:
        """Give back connections and file handles; the next call opens them again."""
