"""Landed and refused objects without people, as bytes: what one becomes. Pure.

Lines keep their numbers, because ledgers know them by these: one that goes leaves a blank line. What does not belong
here: what becomes of a line (lines.py), and the store.
"""

import base64
import gzip
import io
import json
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from assets.erasure.lines import Lines
from assets.intake.zone import GZIP, UnreadableBatchError, Zone

# In which the header of gzip may name a file.
HEADER_BYTES = 1024
WHOLE = 0


@dataclass(frozen=True)
class Changed:
    """What an object becomes. data: None where nothing is left. gone: the numbers of lines that go, 0 for all of it."""

    data: bytes | None = field(repr=False)
    gone: Sequence[int]


class _Kept(msgspec.Struct):
    """A refused line as it is kept (assets/intake/kept_bytes.py)."""

    line: int
    reason: str
    field: str
    raw: str


def landed(data: bytes, zone: Zone, lines: Lines, name: str) -> Changed | None:
    """A landed object; None where it stays as it is. `name` goes into a gzip, so that two objects are never alike."""
    try:
        text = zone.text(data)
    except UnreadableBatchError:
        return unreadable(data, lines)
    is_packed = data.startswith(GZIP)
    rows = text.split(b"\n")
    changed = lines.changed(rows)
    if not changed and not (is_packed and lines.people.named_in(data[:HEADER_BYTES])):
        return None
    left = b"\n".join(changed.get(at, row) for at, row in enumerate(rows))
    gone = [at + 1 for at, line in sorted(changed.items()) if not line]
    if not left.strip():
        return Changed(None, gone)
    return Changed(_packed(left, name) if is_packed else left, gone)


def kept(data: bytes, lines: Lines) -> Changed | None:
    """The refused lines of an object, as they are kept; None where they stay as they are."""
    entries = [msgspec.json.decode(line, type=_Kept) for line in gzip.decompress(data).splitlines()]
    changed = lines.changed([base64.b64decode(entry.raw) for entry in entries])
    if not changed:
        return None
    left = []
    for at, entry in enumerate(entries):
        if at in changed:
            entry.raw = base64.b64encode(changed[at]).decode()
        if entry.raw:
            left.append(msgspec.json.encode(entry))
    gone = [entry.line for entry in entries if not entry.raw]
    return Changed(gzip.compress(b"\n".join(left), mtime=0) if left else None, gone)


def unreadable(data: bytes, lines: Lines) -> Changed | None:
    """An object of which no line could be read: one that names people goes, except a JSON array, which is read here."""
    text = _unpacked(data)
    with suppress(ValueError, RecursionError):
        if isinstance(elements := json.loads(text), list):
            return _array([_line(element) for element in elements], lines)
    return Changed(None, [WHOLE]) if lines.people.named_in(text) else None


def _array(elements: Sequence[bytes], lines: Lines) -> Changed | None:
    changed = lines.changed(elements)
    if not changed:
        return None
    left = [element for at, old in enumerate(elements) if (element := changed.get(at, old))]
    return Changed(b"[" + b",".join(left) + b"]" if left else None, [] if left else [WHOLE])


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def _unpacked(data: bytes) -> bytes:
    """The text of an object, of damaged gzip as far as it can be unpacked."""
    if not data.startswith(GZIP):
        return data
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    text = io.BytesIO()
    with suppress(zlib.error):
        for start in range(0, len(data), HEADER_BYTES):
            text.write(member.decompress(data[start : start + HEADER_BYTES]))
    return text.getvalue() + member.unused_data


def _packed(text: bytes, name: str) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(filename=name, mode="wb", fileobj=buffer, mtime=0) as packed:
        packed.write(text)
    return buffer.getvalue()
