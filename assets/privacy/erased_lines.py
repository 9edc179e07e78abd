"""Lines of erased people in landed and refused objects, which no ingest keeps and no restore brings back.

What belongs here: finding who a line names, also where it is damaged. What does not: who was erased (tombstones.py),
what becomes of a line (intake, backups).
"""

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import msgspec

from assets.apps.personal import Subject
from assets.privacy.tombstones import Tombstones, organisation_places
from resources.r2 import ObjectNotFoundError, ObjectStore

CONTENT = "content."
GZIP = b"\x1f\x8b"
# Longer than a field with an id: an id that is longer is none.
OVERLAP = 4096
PIECE = 2**20


class _Kept(msgspec.Struct):
    """A refused line, as it is kept."""

    raw: str


def names_anyone(subjects: Sequence[Subject], erased: Tombstones) -> bool:
    """Whether lines with these subjects can name one who was erased."""
    return any(erased.may_hold(kind) for kind, place in subjects if place.startswith(CONTENT))


def without_erased(content: bytes, subjects: Sequence[Subject], erased: Tombstones) -> tuple[bytes, int]:
    """The content without the lines that name an erased person, and how many these are.

    Where it cannot be unpacked, nobody can tell whom it names: nothing of it stays.
    """
    packed = content.startswith(GZIP)
    try:
        text = gzip.decompress(content) if packed else content
    except (OSError, EOFError, zlib.error):
        return b"", 1
    lines = text.split(b"\n")
    stay = [line for line in lines if not names_erased(_raw(line), subjects, erased)]
    if len(stay) == len(lines):
        return content, 0
    left = b"\n".join(stay)
    return gzip.compress(left, mtime=0) if packed else left, len(lines) - len(stay)


def object_names_erased(store: ObjectStore, key: str, subjects: Sequence[Subject], erased: Tombstones) -> bool:
    """Whether an object of which no line could be read names an erased person, as far as it can be unpacked.

    One that is not there any more names nobody.
    """
    before = b""
    with suppress(ObjectNotFoundError):
        for text in _unpacked(store.stream(key)) if names_anyone(subjects, erased) else ():
            if names_erased(before + text, subjects, erased):
                return True
            before = text[-OVERLAP:]
    return False


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member = None
    for number, chunk in enumerate(chunks):
        if not number and chunk.startswith(GZIP):
            member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        if member is None:
            yield chunk
            continue
        with suppress(zlib.error):
            while chunk:
                yield member.decompress(chunk, PIECE)
                chunk = member.unconsumed_tail
                if member.eof:
                    chunk, member = member.unused_data, zlib.decompressobj(zlib.MAX_WBITS | 16)


def names_erased(line: bytes, subjects: Sequence[Subject], erased: Tombstones) -> bool:
    """Whether a line names an erased person. `subjects` are places `content.field`; the line may be no JSON."""
    return names_anyone(subjects, erased) and any(_named(line, subjects, erased))


def _raw(line: bytes) -> bytes:
    """What was sent: the line itself, or the bytes that are kept of a refused one."""
    try:
        return base64.b64decode(msgspec.json.decode(line, type=_Kept).raw)
    except (msgspec.MsgspecError, binascii.Error):
        return line


def _named(line: bytes, subjects: Sequence[Subject], erased: Tombstones) -> Iterator[bool]:
    """Whether each value of an id in a line is of an erased person."""
    tenants = [text for place in organisation_places(subjects) for text in _values(line, place)]
    for kind, place in subjects:
        for text in _values(line, place):
            yield erased.holds(kind, text) or any(erased.holds(kind, text, tenant) for tenant in tenants)


def _values(line: bytes, place: str) -> list[str]:
    """The values of a field, which a damaged line may have several times."""
    field = re.escape(place.removeprefix(CONTENT)).encode()
    return [_text(value) for value in re.findall(rb'"%s"\s*:\s*("(?:[^"\\]|\\.)*"|[^\s,}\]]+)' % field, line)]


def _text(value: bytes) -> str:
    text = value.decode(errors="replace")
    try:
        return str(json.loads(text))
    except ValueError:
        return text.strip('"')
