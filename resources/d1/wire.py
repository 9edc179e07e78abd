"""How values travel to D1 and back as JSON. Nothing is sent here.

Parameters travel as text, because Cloudflare's local runtime takes no other type. For a value of another type the
placeholder becomes an expression without affinity that makes the value from the text. Blobs come back as arrays of
bytes. An integer above 2^53 comes back damaged; the same rows are then read again, with each value as tagged text.
"""

from collections.abc import Sequence
from typing import Any

from resources.d1.database import Param, Statement
from resources.d1.limits import check

EXACT_INTEGERS = 2**53
HEX_CHARACTERS = 1_900_000  # a text parameter has 2 MB at most, so a blob of 2 MB takes several
BIG_NUMBER = "an integer beyond 2^53"


def bind(statement: Statement) -> tuple[str, list[str]]:
    """The statement as D1 gets it, checked before and after: SQL with `?NNN` and without its semicolon, and texts."""
    parsed = check(statement)
    texts: list[str] = []
    expressions: dict[int, str] = {}
    parts: list[str] = []
    position = 0
    for start, stop, index in parsed.places:
        if index not in expressions:
            expressions[index] = _expression(statement.params[index - 1], texts)
        parts += [statement.sql[position:start], expressions[index]]
        position = stop
    sql = "".join(parts) + statement.sql[position : parsed.stop]
    check(Statement(sql, texts))
    return sql, texts


def _expression(value: Param, texts: list[str]) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return _placeholder(value, texts)
    if isinstance(value, bytes):
        digits = value.hex()
        pieces = [digits[i : i + HEX_CHARACTERS] for i in range(0, len(digits), HEX_CHARACTERS)] or [""]
        joined = " || ".join(f"unhex({_placeholder(piece, texts)})" for piece in pieces)
        return joined if len(pieces) == 1 else f"cast({joined} as blob)"
    number = str(int(value)) if isinstance(value, bool | int) else repr(value)
    # Not a cast: json_extract reads a float's digits exactly, and has no affinity that would change a comparison.
    return f"json_extract({_placeholder(number, texts)}, '$')"


def _placeholder(text: str, texts: list[str]) -> str:
    texts.append(text)
    return f"?{len(texts)}"


def values(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows of an answer, with blobs as bytes."""
    return [[bytes(value) if isinstance(value, list) else value for value in row] for row in rows]


def damaged(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether a number in the answer may have lost digits."""
    return any(
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= EXACT_INTEGERS
        for row in rows
        for value in row
    )


def tagged(sql: str, columns: int) -> str:
    """A SELECT around the reading `sql` that gives integers and texts as tagged text."""
    names = ", ".join(f"c{i}" for i in range(columns))
    reads = ", ".join(
        f"case typeof(c{i}) when 'integer' then 'i' || c{i} when 'text' then 't' || c{i} else c{i} end as c{i}"
        for i in range(columns)
    )
    return f"with answer({names}) as (\n{sql}\n) select {reads} from answer"


def untagged(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Exact values of a tagged answer; a value without a tag is a float, a blob or NULL."""
    return [[_untag(value) for value in row] for row in values(rows)]


def _untag(value: Any) -> Any:
    if isinstance(value, str):
        return int(value[1:]) if value[0] == "i" else value[1:]
    return float(value) if isinstance(value, int) else value
