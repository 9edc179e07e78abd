"""Lines of erased people in landed and refused objects, which a restore leaves out.

What belongs here: finding who a line names, also where it is damaged. What does not: folders of a person (objects.py),
who was erased (assets/privacy).
"""

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence

import msgspec

from assets.apps.personal import Subject
from assets.privacy.tombstones import Tombstones

CONTENT = "content."
GZIP = b"\x1f\x8b"


class _Kept(msgspec.Struct):
    """A refused line, as it is kept."""

    raw: str


def names_anyone(subjects: Sequence[Subject], erased: Tombstones) -> bool:
    """Whether lines with these subjects can name one who was erased."""
    return any(erased.hashes.get(kind) for kind, place in subjects if place.startswith(CONTENT))


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
    stay = [line for line in lines if not any(_named(_raw(line), subjects, erased))]
    if len(stay) == len(lines):
        return content, 0
    left = b"\n".join(stay)
    return gzip.compress(left, mtime=0) if packed else left, len(lines) - len(stay)


def _raw(line: bytes) -> bytes:
    """What was sent: the line itself, or the bytes that are kept of a refused one."""
    try:
        return base64.b64decode(msgspec.json.decode(line, type=_Kept).raw)
    except (msgspec.MsgspecError, binascii.Error):
        return line


def _named(line: bytes, subjects: Sequence[Subject], erased: Tombstones) -> Iterator[bool]:
    """Whether each value of an id in a line is of an erased person. A refused line may be no JSON."""
    for kind, place in subjects:
        field = re.escape(place.removeprefix(CONTENT)).encode()
        for value in re.findall(rb'"%s"\s*:\s*("(?:[^"\\]|\\.)*"|[^\s,}\]]+)' % field, line):
            yield erased.holds(kind, _text(value))


def _text(value: bytes) -> str:
    text = value.decode(errors="replace")
    try:
        return str(json.loads(text))
    except ValueError:
        return text.strip('"')
