"""PNG: a signature and chunks, each with its checksum. Only picture, colours and transparency are kept.

A chunk that is kept has exactly the bytes of its form, within their range. The picture is inflated to its last row:
what follows in the stream, or behind it, is dropped.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping

from assets.media.containers import icc, orientation, rows
from assets.media.containers.cleaned import Cleaned, ImageRefusedError, RefusalReason, refuse_too_large

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
MOST_CHUNKS = 200_000
PALETTE, ALPHA = 3, (4, 6)


def clean(data: bytes) -> Cleaned:
    """Read a PNG; raises ImageRefusedError."""
    chunks: dict[bytes, bytes] = {}
    dropped, coded = bytearray(), bytearray()
    turned, end = 1, 0
    for name, body, after in _chunks(data):
        end = after
        if name in ANIMATION:
            raise ImageRefusedError(RefusalReason.ANIMATED)
        if (name == b"IHDR") != (not chunks) or (name[:1].isupper() and name not in CRITICAL):
            raise ImageRefusedError(RefusalReason.DAMAGED)
        if name == b"IDAT":
            coded += body
        elif name == b"eXIf":
            turned = orientation.read(body)
        elif name in chunks or (name not in FORMS and name not in CRITICAL):
            dropped += body
        else:
            chunks[name] = body
    head = chunks[b"IHDR"]
    width, height, depth, colour = _header(head)
    picture, rest = rows.picture(bytes(coded), rows.size(head))
    kept = {name: form(chunks[name], depth, colour) for name, form in FORMS.items() if name in chunks}
    dropped += b"".join(chunks[name] for name, body in kept.items() if body is None)
    found = {name: body for name, body in kept.items() if body is not None}
    if colour == PALETTE:
        found = _used(found, _file(head, 1, found, picture))
    return Cleaned(_file(head, turned, found, picture), width, height, turned, bytes(dropped) + rest + data[end:])


def _header(head: bytes) -> tuple[int, int, int, int]:
    """Width, height, bits of a sample, colour type."""
    if len(head) != 13:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    width, height, depth, colour, compression, filter_, interlaced = struct.unpack(">IIBBBBB", head)
    if depth not in rows.DEPTHS.get(colour, ()) or compression or filter_ or interlaced > 1:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    refuse_too_large(width, height)
    return width, height, depth, colour


Form = Callable[[bytes, int, int], bytes | None]


def _exact(length: int, most: int, least: int = 0) -> Form:
    """A form of 4-byte numbers, or of bytes where the length is below 4, each within its range."""

    def form(body: bytes, _depth: int, _colour: int) -> bytes | None:
        if len(body) != length:
            return None
        numbers = body if length < 4 else struct.unpack(f">{length // 4}I", body)
        return body if all(least <= number <= most for number in numbers) else None

    return form


def _bits(body: bytes, depth: int, colour: int) -> bytes | None:
    """sBIT: how many bits of each sample are of the original."""
    samples = 3 if colour == PALETTE else rows.SAMPLES[colour]
    most = 8 if colour == PALETTE else depth
    return body if len(body) == samples and all(1 <= bits <= most for bits in body) else None


def _palette(body: bytes, depth: int, colour: int) -> bytes | None:
    if colour != PALETTE:
        return None
    if not body or len(body) % 3 or len(body) > 3 * 2**depth:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    return body


def _transparency(body: bytes, depth: int, colour: int) -> bytes | None:
    if colour == PALETTE:
        return body[: 2**depth]
    if colour in ALPHA or len(body) != 2 * rows.SAMPLES[colour]:
        return None
    return body if max(struct.unpack(f">{rows.SAMPLES[colour]}H", body)) < 2**depth else None


def _profile(body: bytes, _depth: int, _colour: int) -> bytes | None:
    _, _, rest = body.partition(b"\0")
    try:
        profile = icc.rebuilt(zlib.decompressobj().decompress(rest[1:], icc.MOST_BYTES))
    except zlib.error:
        return None
    return b"profile\0\0" + zlib.compress(profile) if profile else None


# The chunks that are kept, in the order in which they are written. Chromaticities and gamma are in 1/100,000.
FORMS: Mapping[bytes, Form] = {
    b"cHRM": _exact(32, 100_000),
    b"gAMA": _exact(4, 1_000_000, 1),
    b"iCCP": _profile,
    b"sBIT": _bits,
    b"sRGB": _exact(1, 3),
    b"PLTE": _palette,
    b"tRNS": _transparency,
}


def _used(chunks: Mapping[bytes, bytes], file: bytes) -> dict[bytes, bytes]:
    """The chunks of a picture with a palette, in which colours that no pixel has are black."""
    # Not above, because commands that only list refused images decode none.
    from PIL import Image

    try:
        with Image.open(io.BytesIO(file), formats=("PNG",)) as image:
            used = [count > 0 for count in image.histogram()]
    except Exception:  # noqa: BLE001 (decoders raise any error on hostile data)
        raise ImageRefusedError(RefusalReason.DAMAGED) from None
    colours = chunks.get(b"PLTE", b"")
    triples = (colours[at : at + 3] for at in range(0, len(colours), 3))
    found = {**chunks, b"PLTE": b"".join(t if is_used else bytes(3) for t, is_used in zip(triples, used, strict=False))}
    if b"tRNS" in chunks:
        alphas = chunks[b"tRNS"][: len(colours) // 3]
        found[b"tRNS"] = bytes(alpha if used[index] else 255 for index, alpha in enumerate(alphas))
    return found


def _file(head: bytes, turned: int, chunks: Mapping[bytes, bytes], picture: bytes) -> bytes:
    """It has the orientation before the picture, so that decoders find it without reading the picture."""
    exif = [_packed(b"eXIf", orientation.written(turned))] if turned != 1 else []
    colours = [_packed(name, chunks[name]) for name in FORMS if name in chunks]
    parts = [_packed(b"IHDR", head), *exif, *colours, _packed(b"IDAT", picture), _packed(b"IEND", b"")]
    return SIGNATURE + b"".join(parts)


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
