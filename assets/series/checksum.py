"""The checksum of rows as a multiset: the same in any order, another one where a row is lost, doubled or changed. Pure.

A row is the JSON array of its values, without spaces, non-ASCII as it is, a blob as its hex in an array of its own, a
number with a whole value as an integer (D1's answers know one kind of number). Its hash is BLAKE2b of 16 bytes, read as
a big-endian number; the checksum is the sum of the rows' hashes modulo 2^128, written as 32 hex digits. Sums of parts
add up to the sum of the whole.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

MODULUS = 2**128
EMPTY = "0" * 32


def checksum(rows: Iterable[Sequence[Any]]) -> str:
    """The checksum of some rows."""
    return _text(sum(_hash(row) for row in rows))


def added(*checksums: str) -> str:
    """The checksum of the rows of several together."""
    return _text(sum(int(each, 16) for each in checksums))


def _hash(row: Sequence[Any]) -> int:
    text = json.dumps([_plain(value) for value in row], ensure_ascii=False, separators=(",", ":"))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return [value.hex()]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _text(total: int) -> str:
    return f"{total % MODULUS:032x}"
