"""The parts of a lossy WebP picture (a key frame of VP8): a first one with headers, and up to eight of coefficients.

Only the first part's headers are read, which say how many others there are (RFC 6386, sections 9 and 19.2).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from assets.media.containers.cleaned import ImageRefusedError, RefusalReason

START = b"\x9d\x01\x2a"
TAG = 3
HEADER = TAG + len(START) + 4
SEGMENTS, PROBABILITIES, FILTER_DELTAS = 4, 3, 4
# The two highest bits of width and height only advise how to scale.
SIDE = 0x3FFF


@dataclass(frozen=True)
class Lossy:
    """A frame by its parts. tag: the version and whether it is shown. size: width and height in four bytes."""

    tag: int
    size: bytes
    parts: Sequence[bytes]

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Take a chunk apart; raises ImageRefusedError."""
        tag = int.from_bytes(body[:TAG], "little")
        first = tag >> 5
        if len(body) < HEADER + first or tag & 1 or body[TAG : TAG + len(START)] != START:
            raise ImageRefusedError(RefusalReason.DAMAGED)
        width, height = struct.unpack_from("<2H", body, HEADER - 4)
        size = struct.pack("<2H", width & SIDE, height & SIDE)
        parts = [body[HEADER : HEADER + first]]
        number = _others(parts[0])
        at = HEADER + first + 3 * (number - 1)
        for index in range(number - 1):
            place = HEADER + first + 3 * index
            length = int.from_bytes(body[place : place + 3], "little")
            parts.append(body[at : at + length])
            at += length
        if at > len(body):
            raise ImageRefusedError(RefusalReason.TRUNCATED)
        return cls(tag & 0x1F, size, [*parts, body[at:]])

    def cut(self, number: int, length: int) -> "Lossy":
        """The frame with so many bytes of one part."""
        parts = [part[:length] if at == number else part for at, part in enumerate(self.parts)]
        return Lossy(self.tag, self.size, parts)

    def written(self) -> bytes:
        """The chunk."""
        first, *others = self.parts
        tag = (self.tag | len(first) << 5).to_bytes(TAG, "little")
        sizes = b"".join(len(part).to_bytes(3, "little") for part in others[:-1])
        return tag + START + self.size + first + sizes + b"".join(others)


def _others(first: bytes) -> int:
    """How many parts follow the first."""
    bits = _Bits(first)
    bits.skip(2)  # colour space, clamping
    if bits.flag():
        update_map, update_data = bits.flag(), bits.flag()
        if update_data:
            bits.skip(1)
            for width in [7] * SEGMENTS + [6] * SEGMENTS:
                bits.skip_optional(width + 1)
        if update_map:
            for _ in range(PROBABILITIES):
                bits.skip_optional(8)
    bits.skip(1 + 6 + 3)  # the filter: kind, level, sharpness
    if bits.flag() and bits.flag():
        for _ in range(2 * FILTER_DELTAS):
            bits.skip_optional(6 + 1)
    return 1 << (bits.flag() << 1 | bits.flag())


class _Bits:
    """The boolean decoder of VP8, for bits of equal probability."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 2
        self._value = int.from_bytes(data[:2].ljust(2, b"\0"))
        self._range = 255
        self._shifted = 0

    def flag(self) -> int:
        split = 1 + ((self._range - 1) * 128 >> 8)
        bit = int(self._value >= split << 8)
        if bit:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:
            self._value <<= 1
            self._range <<= 1
            self._shifted += 1
            if self._shifted == 8:
                self._shifted = 0
                self._value |= self._data[self._at] if self._at < len(self._data) else 0
                self._at += 1
        return bit

    def skip(self, bits: int) -> None:
        for _ in range(bits):
            self.flag()

    def skip_optional(self, bits: int) -> None:
        if self.flag():
            self.skip(bits)
