"""A checksum of rows as a multiset: the same for the same rows in any order. Pure.

What belongs here: the checksum. What does not: how a row becomes bytes (snapshot.py).
"""

import hashlib

MODULUS = 2**128


class RowChecksum:
    """The number of rows and the sum of their hashes, so that rows can be taken out again. Of any length of bytes."""

    def __init__(self, rows: int = 0, checksum: str = "0") -> None:
        self.rows = rows
        self._sum = int(checksum, 16)

    def add(self, row: bytes) -> None:
        """Count a row in."""
        self.rows += 1
        self._sum += _hash(row)

    def remove(self, row: bytes) -> None:
        """Count a row out again."""
        self.rows -= 1
        self._sum -= _hash(row)

    @property
    def checksum(self) -> str:
        """128 bits in hex."""
        return f"{self._sum % MODULUS:032x}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowChecksum) and (self.rows, self.checksum) == (other.rows, other.checksum)

    __hash__ = None  # type: ignore[assignment]


def _hash(row: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(row, digest_size=16).digest())
