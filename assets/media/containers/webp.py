"""WebP: a RIFF file of chunks. Only the picture, its transparency and its colour profile are kept.

The coded data of a chunk has no end of its own. Each part of it is cut to the shortest that shows the same picture.
"""

import hashlib
import io
import struct
from collections.abc import Mapping
from functools import partial

from assets.media.containers import icc, orientation
from assets.media.containers.cleaned import Cleaned, ImageRefusedError, RefusalReason, refuse_too_large
from assets.media.containers.shortest import shortest
from assets.media.containers.vp8 import Lossy

KEPT = {b"VP8 ", b"VP8L", b"ALPH", b"ICCP"}
ICC, ALPHA, EXIF = 0x20, 0x10, 0x08
MOST_CHUNKS = 1_000
# Of the first byte of ALPH: the bits that say how it is coded.
CODING = 0x3F


def clean(data: bytes) -> Cleaned:
    """Read a WebP; raises ImageRefusedError."""
    (length,) = struct.unpack_from("<I", data, 4)
    end = 8 + length
    if end > len(data):
        raise ImageRefusedError(RefusalReason.TRUNCATED)
    chunks, dropped = _chunks(data, end)
    width, height = _size(chunks)
    turned = orientation.read(chunks.get(b"EXIF", b"").removeprefix(b"Exif\0\0"))
    profile = icc.rebuilt(chunks.get(b"ICCP", b""))
    picture = _cut({name: chunks[name] for name in (b"ALPH", b"VP8 ", b"VP8L") if name in chunks}, (width, height))
    has_alpha = bool(chunks.get(b"VP8X", b"\0")[0] & ALPHA)
    file = _built(picture, (width, height), turned, profile, has_alpha=has_alpha)
    return Cleaned(file, width, height, turned, dropped + data[end:])


def _chunks(data: bytes, end: int) -> tuple[dict[bytes, bytes], bytes]:
    """The chunks that matter, by name, and the bytes of the others."""
    chunks: dict[bytes, bytes] = {}
    dropped = bytearray()
    at = 12
    for _ in range(MOST_CHUNKS):
        if at >= end:
            return chunks, bytes(dropped)
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
    raise ImageRefusedError(RefusalReason.TOO_MANY_PARTS)


def _chunk(data: bytes, at: int, end: int) -> tuple[bytes, bytes]:
    if at + 8 > end:
        raise ImageRefusedError(RefusalReason.TRUNCATED)
    name, length = struct.unpack_from("<4sI", data, at)
    if at + 8 + length > end:
        raise ImageRefusedError(RefusalReason.TRUNCATED)
    return name, data[at + 8 : at + 8 + length]


def _size(chunks: dict[bytes, bytes]) -> tuple[int, int]:
    """Width and height: the picture's, which the container repeats where it has a header."""
    if (b"VP8 " in chunks) == (b"VP8L" in chunks):
        raise ImageRefusedError(RefusalReason.DAMAGED)
    sizes = set[tuple[int, int]]()
    try:
        if b"VP8 " in chunks:
            width, height = struct.unpack_from("<HH", chunks[b"VP8 "], 6)
            sizes.add((width & 0x3FFF, height & 0x3FFF))
        else:
            (bits,) = struct.unpack_from("<I", chunks[b"VP8L"], 1)
            sizes.add(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
        if b"VP8X" in chunks:
            body = chunks[b"VP8X"]
            struct.unpack_from("<10x", body)
            sizes.add((int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1))
    except struct.error:
        raise ImageRefusedError(RefusalReason.DAMAGED) from None
    for width, height in sizes:
        refuse_too_large(width, height)
    if len(sizes) > 1:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    return sizes.pop()


def _cut(picture: Mapping[bytes, bytes], size: tuple[int, int]) -> dict[bytes, bytes]:
    """The chunks of the picture, each with nothing behind what is shown."""
    has_alpha = b"ALPH" in picture
    shown = _shown(picture, size, has_alpha=has_alpha)
    found = dict(picture)
    if shown is None:
        raise ImageRefusedError(RefusalReason.DAMAGED)

    def shows(name: bytes, body: bytes) -> bool:
        return _shown({**found, name: body}, size, has_alpha=has_alpha) == shown

    if has_alpha:
        body = bytes([picture[b"ALPH"][0] & CODING]) + picture[b"ALPH"][1:]
        found[b"ALPH"] = body[: shortest(len(body), lambda n: shows(b"ALPH", body[:n]))]
    if b"VP8L" in picture:
        coded = picture[b"VP8L"]
        found[b"VP8L"] = coded[: shortest(len(coded), lambda n: shows(b"VP8L", coded[:n]))]
    else:
        lossy = Lossy.read(picture[b"VP8 "])
        for number, part in enumerate(lossy.parts):
            cut = partial(lossy.cut, number)
            lossy = cut(shortest(len(part), lambda n, cut=cut: shows(b"VP8 ", cut(n).written())))  # type: ignore[misc]
        found[b"VP8 "] = lossy.written()
        if not shows(b"VP8 ", found[b"VP8 "]):
            raise ImageRefusedError(RefusalReason.DAMAGED)
    return found


def _shown(picture: Mapping[bytes, bytes], size: tuple[int, int], *, has_alpha: bool) -> bytes | None:
    """A digest of the pixels; None if they cannot be decoded."""
    # Not above, because commands that only list refused images decode none.
    from PIL import Image

    file = _built(picture, size, 1, None, has_alpha=has_alpha)
    try:
        with Image.open(io.BytesIO(file), formats=("WEBP",)) as image:
            return hashlib.blake2b(image.tobytes(), key=image.mode.encode()).digest()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 (decoders raise any error on hostile data)
        return None


def _built(
    chunks: Mapping[bytes, bytes], size: tuple[int, int], turned: int, profile: bytes | None, *, has_alpha: bool
) -> bytes:
    parts = [_packed(name, chunks[name]) for name in (b"ALPH", b"VP8 ", b"VP8L") if name in chunks]
    exif = _packed(b"EXIF", orientation.written(turned)) if turned != 1 else b""
    if has_alpha or exif or profile:
        flags = (ALPHA if has_alpha else 0) | (ICC if profile else 0) | (EXIF if exif else 0)
        width, height = ((side - 1).to_bytes(3, "little") for side in size)
        if profile:
            parts.insert(0, _packed(b"ICCP", profile))
        parts.insert(0, _packed(b"VP8X", bytes([flags, 0, 0, 0]) + width + height))
    body = b"WEBP" + b"".join([*parts, exif])
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _packed(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
