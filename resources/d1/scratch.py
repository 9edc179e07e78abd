"""A database that is built of a schema and images in a temporary file, which is gone with its process.

What belongs here: building it, looking at it, writing it to a file. What does not: which rows belong into it.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from resources import private
from resources.chunks import chunked
from resources.d1 import images
from resources.d1.database import Param, Row, as_rows
from resources.d1.names import column_list, quoted
from resources.d1.schema import Schema, SchemaObject, TableShape, is_virtual

CHUNK_ROWS = 1_000


class Scratch:
    """A database that is built in steps: the tables are there; `put` rows, then call `add_indexes` and `add_rest`."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        # A database without a name is a file that SQLite unlinks as it opens it.
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.text_factory = lambda data: data.decode(errors="surrogateescape")
        for name, value in (("journal_mode", "off"), ("cache_size", "-64000"), ("ignore_check_constraints", "on")):
            self._connection.execute(f"pragma {name} = {value}")
        if sqlite3.sqlite_version_info < (3, 41):
            self._connection.create_function("unhex", 1, _unhex, deterministic=True)
        self._make(lambda o: o.type == "table" and not is_virtual(o) and o.name not in schema.shadows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def query(self, sql: str, params: Sequence[Param] = ()) -> list[Row]:
        """Rows of one statement as dicts, as `D1.query`."""
        cursor = self._connection.execute(sql, tuple(params))
        return as_rows([column[0] for column in cursor.description or ()], cursor.fetchall())

    def execute(self, sql: str, params: Sequence[Param] = ()) -> int:
        """Run one statement; the rows that it changed."""
        return self._connection.execute(sql, tuple(params)).rowcount

    def execute_many(self, sql: str, rows: Iterable[Sequence[Param]]) -> None:
        """Run one statement once for each row of parameters, in one transaction."""
        self._connection.execute("begin")
        self._connection.executemany(sql, rows)
        self._connection.execute("commit")

    def function(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        """Give statements a function of ours."""
        self._connection.create_function(name, arguments, function, deterministic=True)

    def put(self, table: TableShape, lines: Iterable[bytes]) -> None:
        """Insert rows by their images."""
        insert = f"insert into {quoted(table.name)} ({column_list(table.columns)}) values"
        marks = ", ".join("?" for _ in table.columns)
        for chunk in chunked(lines, CHUNK_ROWS):
            plain: list[list[Any]] = []
            odd: list[list[Any]] = []
            for line in chunk:
                (plain if _is_utf8(line) else odd).append([v for group in images.values(line) for v in group])
            self.execute_many(f"{insert} ({marks})", plain)
            for row in odd:
                given = ", ".join("cast(? as text)" if isinstance(value, str) else "?" for value in row)
                values = (value.encode(errors="surrogateescape") if isinstance(value, str) else value for value in row)
                self._connection.execute(f"{insert} ({given})", tuple(values))

    def set_sequences(self, sequences: Mapping[str, int]) -> None:
        """Set up to which number the tables with AUTOINCREMENT have counted."""
        for table, number in sequences.items():
            self._connection.execute("delete from sqlite_sequence where name = ?", [table])
            self._connection.execute("insert into sqlite_sequence (name, seq) values (?, ?)", [table, number])

    def empty(self, tables: Iterable[str]) -> None:
        """Delete all rows of some tables."""
        for table in tables:
            self._connection.execute(f"delete from {quoted(table)}")

    def add_indexes(self) -> None:
        """Make the indexes, once the rows are there."""
        self._make(lambda o: o.type == "index" and o.table not in self.schema.shadows)

    def add_rest(self) -> None:
        """Make full-text indexes and fill them, then views, and triggers last."""
        self._make(is_virtual)
        for name in self.schema.indexes_of_text:
            self._connection.execute(f"insert into {quoted(name)} ({quoted(name)}) values ('rebuild')")
        self._make(lambda o: o.type == "view")
        self._make(lambda o: o.type == "trigger")

    def write(self, path: Path) -> None:
        """Write the database to a new file, whole or not at all; FileExistsError where there is one already."""
        private.make_folder(path.parent)
        draft = path.with_name(f".{path.name}.draft")
        _remove(draft)
        try:
            private.make_file(draft)
            with closing(sqlite3.connect(draft)) as file:
                self._connection.backup(file)
            with draft.open("rb") as written:
                os.fsync(written.fileno())
            # A link fails where the name is taken.
            os.link(draft, path)
        finally:
            # Also where the disk is full: what stays would keep it full.
            _remove(draft)

    def _make(self, wanted: Callable[[SchemaObject], bool]) -> None:
        for o in self.schema.objects:
            if wanted(o):
                self._connection.execute(o.sql)


def _remove(draft: Path) -> None:
    for ending in ("", "-journal", "-wal", "-shm"):
        draft.with_name(draft.name + ending).unlink(missing_ok=True)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unhex(text: str | None) -> bytes | None:
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError:
        return None
