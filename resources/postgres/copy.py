"""Bulk transfer to and from Postgres by COPY: rows, Arrow tables and polars frames.

What belongs here: exact conversion of rows to COPY's format and back. What does not: which rows, and their use (an
upsert is SQL on the copied rows). polars and pyarrow are imported at the first use, because a command that copies
nothing starts without them.
"""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
import psycopg.sql

from resources.postgres.client import Connection, Params

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Rows: TypeAlias = "Iterable[Sequence[Any]] | pl.DataFrame | pa.Table"

# Large enough that COPY takes most of the time, small enough for a few megabytes of text in memory.
SLICE_ROWS = 20_000
JSON_OIDS = frozenset({114, 3802})


def copy_in(connection: Connection, table: str, columns: Sequence[str], rows: Rows) -> int:
    """COPY rows into `columns` of `table` (`name` or `schema.name`), in the connection's transaction; how many rows.

    Rows are sequences in the order of `columns`; a frame's columns are found by name. None is NULL, '' is ''. For a
    json or jsonb column a str is JSON text, and any other value becomes JSON. In other columns, a list is an array.
    """
    import polars as pl
    import pyarrow as pa

    target = psycopg.sql.SQL("copy {} ({}) from stdin").format(
        identifier(table), psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, columns))
    )
    if isinstance(rows, pa.Table):
        converted = pl.from_arrow(rows)
        if not isinstance(converted, pl.DataFrame):  # pragma: no cover - a Table always gives a frame
            raise TypeError("an Arrow table is expected")
        rows = converted
    if isinstance(rows, pl.DataFrame):
        frame = rows.select(columns)
        if not any(dtype.is_nested() or dtype in (pl.Object, pl.Duration) for dtype in frame.dtypes):
            return _copy_text(connection, target, frame)
        rows = frame.iter_rows()
    return _copy_rows(connection, target, rows, _json_positions(connection, table, columns))


def copy_out(connection: Connection, query: str, params: Params = None) -> Iterator[bytes]:
    """The rows of a query as CSV with a header, UTF-8, in chunks: NULL is empty, '' is quoted."""
    statement = psycopg.sql.SQL("copy ({}) to stdout (format csv, header true)").format(psycopg.sql.SQL(query))
    with connection.cursor() as cursor, cursor.copy(statement, params) as copy:
        for chunk in copy:
            yield bytes(chunk)


def stream(connection: Connection, query: str, params: Params = None, batch: int = 5_000) -> Iterator[list[Any]]:
    """The rows of a query as lists of up to `batch` dicts, by a cursor on the server, for a result of any size."""
    with connection.cursor(name="stream") as cursor:
        cursor.execute(query, params)
        while rows := cursor.fetchmany(batch):
            yield list(rows)


def identifier(table: str) -> psycopg.sql.Identifier:
    """`name` or `schema.name`, quoted for SQL."""
    return psycopg.sql.Identifier(*table.split(".", 1))


def _copy_text(connection: Connection, target: psycopg.sql.Composed, frame: "pl.DataFrame") -> int:
    """COPY of CSV that polars writes. Every text is quoted, so that only an empty field without quotes is NULL."""
    import polars as pl

    frame = frame.with_columns(
        *[
            (pl.lit("\\x") + pl.col(name).bin.encode("hex")).alias(name)
            for name, dtype in frame.schema.items()
            if dtype == pl.Binary
        ],
        *[
            pl.col(name).cast(pl.String)
            for name, dtype in frame.schema.items()
            if dtype in (pl.Categorical, pl.Enum, pl.Null)
        ],
    )
    statement = target + psycopg.sql.SQL(" (format csv)")
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for part in frame.iter_slices(SLICE_ROWS):
            text = io.BytesIO()
            part.write_csv(text, include_header=False, quote_style="non_numeric")
            copy.write(text.getbuffer())
    return frame.height


def _copy_rows(
    connection: Connection, target: psycopg.sql.Composed, rows: Iterable[Sequence[Any]], json_at: Sequence[int]
) -> int:
    count = 0
    with connection.cursor() as cursor, cursor.copy(target) as copy:
        for row in rows:
            if json_at:
                row = list(row)
                for position in json_at:
                    value = row[position]
                    if value is not None and not isinstance(value, str):
                        row[position] = json.dumps(value, ensure_ascii=False, default=str)
            copy.write_row(row)
            count += 1
    return count


def _json_positions(connection: Connection, table: str, columns: Sequence[str]) -> list[int]:
    names = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, columns))
    cursor = connection.execute(psycopg.sql.SQL("select {} from {} limit 0").format(names, identifier(table)))
    return [i for i, column in enumerate(cursor.description or []) if column.type_code in JSON_OIDS]
