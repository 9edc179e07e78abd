"""A database as SQL text, of which each statement is short enough for D1 (100 KB).

A row may have 2 MB. What is too long for one statement is put together, piece by piece, in a table that the dump makes
and drops. The row itself is inserted at once, so that its constraints hold.
"""

import re
import sqlite3
from collections.abc import Iterator

from resources.d1.limits import MAX_SQL_BYTES
from resources.d1.names import quoted

# sqlite3 writes a row as `INSERT INTO "name" VALUES(…);` with each value as SQLite's quote() gives it.
_INSERT = re.compile(r'INSERT INTO "(?:[^"]|"")*" VALUES\(')
_LITERAL = re.compile(r"X?'(?:[^']|'')*'|[^,']+", re.DOTALL)
# A character has 4 bytes at most, and a quote is written twice.
PIECE = 20_000
# 100 values of this length are far below the limit.
SHORT = 500


def statements(connection: sqlite3.Connection) -> Iterator[str]:
    """The dump as D1 writes it: deferred foreign keys, and no BEGIN and COMMIT, because D1's import refuses them."""
    yield "PRAGMA defer_foreign_keys=TRUE;"
    pieces = ""
    for text in connection.iterdump():
        if text in {"BEGIN TRANSACTION;", "COMMIT;"}:
            continue
        if len(text.encode()) <= MAX_SQL_BYTES:
            yield text
            continue
        if not pieces:
            pieces = quoted(_unused_name(connection))
            yield f"CREATE TABLE {pieces} (n INTEGER PRIMARY KEY, v);"
        yield from _in_pieces(text, pieces)
    if pieces:
        yield f"DROP TABLE {pieces};"


def _in_pieces(insert: str, pieces: str) -> Iterator[str]:
    """The statements that insert one row whose INSERT is too long."""
    start = _INSERT.match(insert)
    assert start is not None, "only rows are that long"
    values = []
    for number, literal in enumerate(_LITERAL.findall(insert, start.end(), len(insert) - len(");"))):
        if len(literal) <= SHORT:
            values.append(literal)
            continue
        yield f"INSERT INTO {pieces} VALUES({number},'');"
        for piece in _pieces(literal):
            yield f"UPDATE {pieces} SET v=v||{piece} WHERE n={number};"
        # Joined bytes are text for SQLite.
        value = "CAST(v AS BLOB)" if literal.startswith("X") else "v"
        values.append(f"(SELECT {value} FROM {pieces} WHERE n={number})")
    yield f"{start[0]}{','.join(values)});"
    yield f"DELETE FROM {pieces};"


def _pieces(literal: str) -> Iterator[str]:
    if literal.startswith("X"):
        digits = literal[2:-1]
        yield from (f"X'{digits[at : at + PIECE]}'" for at in range(0, len(digits), PIECE))
        return
    text = literal[1:-1].replace("''", "'")
    for at in range(0, len(text), PIECE):
        yield "'" + text[at : at + PIECE].replace("'", "''") + "'"


def _unused_name(connection: sqlite3.Connection) -> str:
    names = {name for (name,) in connection.execute("select name from sqlite_master")}
    name = "pieces"
    while name in names:
        name += "_"
    return name
