"""Rows as one line of text each, exact to the type: made by SQLite itself, read here.

An image is JSON: an array of the key's values, then arrays of at most 30 other values, because a function of D1 takes
32 arguments. A text, an integer and NULL are JSON's own. A real is `{"r": "0.1"}`, because SQLite's JSON keeps only 15
digits. A blob is `{"x": "00FF"}`. A row that may be too long for a text of D1 has its key, then null. What does not
belong here: which rows are read, and when.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from resources.d1.database import Param
from resources.d1.limits import MAX_VALUE_BYTES
from resources.d1.names import balanced, quoted

GROUP = 30
# A character is at most 6 bytes of JSON, a byte of a blob 2.
LONGEST_ROW = MAX_VALUE_BYTES // 6 - 10_000
# In a text, the quotes would be escaped.
_REAL = re.compile(rb'\{"r":"([^"]*)"\}')
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Any]).decode


def is_too_long(line: bytes) -> bool:
    """Whether an image has the key alone, because its row may be too long for a text."""
    return line.endswith(b",null]")


def key_image(key: Sequence[str], row: str) -> str:
    """SQL: the text of a key's values; `row` is the alias of the row that has them."""
    return _array([_value(f"{row}.{quoted(name)}") for name in key])


def image(key: Sequence[str], others: Sequence[str], row: str) -> str:
    """SQL: the image of a row; of its key and null where the row may be too long."""
    if not others:
        return f"json_array({key_image(key, row)})"
    groups = [others[start : start + GROUP] for start in range(0, len(others), GROUP)]
    arrays = [_array([_value(f"{row}.{quoted(name)}") for name in group]) for group in groups]
    # length() of a number is that of its text, and of a text its characters.
    size = balanced([f"coalesce(length({row}.{quoted(name)}), 0)" for name in others], "+")
    return (
        f"case when {size} < {LONGEST_ROW} then {_array([key_image(key, row), *arrays])} "
        f"else json_array({key_image(key, row)}, null) end"
    )


def _value(column: str) -> str:
    return (
        f"case typeof({column}) when 'real' then json_object('r', quote({column})) "
        f"when 'blob' then json_object('x', hex({column})) else {column} end"
    )


def _array(expressions: Sequence[str]) -> str:
    return f"json_array({', '.join(expressions)})"


def values(line: bytes) -> list[list[Any]]:
    """The groups of an image: first the key's values, then the others'. A text that is not UTF-8 has its bytes as lone
    surrogates (`surrogateescape`).
    """
    try:
        groups = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        groups = list(json.loads(line.decode(errors="surrogateescape")))
    if b'{"' not in line:
        return groups
    return [[_plain(value) if type(value) is dict else value for value in group] for group in groups]


def _plain(value: dict[str, str]) -> Param:
    return bytes.fromhex(value["x"]) if "x" in value else float(value["r"])


def canonical(line: bytes) -> bytes:
    """The image as every version of SQLite and this module write it, for checksums."""
    # Versions differ in the digits of reals and in what they escape.
    return written(values(line)) if b"\\" in line else _REAL.sub(_shortest, line)


def canonical_text(lines: Sequence[bytes]) -> bytes:
    """The canonical images, each ended by a newline."""
    text = b"".join(line + b"\n" for line in lines)
    return b"".join(canonical(line) + b"\n" for line in lines) if b"\\" in text else _REAL.sub(_shortest, text)


def _shortest(real: re.Match[bytes]) -> bytes:
    return b'{"r":"%s"}' % repr(float(real[1])).encode()


def written(groups: Iterable[Sequence[Any]]) -> bytes:
    """The canonical image of these groups of values."""
    tagged = [[_tagged(value) for value in group] for group in groups]
    try:
        return _encode(tagged)
    except UnicodeEncodeError:
        return json.dumps(tagged, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogateescape")


def _tagged(value: Param) -> object:
    if isinstance(value, float):
        return {"r": repr(value)}
    if isinstance(value, bytes):
        return {"x": value.hex().upper()}
    return value


def grouped(key: Sequence[Param], others: Sequence[Param]) -> list[Sequence[Param]]:
    """A row's values as an image has them."""
    return [key, *(others[start : start + GROUP] for start in range(0, len(others), GROUP))]
