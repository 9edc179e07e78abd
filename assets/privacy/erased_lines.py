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
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from assets.apps.personal import Subject
from assets.privacy.erased_texts import NamedPeople
from assets.privacy.replacement import replacement
from assets.privacy.tombstones import Tombstones, organisation_places
from resources.r2 import ObjectNotFoundError, ObjectStore

CONTENT = "content."
GZIP = b"\x1f\x8b"
ESCAPED = "\\u"
# Longer than a field with an id: an id that is longer is none.
OVERLAP = 4096
PIECE = 2**20


class _Kept(msgspec.Struct):
    """A refused line, as it is kept."""

    raw: str


def names_anyone(subjects: Sequence[Subject], erased: Tombstones) -> bool:
    """Whether lines with these subjects can name one who was erased."""
    return any(erased.may_hold(kind) for kind, place in subjects if place.startswith(CONTENT))


@dataclass(frozen=True)
class LineFields:
    """What the fields of lines hold. subjects: whose a line is. impersonal: the names of fields that name nobody."""

    subjects: Sequence[Subject]
    impersonal: Collection[str] = ()


def without_erased(content: bytes, fields: LineFields, erased: Tombstones) -> tuple[bytes, int]:
    """The content without the lines of erased people, and with other texts in those of others that name them; how many
    lines these are. A refused line that names one goes, because nobody can tell its fields.

    Where it cannot be unpacked, nobody can tell whom it names: nothing of it stays.
    """
    packed = content.startswith(GZIP)
    try:
        text = gzip.decompress(content) if packed else content
    except (OSError, EOFError, zlib.error):
        return b"", 1
    people = NamedPeople(erased)
    lines = text.split(b"\n")
    after = [_without_erased(line, fields, erased, people) for line in lines]
    changed = sum(line is not before for before, line in zip(lines, after, strict=True))
    if not changed:
        return content, 0
    left = b"\n".join(line for line in after if line is not None)
    return gzip.compress(left, mtime=0) if packed else left, changed


def _without_erased(line: bytes, fields: LineFields, erased: Tombstones, people: NamedPeople) -> bytes | None:
    """The line itself where it names nobody, else another one; None for one that goes."""
    raw = _raw(line)
    if names_erased(raw, fields.subjects, erased):
        return None
    tenants = [text for place in organisation_places(fields.subjects) for text in _values(raw, place)]
    tenant = tenants[0] if len(tenants) == 1 else None
    text = raw.decode(errors="replace")
    if ESCAPED not in text and not people.are_in(text, tenant):
        return line
    try:
        values = json.loads(line)
    except ValueError:
        values = None
    if raw is not line or not isinstance(values, dict):
        return None if people.are_in(text, tenant) else line
    other = {
        name: value if name in fields.impersonal else _other(value, tenant, people) for name, value in values.items()
    }
    return line if other == values else json.dumps(other, ensure_ascii=False).encode(errors="surrogatepass")


def _other(value: object, tenant: str | None, people: NamedPeople) -> object:
    if isinstance(value, bool | int | float | None):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return replacement(text) if people.are_in(text, tenant) else value


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
