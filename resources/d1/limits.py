"""D1's documented limits, which both rooms check before they send a statement. Only numbers and refusals are here.

Source: developers.cloudflare.com/d1/platform/limits, and the limits that workerd sets for SQLite.
"""

import math
from collections.abc import Sequence

from resources.d1.database import D1Error, Param, Statement
from resources.d1.placeholders import Scan, scan

MAX_PARAMS = 100
MAX_SQL_BYTES = 100_000
MAX_VALUE_BYTES = 2_000_000  # a string, a blob or a whole row
MAX_COLUMNS = 100
MAX_LIKE_BYTES = 50
MAX_COMPOUND_SELECTS = 5
MAX_FUNCTION_ARGUMENTS = 32
MAX_EXPRESSION_DEPTH = 100

INT64 = range(-(2**63), 2**63)
TRANSACTION_WORDS = frozenset({"begin", "commit", "end", "rollback", "savepoint", "release"})
FILE_WORDS = frozenset({"attach", "detach", "vacuum"})
# D1 has a few more, which change the connection: there for one call, but here for longer.
PRAGMAS = frozenset(
    {"defer_foreign_keys", "foreign_key_check", "foreign_key_list", "foreign_keys", "index_info", "index_list"}
    | {"index_xinfo", "optimize", "quick_check", "table_info", "table_list", "table_xinfo"}
)


def check(statement: Statement) -> Scan:
    """Raise the D1Error that D1 would raise, which names the limit; returns the placeholders of the statement."""
    size = len(statement.sql.encode())
    if size > MAX_SQL_BYTES:
        raise D1Error(7400, f"the statement has {size:,} bytes, above D1's {MAX_SQL_BYTES:,}")
    parsed = scan(statement.sql)
    if parsed.named:
        raise D1Error(7400, f"placeholder {parsed.named} is not ? or ?NNN, the only ones that D1 has")
    if not parsed.first_word:
        raise D1Error(7400, "no SQL statement was given")
    refusal = _refusal(parsed, statement.sql)
    if refusal:
        raise D1Error(7500, refusal)
    if parsed.several:
        raise D1Error(7400, "more than one statement in one SQL text; send a batch")
    needed = max(parsed.indexes, default=0)
    if needed > MAX_PARAMS or len(statement.params) > MAX_PARAMS:
        raise D1Error(7400, f"{max(needed, len(statement.params))} parameters, above D1's {MAX_PARAMS}")
    if needed != len(statement.params):
        raise D1Error(7400, f"the statement has {needed} placeholders and {len(statement.params)} parameters")
    check_params(statement.params)
    return parsed


def _refusal(parsed: Scan, sql: str) -> str | None:
    """The reason why D1 does not run such a statement, or None."""
    first, second = parsed.first_word, parsed.second_word
    if first in TRANSACTION_WORDS:
        return f"{first.upper()} is refused: a batch is D1's transaction"
    if first in FILE_WORDS:
        return f"{first.upper()} is refused: not authorized"
    if first == "create" and second in {"temp", "temporary"}:
        return "temporary tables, views and triggers are refused: not authorized"
    if first == "pragma" and second not in PRAGMAS:
        return f"PRAGMA {second} is refused: not authorized"
    if first == "pragma" and second == "foreign_keys" and any(sign in sql for sign in "=("):
        return "PRAGMA foreign_keys cannot be set: they are always on; defer them in a batch"
    return None


def check_params(params: Sequence[Param]) -> None:
    """Refuse a value that D1 cannot store exactly; the error does not show the value."""
    for position, value in enumerate(params, 1):
        check_value(value, f"parameter {position}")


def check_value(value: object, name: str) -> None:
    """Refuse a value by `name`: wrong type, beyond 64 bits, not finite, not UTF-8, with a NUL, or above 2 MB."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if value not in INT64:
            raise D1Error(7400, f"{name} is an integer beyond 64 bits")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise D1Error(7400, f"{name} is not a finite number")
    elif isinstance(value, str | bytes):
        try:
            size = len(value.encode() if isinstance(value, str) else value)
        except UnicodeEncodeError:
            raise D1Error(7400, f"{name} is text that is not UTF-8 (a lone surrogate)") from None
        if isinstance(value, str) and "\0" in value:
            raise D1Error(7400, f"{name} is text with a NUL, at which SQLite's functions and dumps cut a text off")
        if size > MAX_VALUE_BYTES:
            raise D1Error(7400, f"{name} has {size:,} bytes, above D1's {MAX_VALUE_BYTES:,}")
    else:
        raise D1Error(7400, f"{name} is a {type(value).__name__}, which D1 does not store")
