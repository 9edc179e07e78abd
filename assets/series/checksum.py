"""The checksum of rows as a multiset: the order of rows does not matter; a lost, doubled or changed row does. Pure.

A row is the JSON array of its values: without spaces, with non-ASCII characters as they are. A blob is its hex text in
an array of its own. A number with a whole value is an integer, because D1's answers know one kind of number. The hash
of a row is BLAKE2b of 16 bytes, read as a big-endian number. The checksum is the sum of the hashes modulo 2^128, as 32
hex digits. The checksums of parts add up to the checksum of the whole.
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
    """The checksum of the rows of several checksums together."""
    return _text(sum(int(part, 16) for part in checksums))


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
