"""PNG: a signature and chunks, each with its checksum. Only picture, colours and transparency are kept."""

import struct
import zlib
from collections.abc import Iterator

from assets.media.containers import orientation
from assets.media.containers.cleaned import Cleaned, ImageRefusedError, RefusalReason

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEPT = {b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT"}
ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
MOST_CHUNKS = 200_000


def clean(data: bytes) -> Cleaned:
    """Read a PNG; raises ImageRefusedError."""
    kept: list[bytes] = []
    dropped = bytearray()
    turned, end = 1, 0
    for name, body, after in _chunks(data):
        end = after
        if name in ANIMATION:
            raise ImageRefusedError(RefusalReason.ANIMATED)
        if (name == b"IHDR") != (not kept) or (name == b"IHDR" and len(body) != 13):
            raise ImageRefusedError(RefusalReason.DAMAGED)
        if name == b"eXIf":
            turned = orientation.read(body)
        elif name in KEPT:
            kept.append(_packed(name, body))
        elif name[:1].isupper() and name != b"IEND":
            raise ImageRefusedError(RefusalReason.DAMAGED)
        else:
            dropped += body
    width, height = struct.unpack_from(">II", kept[0], 8)
    if turned != 1:
        # It comes before the picture, so that decoders find it without reading the picture.
        kept.insert(1, _packed(b"eXIf", orientation.written(turned)))
    cleaned = b"".join([SIGNATURE, *kept, _packed(b"IEND", b"")])
    return Cleaned(cleaned, width, height, turned, bytes(dropped) + data[end:])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Name, body and end of each chunk, to the last one."""
    at = len(SIGNATURE)
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(data):
            raise ImageRefusedError(RefusalReason.TRUNCATED)
        length, name = struct.unpack_from(">I4s", data, at)
        body, at = data[at + 8 : at + 8 + length], at + 12 + length
        if at > len(data):
            raise ImageRefusedError(RefusalReason.TRUNCATED)
        if zlib.crc32(name + body) != int.from_bytes(data[at - 4 : at]):
            raise ImageRefusedError(RefusalReason.DAMAGED)
        yield name, body, at
        if name == b"IEND":
            return
    raise ImageRefusedError(RefusalReason.TOO_MANY_PARTS)


def _packed(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
