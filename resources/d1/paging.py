"""Reads page by page: `where key > last order by key limit n`, which costs the same on page 1 and page 10,000."""

import re
from collections.abc import Callable, Iterator, Sequence

from resources.d1.database import D1Error, Param, Row
from resources.d1.names import column_list, quoted
from resources.d1.placeholders import scan

TABLE = re.compile(r"[A-Za-z_]\w*")


def stream(
    query: Callable[[str, Sequence[Param]], list[Row]],
    source: str,
    key: str | Sequence[str],
    columns: Sequence[str] | None,
    *,
    page: int,
    params: Sequence[Param],
    after: Sequence[Param] | None,
) -> Iterator[list[Row]]:
    """Pages of rows; see `D1.stream`."""
    keys = [key] if isinstance(key, str) else list(key)
    if page < 1 or not keys:
        raise D1Error(7400, "a page holds at least one row and a key at least one column")
    table = quoted(source) if TABLE.fullmatch(source) else f"(\n{source}\n)"
    bound = max(scan(table).indexes, default=0)
    selected = "*" if columns is None else column_list(columns)
    if columns is not None and not set(keys) <= set(columns):
        raise D1Error(7400, f"the key {', '.join(keys)} must be among the columns that are read")
    last = after
    while True:
        where = ""
        if last is not None:
            marks = ", ".join(f"?{bound + i}" for i in range(1, len(keys) + 1))
            where = f" where ({column_list(keys)}) > ({marks})"
        sql = f"select {selected} from {table}{where} order by {column_list(keys)} limit {page}"
        rows = query(sql, [*params, *(last or ())])
        if rows:
            yield rows
        if len(rows) < page:
            return
        page_end = [rows[-1][name] for name in keys]
        if any(value is None for value in page_end) or page_end == list(last or ()):
            raise D1Error(7400, f"{', '.join(keys)} of {source[:60]} is not a key: it holds NULL or repeats")
        last = page_end
