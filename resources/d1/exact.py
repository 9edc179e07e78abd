"""Values that D1 stores but takes as no parameter: infinite numbers, texts with a NUL, texts that are not UTF-8.

A text that is not UTF-8 has its bytes as lone surrogates here (`surrogateescape`).
"""

import math
from collections.abc import Sequence

from resources.d1.bulk import on_conflict
from resources.d1.database import Param, Statement
from resources.d1.names import column_list, quoted


def upsert(
    table: str,
    columns: Sequence[str],
    row: Sequence[Param],
    key: Sequence[str],
    update: Sequence[str] | None,
    *,
    replacing: bool,
) -> Statement:
    """The upsert of one row with any values; the arguments are those of `bulk.statements`."""
    expressions, params = placed(row)
    insert = f"insert{' or replace' if replacing else ''} into {quoted(table)} ({column_list(columns)})"
    clause = "" if replacing else on_conflict(table, columns, key, update, only_changed=False)
    return Statement(f"{insert} values ({', '.join(expressions)}) {clause}", params)


def placed(values: Sequence[Param]) -> tuple[list[str], list[Param]]:
    """The SQL of each of these values, and its parameters. Some values are refused as a parameter alone."""
    expressions: list[str] = []
    params: list[Param] = []
    for value in values:
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            expressions.append("9e999" if value > 0 else "-9e999")
            continue
        odd = isinstance(value, str) and is_odd(value)
        params.append(value.encode(errors="surrogateescape") if odd and isinstance(value, str) else value)
        mark = f"?{len(params)}"
        expressions.append(f"cast({mark} as text)" if odd else mark)
    return expressions, params


def is_odd(value: str) -> bool:
    """Whether a text has a NUL, or bytes that are not UTF-8, so that no parameter can be it."""
    if "\0" in value:
        return True
    return not value.isascii() and any("\udc80" <= character <= "\udcff" for character in value)


def is_no_parameter(value: object) -> bool:
    """Whether D1 stores a value and takes it as no parameter."""
    return is_odd(value) if isinstance(value, str) else isinstance(value, float) and math.isinf(value)
