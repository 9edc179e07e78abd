"""JPEG: segments after markers, and coded data between them. Only what decoding needs is kept."""

import re
import struct
from collections.abc import Iterator

from assets.media.containers import orientation
from assets.media.containers.cleaned import Cleaned, ImageRefusedError, RefusalReason

EOI, SOS, APP0, APP1, APP2, APP14, LAST_APP, COM = 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
# Starts of frames, with Huffman or arithmetic coding; C4, C8 and CC are other markers.
FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
TABLES = {0xC4, 0xCC, 0xDB, 0xDC, 0xDD}
# Each scan covers the whole picture, so that a small file with thousands of scans would be decoded for minutes.
MOST_SCANS = 100

_END_OF_CODED = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)


def clean(data: bytes) -> Cleaned:
    """Read a JPEG; raises ImageRefusedError."""
    head, picture, comments = bytearray(b"\xff\xd8"), bytearray(), bytearray()
    turned, sides, end = 1, [(0, 0)], 2
    for marker, body, coded, after in _segments(data):
        end = after
        if marker in FRAMES:
            if len(body) < 6:
                raise ImageRefusedError(RefusalReason.DAMAGED)
            height, width = struct.unpack_from(">HH", body, 1)
            sides.append((width, height))
        if marker in FRAMES or marker in TABLES or marker == SOS:
            picture += _packed(marker, body) + coded
        elif marker == COM:
            comments += body
        elif marker == APP1 and body.startswith(b"Exif\0"):
            turned = orientation.read(body[6:])
        elif marker == APP0:
            head += _header(body)
        else:
            picture += _of_colours(marker, body)
    width, height = (max(side) for side in zip(*sides, strict=True))
    if not width or not height:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    if turned != 1:
        head += _packed(APP1, b"Exif\0\0" + orientation.written(turned))
    dropped = bytes(comments) + data[end + len(b"\xff\xd9") :]
    return Cleaned(bytes(head + picture + b"\xff\xd9"), width, height, turned, dropped)


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes, int]]:
    """Marker, body, coded data and end of each segment, up to the marker that ends the image."""
    scans, at = 0, 2
    while True:
        marker, at = _marker(data, at)
        if marker == EOI:
            break
        body, at = _segment(data, at)
        coded = b""
        if marker == SOS:
            scans += 1
            end = _END_OF_CODED.search(data, at)
            if end is None:
                raise ImageRefusedError(RefusalReason.TRUNCATED)
            coded, at = data[at : end.start()], end.start()
        if scans > MOST_SCANS:
            raise ImageRefusedError(RefusalReason.TOO_MANY_PARTS)
        yield marker, body, coded, at
    if not scans:
        raise ImageRefusedError(RefusalReason.DAMAGED)


def _header(body: bytes) -> bytes:
    """JFIF without its preview, whose size is in the last two bytes; nothing for any other header."""
    return _packed(APP0, body[:12] + b"\0\0") if body.startswith(b"JFIF\0") and len(body) >= 14 else b""


def _of_colours(marker: int, body: bytes) -> bytes:
    """The segment if it defines the colours, else nothing; raises ImageRefusedError if it is not a segment."""
    if not APP0 <= marker <= LAST_APP:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    if marker == APP2 and body.startswith(b"ICC_PROFILE\0"):
        return _packed(marker, body)
    return _packed(marker, body[:12]) if marker == APP14 and body.startswith(b"Adobe") else b""


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """The marker at an offset, after fill bytes, and the offset of its end."""
    while True:
        if at + 2 > len(data):
            raise ImageRefusedError(RefusalReason.TRUNCATED)
        if data[at] != 0xFF:
            raise ImageRefusedError(RefusalReason.DAMAGED)
        if data[at + 1] != 0xFF:
            return data[at + 1], at + 2
        at += 1


def _segment(data: bytes, at: int) -> tuple[bytes, int]:
    """The body of a segment whose length is at an offset, and the offset of its end."""
    if at + 2 > len(data):
        raise ImageRefusedError(RefusalReason.TRUNCATED)
    (length,) = struct.unpack_from(">H", data, at)
    if length < 2:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    if at + length > len(data):
        raise ImageRefusedError(RefusalReason.TRUNCATED)
    return data[at + 2 : at + length], at + length


def _packed(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
