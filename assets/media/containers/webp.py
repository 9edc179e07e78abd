"""WebP: a RIFF file of chunks. Only the picture, its transparency and its colour profile are kept."""

import struct

from assets.media.containers import orientation
from assets.media.containers.cleaned import Cleaned, ImageRefusedError, RefusalReason

KEPT = {b"VP8 ", b"VP8L", b"ALPH", b"ICCP"}
ICC, ALPHA, EXIF = 0x20, 0x10, 0x08
MOST_CHUNKS = 1_000


def clean(data: bytes) -> Cleaned:
    """Read a WebP; raises ImageRefusedError."""
    (length,) = struct.unpack_from("<I", data, 4)
    end = 8 + length
    if end > len(data):
        raise ImageRefusedError(RefusalReason.TRUNCATED)
    chunks: dict[bytes, bytes] = {}
    dropped = bytearray()
    at = 12
    for _ in range(MOST_CHUNKS):
        if at >= end:
            break
        name, body = _chunk(data, at, end)
        at += 8 + len(body) + len(body) % 2
        if name in (b"ANIM", b"ANMF"):
            raise ImageRefusedError(RefusalReason.ANIMATED)
        if name in KEPT or name in (b"VP8X", b"EXIF"):
            if name in chunks:
                raise ImageRefusedError(RefusalReason.DAMAGED)
            chunks[name] = body
        else:
            dropped += body
    else:
        raise ImageRefusedError(RefusalReason.TOO_MANY_PARTS)
    size = _size(chunks)
    turned = orientation.read(chunks.get(b"EXIF", b"").removeprefix(b"Exif\0\0"))
    return Cleaned(_built(chunks, size, turned), *size, turned, bytes(dropped) + data[end:])


def _chunk(data: bytes, at: int, end: int) -> tuple[bytes, bytes]:
    if at + 8 > end:
        raise ImageRefusedError(RefusalReason.TRUNCATED)
    name, length = struct.unpack_from("<4sI", data, at)
    if at + 8 + length > end:
        raise ImageRefusedError(RefusalReason.TRUNCATED)
    return name, data[at + 8 : at + 8 + length]


def _size(chunks: dict[bytes, bytes]) -> tuple[int, int]:
    """Width and height: the larger ones of the container's and the picture's."""
    if (b"VP8 " in chunks) == (b"VP8L" in chunks):
        raise ImageRefusedError(RefusalReason.DAMAGED)
    sizes = []
    try:
        if b"VP8 " in chunks:
            width, height = struct.unpack_from("<HH", chunks[b"VP8 "], 6)
            sizes.append((width & 0x3FFF, height & 0x3FFF))
        else:
            (bits,) = struct.unpack_from("<I", chunks[b"VP8L"], 1)
            sizes.append(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
        if b"VP8X" in chunks:
            body = chunks[b"VP8X"]
            struct.unpack_from("<10x", body)
            sizes.append((int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1))
    except struct.error:
        raise ImageRefusedError(RefusalReason.DAMAGED) from None
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def _built(chunks: dict[bytes, bytes], size: tuple[int, int], turned: int) -> bytes:
    parts = [_packed(name, chunks[name]) for name in (b"ICCP", b"ALPH", b"VP8 ", b"VP8L") if name in chunks]
    exif = _packed(b"EXIF", orientation.written(turned)) if turned != 1 else b""
    if b"VP8X" in chunks or exif:
        flags = chunks.get(b"VP8X", b"\0")[0] & ALPHA
        flags |= (ICC if b"ICCP" in chunks else 0) | (EXIF if exif else 0)
        width, height = ((side - 1).to_bytes(3, "little") for side in size)
        parts.insert(0, _packed(b"VP8X", bytes([flags, 0, 0, 0]) + width + height))
    body = b"WEBP" + b"".join([*parts, exif])
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _packed(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
