"""JPEG: segments after markers, and coded data between them. Only what decoding needs is kept.

The picture's bytes stay as they are: its frame, the tables that it uses, and each scan up to its last block. A decoder
that takes warnings for errors tells where this is.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from assets.media.containers import icc, orientation
from assets.media.containers.cleaned import Cleaned, ImageRefusedError, RefusalReason, refuse_too_large
from assets.media.containers.shortest import shortest

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
END, SOS, APP0, APP1, APP2, APP14, LAST_APP, COM = 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
# Frames with Huffman coding, baseline to progressive: all that browsers show. C4, C8 and CC are other markers.
FRAMES = {0xC0, 0xC1, 0xC2}
PROGRESSIVE = 0xC2
OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
HUFFMAN, QUANTIZATION, RESTARTS = 0xC4, 0xDB, 0xDD
# Each scan covers the whole picture, so that a small file with thousands of scans would be decoded for minutes.
MOST_SCANS = 100
# Without a density, which is no part of the picture. The header says that the colours are YCbCr.
JFIF = b"JFIF\0\1\1\0\0\1\0\1\0\0"
PROFILE = b"ICC_PROFILE\0"
PROFILE_BYTES = 65_000  # of one segment
SPACES = {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}
# Behind the last block of a scan; elsewhere such bytes are damage.
SURPLUS = "extraneous bytes before marker 0xd9"

_END_OF_CODED = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)


@dataclass
class _Frame:
    """What a file holds. least: by component and coefficient, the lowest bit that a scan has given (none: absent).

    tables: the latest of each kind and number, as a segment; written: those that `picture` has.
    """

    jfif: bytes = b""
    adobe: bytes = b""
    comments: bytearray = field(default_factory=bytearray)
    profile: dict[int, bytes] = field(default_factory=dict)
    orientation: int = 1
    width: int = 0
    height: int = 0
    marker: int = 0
    body: bytes = b""
    least: dict[int, list[int | None]] = field(default_factory=dict)
    tables: dict[tuple[int, int], bytes] = field(default_factory=dict)
    written: dict[tuple[int, int], bytes] = field(default_factory=dict)
    picture: bytearray = field(default_factory=bytearray)

    @property
    def head(self) -> bytes:
        """What says how the components are colours."""
        return self.jfif + self.adobe

    @property
    def is_complete(self) -> bool:
        """Whether each coefficient has come to its last bit."""
        return all(bit == 0 for bits in self.least.values() for bit in bits)


def clean(data: bytes) -> Cleaned:
    """Read a JPEG; raises ImageRefusedError."""
    frame = _Frame()
    # All of them first, because each scan is decoded and there may be too many.
    segments = list(_segments(data))
    for marker, body, coded, _ in segments:
        if marker in OTHER_FRAMES:
            raise ImageRefusedError(RefusalReason.UNSUPPORTED_FORMAT)
        if marker in FRAMES:
            _begin(frame, marker, body)
        elif marker in (HUFFMAN, QUANTIZATION, RESTARTS):
            frame.tables.update(_tables(marker, body))
        elif marker == SOS:
            _add_scan(frame, body, coded)
        else:
            _note(frame, marker, body)
    if not frame.is_complete:
        raise ImageRefusedError(RefusalReason.TRUNCATED)
    head = frame.head
    if frame.orientation != 1:
        head += _packed(APP1, b"Exif\0\0" + orientation.written(frame.orientation))
    profile = icc.rebuilt(b"".join(frame.profile[number] for number in sorted(frame.profile))) or b""
    parts = [profile[at : at + PROFILE_BYTES] for at in range(0, len(profile), PROFILE_BYTES)]
    for number, part in enumerate(parts, 1):
        head += _packed(APP2, PROFILE + bytes([number, len(parts)]) + part)
    cleaned = SOI + head + bytes(frame.picture) + EOI
    return Cleaned(
        cleaned, frame.width, frame.height, frame.orientation, bytes(frame.comments) + data[segments[-1][3] :]
    )


def _note(frame: _Frame, marker: int, body: bytes) -> None:
    """Take what a segment beside the picture says about it."""
    if marker == COM:
        frame.comments += body
    elif not APP0 <= marker <= LAST_APP:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    elif marker == APP0 and body.startswith(b"JFIF\0"):
        frame.jfif = _packed(APP0, JFIF)
    elif marker == APP14 and body.startswith(b"Adobe") and len(body) >= 12:
        frame.adobe = _packed(APP14, b"Adobe\0\x64\0\0\0\0" + body[11:12])
    elif marker == APP1 and body.startswith(b"Exif\0"):
        frame.orientation = orientation.read(body[6:])
    elif marker == APP2 and body.startswith(PROFILE) and len(body) > len(PROFILE) + 2:
        frame.profile[body[len(PROFILE)]] = body[len(PROFILE) + 2 :]


def _begin(frame: _Frame, marker: int, body: bytes) -> None:
    if frame.marker or len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    frame.marker, frame.body = marker, body
    frame.height, frame.width = struct.unpack_from(">HH", body, 1)
    refuse_too_large(frame.width, frame.height)
    frame.least = {component: [None] * 64 for component in body[6::3]}


def _tables(marker: int, body: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """The tables of a segment, by their marker and number, each as a segment of its own."""
    at = 0
    while at < len(body):
        if marker == RESTARTS:
            number, length = 0, 2
        elif marker == QUANTIZATION:
            number, length = body[at] & 15, 65 + 64 * (body[at] >> 4)
        else:
            number, length = body[at], 17 + sum(body[at + 1 : at + 17])
        if at + length > len(body):
            raise ImageRefusedError(RefusalReason.DAMAGED)
        yield (marker, number), _packed(marker, body[at : at + length])
        at += length


def _add_scan(frame: _Frame, body: bytes, coded: bytes) -> None:
    """Add a scan up to its last block, after the tables that it needs.

    A scan of a sequential frame has all coefficients of its components.
    """
    if not frame.marker or not body or len(body) != 4 + 2 * body[0]:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    *parts, first, last, bits = body[1:]
    if frame.marker != PROGRESSIVE:
        first, last, bits = 0, 63, 0
    if last > 63 or not set(parts[::2]) <= frame.least.keys():
        raise ImageRefusedError(RefusalReason.DAMAGED)
    for component in parts[::2]:
        frame.least[component][first : last + 1] = [bits & 15] * (last + 1 - first)
    begins = not frame.picture
    for name in _needed(frame, parts, with_all=begins):
        if name in frame.tables and frame.written.get(name) != frame.tables[name]:
            frame.written[name] = frame.tables[name]
            frame.picture += frame.tables[name]
    if begins:
        frame.picture += _packed(frame.marker, frame.body)
    frame.picture += _packed(SOS, bytes([body[0], *parts, first, last, bits]))
    before = SOI + frame.head + bytes(frame.picture)
    fault = _fault(before + coded + EOI)
    if fault and SURPLUS not in fault:
        raise ImageRefusedError(RefusalReason.TRUNCATED if "premature end" in fault else RefusalReason.DAMAGED)
    frame.picture += coded[: shortest(len(coded), lambda n: _suffices(before + coded[:n] + EOI))]


def _needed(frame: _Frame, parts: Sequence[int], *, with_all: bool) -> Iterator[tuple[int, int]]:
    """The tables that a scan may use, and those of the whole frame for its first scan."""
    quantization = dict(zip(frame.body[6::3], frame.body[8::3], strict=True))
    for component in quantization if with_all else parts[::2]:
        yield QUANTIZATION, quantization[component]
    for numbers in parts[1::2]:
        yield HUFFMAN, numbers >> 4
        yield HUFFMAN, 0x10 | numbers & 15
    yield RESTARTS, 0


def _suffices(file: bytes) -> bool:
    fault = _fault(file)
    return not fault or SURPLUS in fault


def _fault(file: bytes) -> str:
    """What a decoder finds wrong first; empty if nothing. It decodes all, and makes the smallest picture of it."""
    # Not above, because commands that only list refused images decode none.
    import simplejpeg

    try:
        space = SPACES.get(simplejpeg.decode_jpeg_header(file)[2], "RGB")
        simplejpeg.decode_jpeg(file, space, min_height=1, min_width=1, min_factor=8, strict=True)
    except ValueError as error:
        return str(error) or "damaged"
    return ""


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes, int]]:
    """Marker, body, coded data and end of each segment, up to the marker that ends the image.

    The end of the last segment is the end of the image: that marker, or the file where it lacks one.
    """
    scans, at = 0, 2
    last = None
    while True:
        if scans and at == len(data):
            break
        marker, at = _marker(data, at)
        if marker == END:
            break
        if last is not None:
            yield last
        body, at = _segment(data, at)
        coded = b""
        if marker == SOS:
            scans += 1
            end = _END_OF_CODED.search(data, at)
            # A file without an end may have all of its picture: the decoder will tell.
            stop = end.start() if end else len(data)
            coded, at = data[at:stop], stop
        if scans > MOST_SCANS:
            raise ImageRefusedError(RefusalReason.TOO_MANY_PARTS)
        last = marker, body, coded, at
    if not scans or last is None:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    yield *last[:3], at


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
