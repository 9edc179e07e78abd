"""What objects of R2 hold of a person: lines that landed or were refused, archived rows, media.

What belongs here: finding a person's lines among those of others. What does not: live rows (live_rows.py). An object
that was refused as a whole is left out, because nobody can tell whose lines are in it.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import msgspec

from assets.apps import App
from assets.apps.personal import Holding, Subject
from assets.export.page import FILE
from assets.export.portion import Ids, Portion, Row, Within, doc_of, portion_name
from assets.privacy.identity import Identity
from assets.rooms import Rooms
from assets.search.needles import SHORTEST, Needles
from resources.r2 import ObjectStore

WHOLE = ".whole"
GZIP = b"\x1f\x8b"
ENDINGS = ("jpg", "jpeg", "png", "webp")
PIECE = 4 * 2**20


def of_objects(rooms: Rooms, app: App, identity: Identity) -> Iterator[Portion]:
    """A portion for each prefix and each archived table that names people."""
    ids, store = identity.ids, rooms.object_store
    # A short id is not seen in bytes: then all lines are read.
    is_short = any(len(id_.encode()) < SHORTEST for of_kind in ids.values() for id_ in of_kind)
    needles = None if is_short else Needles([Identity(identity.request, app.name, ids)])
    for entry in app.holdings:
        if entry.store != "r2" or not any(ids.get(kind) for kind, _ in entry.subjects):
            continue
        in_lines = [
            (kind, place.removeprefix("content.")) for kind, place in entry.subjects if place.startswith("content.")
        ]
        name = portion_name("r2", entry.name)
        if in_lines:
            whose = _Whose(in_lines, ids, entry.organisation.removeprefix("content."), identity.within)
            yield Portion(name, doc_of(app, entry), _lines_of(store, entry.name, partial(_line, whose), needles))
        elif media := _media(store, entry, ids):
            yield _as_files(store, name, doc_of(app, entry), media)
    for policy in app.lifecycles:
        if policy.archive is not None:
            entry = app.holding(policy.store, policy.name)
            if any(ids.get(kind) for kind, _ in entry.subjects):
                whose = _Whose(entry.subjects, ids, entry.organisation, identity.within)
                found = _lines_of(store, f"archive/{app.name}/{policy.table}/", partial(_line, whose), needles)
                doc = f"{doc_of(app, entry)}; an archived copy"
                yield Portion(portion_name("archive", policy.table), doc, _once(found))


def _lines_of(
    store: ObjectStore, prefix: str, taken: Callable[[bytes], Row | None], needles: Needles | None
) -> Iterator[Row]:
    """The person's lines of all objects below a prefix."""
    for info in store.list(prefix.rstrip("/")):
        if info.key.endswith(WHOLE):
            continue
        for lines in _lines(store.stream(info.key)):
            # Most lines are of others, and are not read one by one.
            if needles is None or needles.are_in(lines):
                yield from filter(None, map(taken, lines.split(b"\n")))


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines of an object, packed or not, under any name."""
    several = iter(chunks)
    first = next(several, b"")
    if first.startswith(GZIP):
        yield from _unpacked(chain([first], several))
        return
    rest = b""
    for chunk in chain([first], several):
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            yield whole
    yield rest


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines of a gzip object, as far as it unpacks."""
    member, rest = zlib.decompressobj(31), b""
    try:
        for chunk in chunks:
            while chunk:
                if member.eof:
                    member = zlib.decompressobj(31)
                whole, newline, rest = (rest + member.decompress(chunk, PIECE)).rpartition(b"\n")
                chunk = member.unused_data if member.eof else member.unconsumed_tail
                if newline:
                    yield whole
    except zlib.error:
        pass
    yield rest + member.flush()


@dataclass(frozen=True)
class _Whose:
    """Whose lines are taken: those with one of the ids, of the organisation with one of the names in `within`."""

    subjects: Sequence[Subject]
    ids: Ids = field(repr=False)
    organisation: str
    within: Within = field(repr=False)

    def has(self, row: Row) -> bool:
        """Whether a row is theirs."""
        named = any(_value(row, place) in self.ids.get(kind, ()) for kind, place in self.subjects)
        return named and (not self.within or _value(row, self.organisation) in self.within)

    def is_named_in(self, text: bytes) -> bool:
        """Whether a text that is no JSON has an id as a whole word. Whose organisation's it is nobody can tell."""
        wanted = {kind for kind, _ in self.subjects}
        of_kinds = {kind: of_kind for kind, of_kind in self.ids.items() if kind in wanted}
        return not self.within and Needles([Identity("", "", of_kinds)]).name_somebody(text)


def _line(whose: _Whose, line: bytes) -> Row | None:
    """A line as a row, if the person is named in it; also a refused line, whose bytes are base64 in it."""
    row = _object(line)
    if row is None:
        return None
    if isinstance(row.get("raw"), str) and {"line", "reason"} <= row.keys():
        return _refused(whose, row)
    return row if whose.has(row) else None


def _refused(whose: _Whose, row: Row) -> Row | None:
    try:
        raw = base64.b64decode(row["raw"], validate=True)
    except (ValueError, binascii.Error):
        return None
    inner = _object(raw)
    if inner is not None:
        return {"reason": row["reason"], "line": inner} if whose.has(inner) else None
    return {"reason": row["reason"], "line": raw.decode(errors="replace")} if whose.is_named_in(raw) else None


def _object(line: bytes) -> Row | None:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None


def _value(row: Row, place: str) -> Any:
    """The value of a column, or of a field where the column holds JSON."""
    name, _, path = place.partition(".")
    value = row.get(name)
    if path and isinstance(value, str):
        value = _object(value.encode(errors="surrogatepass"))
    if path:
        value = value.get(path) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def _once(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows without those that lie in two parts of an archive, as after a run that was killed."""
    seen: set[bytes] = set()
    for row in rows:
        digest = hashlib.sha256(msgspec.json.encode(row)).digest()
        if digest not in seen:
            seen.add(digest)
            yield row


def _media(store: ObjectStore, entry: Holding, ids: Ids) -> list[str]:
    """The keys of the person's objects: the folder below the prefix is named after their id."""
    folders = [
        f"{entry.name}{id_}" for kind, _ in entry.subjects for id_ in sorted(ids.get(kind, ())) if _is_segment(id_)
    ]
    return [info.key for folder in folders for info in store.list(folder)]


def _as_files(store: ObjectStore, name: str, doc: str, keys: Sequence[str]) -> Portion:
    names = {key: f"{name}/{number:06}{_ending(key)}" for number, key in enumerate(keys, 1)}
    rows = [{FILE: file, "key": key} for key, file in names.items()]
    return Portion(name, doc, rows, {file: partial(store.stream, key) for key, file in names.items()})


def _is_segment(id_: str) -> bool:
    return id_ not in ("", ".", "..") and "/" not in id_ and id_.isprintable() and "\\" not in id_


def _ending(key: str) -> str:
    ending = key.rpartition(".")[2].lower()
    return f".{ending}" if ending in ENDINGS else ""
