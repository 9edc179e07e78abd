"""The rows of a PNG's picture: how many bytes they have, and the stream of zlib that gives them and no more."""

import struct
import zlib
from collections.abc import Iterator

from assets.media.containers.cleaned import ImageRefusedError, RefusalReason

# By colour type: samples of a pixel, and the bits that a sample may have.
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# Start and step of the columns and rows of each pass of an interlaced picture.
PASSES = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
FED, INFLATED = 256 * 1024, 2**20


def size(head: bytes) -> int:
    """The bytes of all rows: each has the number of its filter before its pixels."""
    width, height, depth, colour, *_, interlaced = struct.unpack(">IIBBBBB", head)
    total = 0
    for left, across, top, down in PASSES if interlaced else ((0, 1, 0, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * depth * SAMPLES[colour] + 7) // 8)
    return total


def picture(coded: bytes, expected: int) -> tuple[bytes, bytes]:
    """The stream that gives so many bytes, and what followed it. It is deflated again where it gives more."""
    inflating = _Inflating(coded)
    given = 0
    try:
        for piece in inflating.pieces():
            given += len(piece)
            if given > expected:
                return _deflated(coded, expected), b""
    except zlib.error:
        raise ImageRefusedError(RefusalReason.DAMAGED) from None
    if given < expected or inflating.end is None:
        raise ImageRefusedError(RefusalReason.TRUNCATED)
    return coded[: inflating.end], coded[inflating.end :]


def _deflated(coded: bytes, expected: int) -> bytes:
    deflate, left, parts = zlib.compressobj(), expected, []
    for piece in _Inflating(coded).pieces():
        parts.append(deflate.compress(piece[:left]))
        left -= len(piece[:left])
        if not left:
            break
    return b"".join([*parts, deflate.flush()])


class _Inflating:
    """A stream of zlib, inflated in pieces of bounded size. end: its length, once it has ended."""

    def __init__(self, coded: bytes) -> None:
        self._coded = coded
        self.end: int | None = None

    def pieces(self) -> Iterator[bytes]:
        inflate = zlib.decompressobj()
        for at in range(0, len(self._coded), FED):
            waiting = self._coded[at : at + FED]
            while waiting and not inflate.eof:
                yield inflate.decompress(waiting, INFLATED)
                waiting = inflate.unconsumed_tail
            if inflate.eof:
                break
        yield inflate.flush()
        if inflate.eof:
            self.end = min(at + FED, len(self._coded)) - len(inflate.unused_data)
