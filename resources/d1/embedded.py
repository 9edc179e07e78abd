"""The embedded room of D1: one SQLite file with D1's rules (placeholders, limits, batches, foreign keys).

Threads and processes may share the file.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from resources.d1 import dump, limits
from resources.d1.database import D1Error, Param, Result, Row, Statement, as_rows
from resources.d1.export import write_whole
from resources.d1.protocol import D1
from resources.sqlite_file import SqliteFile

SQL_ERROR = 7500
VIRTUAL_TABLES = "select name from sqlite_master where sql like 'create virtual table%' order by name"
SQLITE_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: limits.MAX_VALUE_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: limits.MAX_SQL_BYTES,
    sqlite3.SQLITE_LIMIT_COLUMN: limits.MAX_COLUMNS,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: limits.MAX_PARAMS,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: limits.MAX_LIKE_BYTES,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: limits.MAX_COMPOUND_SELECTS,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: limits.MAX_FUNCTION_ARGUMENTS,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: limits.MAX_EXPRESSION_DEPTH,
}

DUMP_LIMITS = (sqlite3.SQLITE_LIMIT_LENGTH, sqlite3.SQLITE_LIMIT_EXPR_DEPTH)


class EmbeddedD1(D1):
    """A D1 database in the SQLite file at `path`, which is made with its folders at the first use."""

    def __init__(self, path: Path | str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = Path(path)
        self._clock = clock
        self._file = SqliteFile(self.path, _prepare, _error)

    def __repr__(self) -> str:
        return f"EmbeddedD1({str(self.path)!r})"

    def query(self, sql: str, params: Sequence[Param] = ()) -> list[Row]:
        """See `D1.query`."""
        return self._run(Statement(sql, params)).rows

    def execute(self, sql: str, params: Sequence[Param] = (), *, idempotent: bool = False) -> int:  # noqa: ARG002
        """See `D1.execute`; a local file always answers, so nothing is sent again."""
        return self._run(Statement(sql, params)).changes

    def batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> list[Result]:  # noqa: ARG002
        """See `D1.batch`."""
        checked = list(statements)
        for statement in checked:
            limits.check(statement)
        with self._file.transaction() as connection:
            return [_result(connection, statement) for statement in checked]

    def export(self, destination: BinaryIO | Path) -> int:
        """See `D1.export`; one read transaction. Each statement is short enough for D1."""
        return write_whole(destination, self._dump)

    def bookmark(self, at: datetime | None = None) -> str:
        """See `D1.bookmark`; restore an earlier state from a backup instead."""
        if at is not None:
            raise D1Error(7400, "an embedded D1 has no history; restore a backup")
        self.query("select 1")
        return f"embedded-{self._clock().astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"

    def size(self) -> int:
        """See `D1.size`."""
        pages = "select page_count * page_size as bytes from pragma_page_count(), pragma_page_size()"
        return int(self.query(pages)[0]["bytes"])

    def scrub(self) -> timedelta:
        """See `D1.scrub`: the file is written again, and its log emptied. Nothing earlier is kept."""
        self._file.scrub()
        return timedelta(0)

    def close(self) -> None:
        """See `D1.close`."""
        self._file.close()

    def _run(self, statement: Statement) -> Result:
        limits.check(statement)
        with self._file.connection() as connection:
            return _result(connection, statement)

    def _dump(self, file: BinaryIO) -> int:
        size = 0
        with self._file.connection() as connection:
            connection.execute("begin")
            # sqlite3 reads a row as one text, which is longer than the row itself, by one expression over its columns.
            for limit in DUMP_LIMITS:
                connection.setlimit(limit, 1_000_000_000)
            try:
                virtual = _result(connection, Statement(VIRTUAL_TABLES)).rows
                if virtual:
                    names = ", ".join(row["name"] for row in virtual)
                    raise D1Error(SQL_ERROR, f"cannot export a database with virtual tables: {names}")
                for text in dump.statements(connection):
                    size += file.write(text.encode() + b"\n")
            finally:
                connection.rollback()
                for limit in DUMP_LIMITS:
                    connection.setlimit(limit, SQLITE_LIMITS[limit])
        return size


def _error(error: sqlite3.Error) -> D1Error:
    return D1Error(SQL_ERROR, f"{error}: {getattr(error, 'sqlite_errorname', type(error).__name__)}")


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("pragma foreign_keys = on")
    for limit, value in SQLITE_LIMITS.items():
        connection.setlimit(limit, value)
    if sqlite3.sqlite_version_info < (3, 41):  # unhex is there since 3.41, and D1 has it
        connection.create_function("unhex", 1, _unhex, deterministic=True)


def _result(connection: sqlite3.Connection, statement: Statement) -> Result:
    before = connection.total_changes
    cursor = connection.execute(statement.sql, tuple(statement.params))
    try:
        rows = cursor.fetchall()
        columns = [column[0] for column in cursor.description or ()]
    finally:
        cursor.close()
    return Result(as_rows(columns, rows), connection.total_changes - before)


def _unhex(text: str | None) -> bytes | None:
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError:
        return None
