"""Pages of a D1 as one text each, which is how its rows travel fastest: 33 MB/s, where rows as JSON make 10.

A text of D1 has at most 2 MB, and a text that is not UTF-8 does not travel at all. Both are handled here. What does not
belong here: which tables are read, and what a line says (images.py).
"""

from collections.abc import Callable, Iterator, Sequence

from resources.d1 import images
from resources.d1.database import D1Error, Param, Row
from resources.d1.exact import placed
from resources.d1.names import quoted
from resources.d1.schema import TableShape

Query = Callable[[str, Sequence[Param]], list[Row]]
FIRST_ROWS = 1_000
MOST_ROWS = 5_000
PAGE_BYTES = 600_000  # a page of this size holds another writer up for less than 50 ms
PIECE_BYTES = 400_000


def read_lines(query: Query, select: str, params: Sequence[Param], rows: int) -> tuple[list[bytes], bool, int]:
    """At most `rows` lines of a SELECT with the column `line`, none of which is empty; fewer where they are long.

    Also gives whether these were the last, and how many to ask for next.
    """
    while True:
        try:
            text = _text(query, f"{select} limit {rows}", params)
            break
        except D1Error as error:
            if rows == 1 or "too big" not in error.message.lower():
                raise
            rows = max(1, rows // 4)
    lines = text.split(b"\n") if text else []
    next_rows = min(MOST_ROWS, max(1, rows * PAGE_BYTES // max(1, len(text)))) if lines else rows
    return lines, len(lines) < rows, next_rows


def _text(query: Query, select: str, params: Sequence[Param]) -> bytes:
    """The lines with newlines between them. Bytes that no text can carry travel as hexadecimal digits."""
    joined = f"(select group_concat(line, char(10)) as page from ({select}))"
    try:
        (row,) = query(f"select page, length(cast(page as blob)) as size from {joined}", params)
    except D1Error as error:
        if "UTF-8" not in error.message:
            raise
    else:
        text = (row["page"] or "").encode(errors="surrogatepass")
        # On the way over HTTP, what is not UTF-8 became other characters.
        if len(text) == (row["size"] or 0):
            return text
    (row,) = query(f"select hex(page) as page from {joined}", params)
    return bytes.fromhex(row["page"])


def table_pages(
    query: Query, table: TableShape, between: tuple[Sequence[Param], Sequence[Param]] | None = None
) -> Iterator[list[bytes]]:
    """The rows of a table as images, page by page in order of the key; `between` two keys, both of them included.

    Each page reads the table at its own time: what is written meanwhile may be in it or not.
    """
    image = images.image(table.key, table.others, "t")
    names = ", ".join(f"t.{quoted(name)}" for name in table.key)
    lower, upper = between or (None, None)
    sign = ">="
    rows, last = FIRST_ROWS, False
    while not last:
        where, params = _within(names, sign, lower, upper)
        select = f"select {image} as line from {quoted(table.name)} as t where {where} order by {names}"
        lines, last, rows = read_lines(query, select, params, rows)
        if lines:
            lower, sign = images.values(lines[-1])[0], ">"
            whole = (
                wide_row(query, table, images.values(line)[0]) if images.is_too_long(line) else line for line in lines
            )
            yield [line for line in whole if line is not None]


def _within(
    names: str, sign: str, lower: Sequence[Param] | None, upper: Sequence[Param] | None
) -> tuple[str, list[Param]]:
    """The condition that a row is above the lower and not above the upper bound, and its parameters."""
    marks, params = placed([*(lower or ()), *(upper or ())])
    conditions = ["true"]
    if lower is not None:
        conditions.append(f"({names}) {sign} ({', '.join(marks[: len(lower)])})")
    if upper is not None:
        conditions.append(f"({names}) <= ({', '.join(marks[-len(upper) :])})")
    return " and ".join(conditions), params


def wide_row(query: Query, table: TableShape, key: Sequence[Param]) -> bytes | None:
    """The image of a row that is too long for a page, read value by value; None where there is no such row.

    What is written to the row meanwhile may be in some of the values.
    """
    marks, params = placed(key)
    names = ", ".join(quoted(name) for name in table.key)
    row = f"from {quoted(table.name)} where ({names}) = ({', '.join(marks)})"
    others: list[Param] = []
    for name in table.others:
        column = quoted(name)
        found = query(
            f"select typeof({column}) as type, length(cast({column} as blob)) as size, "
            f"case when typeof({column}) in ('integer', 'real') then quote({column}) end as number {row}",
            params,
        )
        if not found:
            return None
        others.append(_value(query, column, row, params, found[0]))
    return images.written(images.grouped(key, others))


def _value(query: Query, column: str, row: str, params: Sequence[Param], found: Row) -> Param:
    if found["type"] == "null":
        return None
    if found["number"] is not None:
        return int(found["number"]) if found["type"] == "integer" else float(found["number"])
    data = b""
    for start in range(1, found["size"] + 1, PIECE_BYTES):
        piece = f"select hex(substr(cast({column} as blob), {start}, {PIECE_BYTES})) as digits {row}"
        data += b"".join(bytes.fromhex(answer["digits"]) for answer in query(piece, params))
    return data if found["type"] == "blob" else data.decode(errors="surrogateescape")
