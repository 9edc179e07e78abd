"""Bulk upserts: rows travel as one JSON parameter that json_each takes apart, in statements below 2 MB.

1,000 rows are one request. With a parameter for each value they would be 10 requests for each column.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from resources.chunks import chunked_by_size
from resources.d1.database import D1Error, Param, Statement
from resources.d1.limits import MAX_COLUMNS, MAX_VALUE_BYTES, check_value
from resources.d1.names import balanced, column_list, quoted

CHUNK_BYTES = MAX_VALUE_BYTES - 1_000
Value = TypeVar("Value")


def statements(
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Param]],
    key: Sequence[str],
    update: Sequence[str] | None = None,
    *,
    only_changed: bool = False,
    replacing: bool = False,
) -> Iterator[Statement]:
    """The upsert as statements of one parameter each; see `D1.upsert` for the arguments.

    `replacing` deletes the rows that are in the way of a row, instead of updating the one of the same key.
    """
    conflict = "" if replacing else on_conflict(table, columns, key, update, only_changed=only_changed)
    target = f"insert{' or replace' if replacing else ''} into {quoted(table)} ({column_list(columns)})"
    for payload, blobs in chunks(table, columns, rows):
        values = ", ".join(value(i, blob=i in blobs) for i in range(len(columns)))
        # With `where true`, SQLite's parser does not take ON CONFLICT for the ON of a join.
        yield Statement(f"{target} select {values} from json_each(?1) where true {conflict}", (payload,))


def on_conflict(
    table: str, columns: Sequence[str], key: Sequence[str], update: Sequence[str] | None, *, only_changed: bool
) -> str:
    """The clause of an upsert; see `D1.upsert` for the arguments."""
    if len(columns) > MAX_COLUMNS or len(set(columns)) != len(columns):
        raise D1Error(7400, f"upsert into {table}: {len(columns)} columns, some twice or above D1's {MAX_COLUMNS}")
    changed = [name for name in columns if name not in key] if update is None else list(update)
    missing = [name for name in (*key, *changed) if name not in columns]
    if missing or not key:
        raise D1Error(7400, f"upsert into {table}: {', '.join(missing) or 'the key'} not among its columns")
    if not changed:
        return f"on conflict ({column_list(key)}) do nothing"
    assignments = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in changed)
    clause = f"on conflict ({column_list(key)}) do update set {assignments}"
    if only_changed:
        differs = balanced([f"{quoted(table)}.{quoted(name)} is not excluded.{quoted(name)}" for name in changed], "or")
        clause += f" where {differs}"
    return clause


def chunks(table: str, columns: Sequence[str], rows: Iterable[Sequence[Param]]) -> Iterator[tuple[str, set[int]]]:
    """JSON arrays of rows, each with the positions of the columns that hold a blob in it; `table` is for errors."""
    arrays = (_array(table, columns, row) for row in rows)
    # The outer array has two brackets beside its rows.
    for chunk in chunked_by_size(arrays, lambda array: array[1], most_size=CHUNK_BYTES - 2):
        yield f"[{','.join(text for text, _, _ in chunk)}]", set().union(*(blobs for _, _, blobs in chunk))


def arrays(values: Iterable[Value]) -> Iterator[tuple[str, list[Value]]]:
    """JSON arrays of values, each short enough for one parameter, and the values that it holds."""
    texts = ((json.dumps(value, ensure_ascii=False, separators=(",", ":")), value) for value in values)
    for chunk in chunked_by_size(texts, lambda pair: len(pair[0].encode()) + 1, most_size=CHUNK_BYTES - 2):
        yield f"[{','.join(text for text, _ in chunk)}]", [value for _, value in chunk]


def _array(table: str, columns: Sequence[str], row: Sequence[Param]) -> tuple[str, int, set[int]]:
    """A row as JSON, its bytes with a comma, and the positions of its blobs."""
    if len(row) != len(columns):
        raise D1Error(7400, f"upsert into {table}: a row of {len(row)} values for {len(columns)} columns")
    blobs: set[int] = set()
    values: list[object] = []
    for position, value in enumerate(row):
        check_value(value, f"upsert into {table}: {columns[position]}")
        if isinstance(value, bytes):
            blobs.add(position)
            values.append([value.hex()])  # JSON has no bytes, and no other value is an array
        else:
            values.append(int(value) if isinstance(value, bool) else value)
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    length = len(text.encode()) + 1
    if length + 2 > CHUNK_BYTES:
        raise D1Error(7400, f"upsert into {table}: a row of {length:,} bytes as JSON, above {CHUNK_BYTES:,}")
    return text, length, blobs


def value(position: int, *, blob: bool, row: str = "value") -> str:
    """The SQL of one value of a chunk's row by its position; `blob` if the chunk has a blob in that column."""
    plain = f"json_extract({row}, '$[{position}]')"
    if not blob:
        return plain
    from_hex = f"unhex(json_extract({row}, '$[{position}][0]'))"
    return f"case json_type({row}, '$[{position}]') when 'array' then {from_hex} else {plain} end"
