"""Ranges of keys with a limited number of rows each, for work that goes through a table in small steps."""

from collections.abc import Callable, Iterator, Sequence

from resources.d1.database import Param, Row
from resources.d1.names import column_list, quoted

Key = list[Param]


def ranges(
    query: Callable[[str, Sequence[Param]], list[Row]],
    table: str,
    key: Sequence[str],
    rows: int,
    after: Key | None = None,
) -> Iterator[tuple[Key | None, Key]]:
    """Ranges of at most `rows` rows: above the first key (None at the start), up to and including the second.

    Each range is looked up when it is needed. A row that is written meanwhile before the current range is in none.
    """
    names = column_list(key)
    last_first = ", ".join(f"{quoted(name)} desc" for name in key)
    while True:
        condition, params = between(key, after, None)
        last_row = query(
            f"select {names} from (select {names} from {quoted(table)} where {condition} order by {names} "
            f"limit {rows}) order by {last_first} limit 1",
            params,
        )
        if not last_row:
            return
        upper = [last_row[0][name] for name in key]
        yield after, upper
        after = upper


def between(key: Sequence[str], lower: Key | None, upper: Key | None) -> tuple[str, Key]:
    """The SQL condition that a row is in a range, and the values of its `?NNN`, which count from 1."""
    names = column_list(key)
    conditions = ["true"]
    params: Key = []
    for sign, bound in ((">", lower), ("<=", upper)):
        if bound is not None:
            marks = ", ".join(f"?{len(params) + n}" for n in range(1, len(bound) + 1))
            conditions.append(f"({names}) {sign} ({marks})")
            params += bound
    return " and ".join(conditions), params
