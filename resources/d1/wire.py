"""How values travel to D1 and back as JSON. No requests are made here.

Parameters travel as text, the only kind that Cloudflare's local runtime takes too: the placeholder of any other kind
is rewritten to an expression without affinity that makes the value from the text. Blobs come back as arrays of bytes.
An integer above 2^53 comes back damaged, so an answer that holds one is asked for again, with each value as tagged
text.
"""

from collections.abc import Sequence
from typing import Any

from resources.d1.database import Param, Statement
from resources.d1.limits import check

EXACT_INTEGERS = 2**53
HEX_CHARACTERS = 1_900_000  # a text parameter ends at 2 MB; a blob of 2 MB takes several
BIG_NUMBER = "an integer beyond 2^53"


def bind(statement: Statement) -> tuple[str, list[str]]:
    """The statement as D1 gets it, checked before and after: SQL with `?NNN` up to its semicolon, and texts."""
    found = check(statement)
    texts: list[str] = []
    expressions: dict[int, str] = {}
    parts: list[str] = []
    position = 0
    for start, stop, index in found.places:
        if index not in expressions:
            expressions[index] = _expression(statement.params[index - 1], texts)
        parts += [statement.sql[position:start], expressions[index]]
        position = stop
    sql = "".join(parts) + statement.sql[position : found.stop]
    check(Statement(sql, texts))
    return sql, texts


def _expression(value: Param, texts: list[str]) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return _placeholder(value, texts)
    if isinstance(value, bytes):
        hexed = value.hex()
        pieces = [hexed[i : i + HEX_CHARACTERS] for i in range(0, len(hexed), HEX_CHARACTERS)] or [""]
        joined = " || ".join(f"unhex({_placeholder(piece, texts)})" for piece in pieces)
        return joined if len(pieces) == 1 else f"cast({joined} as blob)"
    number = str(int(value)) if isinstance(value, bool | int) else repr(value)
    # json_extract and not a cast: it reads a float's digits exactly, and has no affinity to sway a comparison.
    return f"json_extract({_placeholder(number, texts)}, '$')"


def _placeholder(text: str, texts: list[str]) -> str:
    texts.append(text)
    return f"?{len(texts)}"


def values(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows of an answer with their blobs as bytes."""
    return [[bytes(value) if isinstance(value, list) else value for value in row] for row in rows]


def damaged(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether a number in the answer may have lost digits."""
    return any(
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= EXACT_INTEGERS
        for row in rows
        for value in row
    )


def tagged(sql: str, columns: int) -> str:
    """The reading `sql` wrapped so that integers and texts come as tagged text."""
    names = ", ".join(f"c{i}" for i in range(columns))
    reads = ", ".join(
        f"case typeof(c{i}) when 'integer' then 'i' || c{i} when 'text' then 't' || c{i} else c{i} end as c{i}"
        for i in range(columns)
    )
    return f"with answer({names}) as (\n{sql}\n) select {reads} from answer"


def untagged(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Exact values of a tagged answer; what has no tag is a float, a blob or NULL."""
    return [[_untag(value) for value in row] for row in values(rows)]


def _untag(value: Any) -> Any:
    if isinstance(value, str):
        return int(value[1:]) if value[0] == "i" else value[1:]
    return float(value) if isinstance(value, int) else value
