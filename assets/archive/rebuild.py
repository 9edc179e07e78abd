"""A manifest made again from parts: those that together have the rows and the checksum which the registry holds.

What a part holds is counted in its bytes. Which revision it came with is in older manifests; the rows of parts that no
older manifest names must have different keys, because otherwise it is not known which row is the later one. What
belongs here: measuring and choosing parts. What does not: sealing.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import polars as pl

from assets.apps.lifecycle import Store
from assets.archive.copies import Copies
from assets.archive.layout import MANIFEST, part_name
from assets.archive.manifest import (
    BucketManifest,
    ManifestError,
    NewerFormatError,
    Part,
    digest,
    instant,
    parse,
    summed,
)
from assets.archive.parts import members
from assets.archive.quarters import Quarter
from assets.archive.registry import Revision
from assets.rows.columns import ColumnKind, RowColumn
from assets.rows.known import HASHES, KnownRows
from assets.rows.lines import CHECKSUM_MODULUS, checksum, decode
from resources.counts import counted
from resources.r2 import ObjectNotFoundError, ObjectStore

# A killed run leaves a few parts that belong to nothing, not many.
MOST_CHOICES = 10_000


class NotRebuiltError(LookupError):
    """The parts that are there do not make up what was sealed; the message says why."""


@dataclass(frozen=True)
class FoundPart:
    """A part whose bytes are those that its name says. `copied_from` is empty where it lies in its place."""

    part: Part
    packed: bytes
    copied_from: str = ""


def found_parts(
    store: ObjectStore, folder: str, copies: Copies, revision: Revision, before: Sequence[BucketManifest]
) -> list[FoundPart]:
    """The whole parts of a bucket, in its folder or as copies. Memory: their bytes."""
    quarter, known = revision.quarter, {part.name: part for manifest in before for part in manifest.parts}
    found: dict[str, FoundPart] = {}
    for name, packed, origin in _objects(store, folder, copies):
        if name not in found:
            part = known.get(name) or _measured(name, packed, quarter, revision.number)
            found[name] = FoundPart(part, packed, origin)
    return list(found.values())


def older_manifests(store: ObjectStore, folder: str, revision: Revision) -> list[BucketManifest]:
    """The manifests of a bucket before a revision that can be read, oldest first."""
    manifests = []
    for info in store.list(folder):
        match = MANIFEST.fullmatch(info.key.rpartition("/")[2])
        if match and int(match[1]) < revision.number:
            try:
                manifests.append(parse(store.get(info.key)))
            except (ManifestError, NewerFormatError):
                continue
    return manifests


def chosen(found: Sequence[FoundPart], revision: Revision) -> list[FoundPart]:
    """The parts that were sealed.

    Raises:
        NotRebuiltError: no parts together have the rows and the checksum of the revision.
    """
    assert revision.parts is not None  # a sealed revision has all of this
    for some in islice(combinations(found, revision.parts), MOST_CHOICES):
        sums = sum(each.part.rows for each in some), summed(each.part.checksum for each in some)
        if sums == (revision.rows, revision.checksum):
            return list(some)
    rows = sum(each.part.rows for each in found)
    raise NotRebuiltError(
        f"{counted(len(found), 'whole part')} found with {counted(rows, 'row')}, "
        f"where {revision.parts} with {revision.rows:,} were sealed"
    )


def described(found: Sequence[FoundPart], known: Sequence[RowColumn], store: Store) -> tuple[RowColumn, ...]:
    """The columns of lines: those that are known. In lines of D1 each value has its own type, so that names are enough.

    Raises:
        NotRebuiltError: lines have names that no known column has.
    """
    columns = {column.name: column for column in known}
    for each in found:
        first = next(members(each.packed, each.part.name), b"{}\n").partition(b"\n")[0]
        if gone := [name for name in json.loads(first) if name not in columns]:
            if store != "d1":
                raise NotRebuiltError(f"the types of {', '.join(gone)} are known to no manifest and no live table")
            columns |= {name: RowColumn(name, ColumnKind.VALUE, "") for name in gone}
    return tuple(columns.values())


def check_order(
    found: Sequence[FoundPart], before: Sequence[BucketManifest], columns: Sequence[RowColumn], key: Sequence[str]
) -> None:
    """Whether it is known which of two rows with one key is the later one.

    Raises:
        NotRebuiltError: parts that no older manifest names hold a key twice.
    """
    known = {part.name for manifest in before for part in manifest.parts}
    parts = [each for each in found if each.part.name not in known]
    if len(parts) > 1:
        keys = KnownRows.keys((frame for each in parts for frame in _frames(each, columns)), key).rows
        if keys.unique(HASHES).height != keys.height:
            raise NotRebuiltError("some rows were archived twice, and the manifests that say which came later are lost")


def _frames(found: FoundPart, columns: Sequence[RowColumn]) -> Iterator[pl.DataFrame]:
    for lines in members(found.packed, found.part.name):
        yield decode(lines, columns)


def _objects(store: ObjectStore, folder: str, copies: Copies) -> Iterator[tuple[str, bytes, str]]:
    """The name, the bytes and the origin of each object that is a whole part by its name."""
    for info in store.list(folder):
        try:
            packed = store.get(info.key)
        except ObjectNotFoundError:
            continue
        name = part_name(digest(packed))
        if info.key == f"{folder}/{name}":
            yield name, packed, ""
    for copy, packed in copies.below(folder):
        name = part_name(digest(packed))
        if copy.name == name:
            yield name, packed, copy.origin


def _measured(name: str, packed: bytes, quarter: Quarter, revision: int) -> Part:
    """A part of which only the bytes are known. Its rows may lie anywhere in the quarter."""
    rows = size = total = 0
    for lines in members(packed, name):
        rows += lines.count(b"\n")
        size += len(lines)
        total += checksum(lines)
    return Part(
        name=name,
        rows=rows,
        packed_bytes=len(packed),
        line_bytes=size,
        sha256=digest(packed),
        checksum=f"{total % CHECKSUM_MODULUS:032x}",
        since=instant(quarter.window.start),
        until=instant(quarter.window.end),
        revision=revision,
    )
