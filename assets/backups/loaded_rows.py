"""Rows of an open load of Postgres, deleted or changed, with the checksums of their tables.

What does not belong here: which rows (postgres_people.py, postgres_traces.py).
"""

from collections.abc import Callable, Sequence

from psycopg.sql import SQL, Composable, Identifier

from resources.postgres.load import Load
from resources.postgres.row_checksum import RowChecksum


def delete(load: Load, name: str, condition: Composable, checksum: RowChecksum) -> int:
    """Delete the rows of a condition; how many there were."""
    table = load.tables[name]
    statement = SQL("delete from {} child where {} returning {}").format(
        table.identifier, condition, _columns(table.columns)
    )
    return _each(load, statement, checksum.remove)


def empty(load: Load, name: str, columns: Sequence[str], condition: Composable, checksum: RowChecksum) -> None:
    """Set columns to null in the rows of a condition."""
    change(load, name, SQL(", ").join(SQL("{} = null").format(Identifier(c)) for c in columns), condition, checksum)


def change(load: Load, name: str, values: Composable, condition: Composable, checksum: RowChecksum) -> None:
    """Set `column = value, …` in the rows of a condition, which are called `child`."""
    table = load.tables[name]
    columns = _columns(table.columns)
    was = SQL("select {} from {} child where {}").format(columns, table.identifier, condition)
    _each(load, was, checksum.remove)
    now = SQL("update {} child set {} where {} returning {}").format(table.identifier, values, condition, columns)
    _each(load, now, checksum.add)


def _each(load: Load, statement: Composable, take: Callable[[bytes], None]) -> int:
    """Hand each row that a statement returns on, in the form in which checksums count it."""
    rows = 0
    with load.connection.cursor() as cursor, cursor.copy(SQL("copy ({}) to stdout").format(statement)) as copy:
        for row in copy:
            take(bytes(row))
            rows += 1
    return rows


def _columns(names: Sequence[str]) -> Composable:
    return SQL(", ").join(map(Identifier, names))
