"""Containers taken apart and put together by tests, so that something can be hidden in any place of them."""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from PIL import Image

from tests.assets.media import photos
from tests.assets.media.photos import chunk, photo, picture

Hide = Callable[[bytes], bytes]


def segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP of chunks."""
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Names and bodies."""
    found, at = [], 8
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        found.append((name, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def webp_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Names and bodies."""
    found, at = [], 12
    while at < len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        found.append((name, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def jpegs(noise: Image.Image) -> Mapping[str, Hide]:
    """Places of a JPEG, and what hides bytes there."""
    plain = photo(noise, comment=b"")
    scans = {
        "baseline": plain,
        "progressive": photo(noise, comment=b"", progressive=True),
        "restarts": photo(noise, comment=b"", restart_marker_rows=1),
        "CMYK": photo(noise.convert("CMYK"), comment=b""),
    }

    def segments(marker: int, before: bytes = b"", length: int = 0) -> Hide:
        """A segment behind the header, filled up to a length."""
        return lambda hidden: plain[:20] + segment(marker, before + hidden.ljust(length, b"\1")) + plain[20:]

    def codes(hidden: bytes) -> bytes:
        return plain[:20] + segment(0xC4, b"\3" + bytes(15) + bytes([len(hidden)]) + hidden) + plain[20:]

    return {
        **{f"behind the scans, {name}": around(data[:-2], data[-2:]) for name, data in scans.items()},
        **{f"behind the scans without an end, {name}": around(data[:-2]) for name, data in scans.items()},
        **{f"segment {marker:02x}": segments(marker) for marker in (*range(0xE0, 0xF0), 0xFE)},
        "behind a restart": around(plain[:-2] + b"\xff\xd0", plain[-2:]),
        "behind the end": around(plain),
        "a preview": segments(0xE0, b"JFIF\0\1\1\0\0\1\0\1\4\4"),
        "densities": segments(0xE0, b"JFIF\0\1\1"),
        "a second header": segments(0xE0, b"JFXX\0"),
        "what follows Adobe": segments(0xEE, b"Adobe\0d" + bytes(4) + b"\1"),
        "an unused table of numbers": segments(0xDB, b"\3", 64),
        "a table of numbers that is replaced": segments(0xDB, b"\0", 64),
        "an unused table of codes": codes,
        **_in_profile(noise, "JPEG"),
    }


def pngs(noise: Image.Image) -> Mapping[str, Hide]:
    """Places of a PNG, and what hides bytes there."""
    plain = photo(noise, "PNG")
    chunks = [(name, body) for name, body in png_chunks(plain) if name != b"tEXt"]
    head, end = chunks[0], chunks[-1]
    coded = b"".join(body for name, body in chunks if name == b"IDAT")
    rows = zlib.decompress(coded)
    palette = png_chunks(photo(picture(mode="P"), "PNG"))

    def pictures(made: Hide) -> Hide:
        return lambda hidden: _png(head, (b"IDAT", made(hidden)), end)

    def extra(name: bytes, made: Hide = lambda hidden: hidden, *others: tuple[bytes, bytes]) -> Hide:
        return lambda hidden: _png(head, *others, (name, made(hidden)), *chunks[1:])

    def of_palette(hidden: bytes) -> bytes:
        return _png(*((name, _at_end(body, hidden, 768) if name == b"PLTE" else body) for name, body in palette))

    def of_alphas(hidden: bytes) -> bytes:
        full = [(name, body.ljust(768, b"\1") if name == b"PLTE" else body) for name, body in palette]
        at = next(number for number, (name, _) in enumerate(full) if name == b"IDAT")
        return _png(*full[:at], (b"tRNS", _at_end(b"", hidden, 256)), *full[at:])

    names = "sBIT gAMA cHRM sRGB tRNS iCCP PLTE bKGD pHYs tIME tEXt zTXt iTXt eXIf prIv caBX"
    return {
        "behind the stream": pictures(around(coded)),
        "rows behind the last, stored": pictures(lambda hidden: zlib.compress(rows + hidden, 0)),
        "rows behind the last": pictures(lambda hidden: zlib.compress(rows + hidden * 100)),
        "a second stream": lambda hidden: _png(*chunks[:-1], (b"IDAT", hidden), end),
        "the last chunk": lambda hidden: _png(*chunks[:-1], (b"IEND", hidden)),
        "behind the last chunk": around(plain),
        "unused colours": of_palette,
        "alphas of unused colours": of_alphas,
        **{f"chunk {name}": extra(name.encode()) for name in names.split()},
        "a second of its kind": extra(b"gAMA", lambda hidden: hidden, (b"gAMA", b"\0\0\xb1\x8f")),
        "a name of the profile": extra(
            b"iCCP", lambda hidden: hidden.replace(b"\0", b"x") + b"\0\0" + zlib.compress(photos.srgb())
        ),
        "behind the profile's stream": extra(b"iCCP", around(b"p\0\0" + zlib.compress(photos.srgb()))),
        **_in_profile(noise, "PNG"),
    }


def webps(noise: Image.Image) -> Mapping[str, Hide]:
    """Places of a WebP, and what hides bytes there."""
    clear = noise.copy()
    clear.putalpha(Image.radial_gradient("L").resize(noise.size))
    places = _in_profile(noise, "WEBP")
    for lossless in (True, False):
        data = photo(clear, "WEBP", lossless=lossless, quality=90, icc_profile=photos.srgb())
        chunks = webp_chunks(data)
        kind = "lossless" if lossless else "lossy"
        for number, (name, _) in enumerate(chunks):
            places[f"{kind}: behind {name.decode()}"] = _longer(chunks, number)
        places[f"{kind}: a chunk of another name"] = _one_more(chunks)
        places[f"{kind}: behind the end"] = around(data)
    places["behind the first part"] = lambda hidden: riff(
        *((name, _first_part(body, hidden) if name == b"VP8 " else body) for name, body in chunks)
    )
    return places


def around(before: bytes, after: bytes = b"") -> Hide:
    """What puts bytes between others."""
    return lambda hidden: before + hidden + after


def _longer(chunks: Sequence[tuple[bytes, bytes]], number: int) -> Hide:
    name, body = chunks[number]
    return lambda hidden: riff(*chunks[:number], (name, body + hidden), *chunks[number + 1 :])


def _one_more(chunks: Sequence[tuple[bytes, bytes]]) -> Hide:
    return lambda hidden: riff(*chunks, (b"JUNK", hidden))


def _in_profile(noise: Image.Image, kind: str) -> dict[str, Hide]:
    def hide_in(place: Hide) -> Hide:
        return lambda hidden: photo(noise, kind, icc_profile=place(hidden))

    return {f"profile: {name}": hide_in(place) for name, place in profiles()}


def profiles() -> Iterator[tuple[str, Hide]]:
    """Places of a colour profile."""
    plain = photos.srgb()

    def tag(name: bytes) -> Hide:
        """A tag of this name with a text, instead of the one that is there."""
        (count,) = struct.unpack_from(">I", plain, 128)
        tags = [struct.unpack_from(">4sII", plain, 132 + 12 * number) for number in range(count)]
        kept = [(of, plain[at : at + size]) for of, at, size in tags if of != name]
        return lambda hidden: _profile(plain[4:128], [*kept, (name, b"text\0\0\0\0" + hidden)])

    yield "behind its end", lambda hidden: plain + hidden
    yield "nothing else", lambda hidden: hidden
    yield "its maker", lambda hidden: plain[:48] + hidden[:8].ljust(8, b"x") + plain[56:]
    yield "reserved", lambda hidden: plain[:100] + hidden[:28] + plain[100 + len(hidden[:28]) :]
    yield "a description", tag(b"desc")
    yield "a copyright", tag(b"cprt")
    yield "a private tag", tag(b"priv")
    yield "a curve of text", tag(b"rTRC")


def _profile(head: bytes, tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    table, bodies, start = b"", b"", 132 + 12 * len(tags)
    for name, body in tags:
        table += struct.pack(">4sII", name, start + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    file = head + struct.pack(">I", len(tags)) + table + bodies
    return struct.pack(">I", len(file) + 4) + file


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, body) for name, body in chunks)


def _at_end(body: bytes, hidden: bytes, length: int) -> bytes:
    return body + bytes(length - len(body) - len(hidden)) + hidden


def _first_part(body: bytes, hidden: bytes) -> bytes:
    tag = int.from_bytes(body[:3], "little")
    size = tag >> 5
    grown = (tag & 0x1F | (size + len(hidden)) << 5).to_bytes(3, "little")
    return grown + body[3 : 10 + size] + hidden + body[10 + size :]
