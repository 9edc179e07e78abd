"""The manifest of a bucket: what lies in its parts, and where the rows came from. Pure.

A manifest is never rewritten. Rows that come later are further parts, and a further revision names all parts. A reader
takes every format up to its own. Fields that it does not know are kept, because a later release of the same format may
add some. What belongs here: the format. What does not: writing and reading objects.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from assets.rows.columns import ColumnKind, RowColumn
from assets.rows.lines import CHECKSUM_MODULUS

FORMAT = 1
LINES = "UTF-8 JSON lines, gzip"
CHECKSUM = "sum modulo 2^128 of the first 16 bytes (big-endian) of the SHA-256 of each line without its newline"


class ManifestError(ValueError):
    """A manifest that cannot be read: it was cut or changed."""


class NewerFormatError(ValueError):
    """A manifest of a newer format than this release reads. It says nothing about damage."""


@dataclass(frozen=True)
class Part:
    """One object of lines: its size packed and unpacked, its rows, the half-open UTC window that they were read
    of, and the revision that it came with. unknown: fields of a later release.
    """

    name: str
    rows: int
    packed_bytes: int
    line_bytes: int
    sha256: str
    checksum: str
    since: str
    until: str
    revision: int
    unknown: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)


@dataclass(frozen=True)
class BucketManifest:
    """One revision of one bucket of a quarter of a table.

    slices: the version of each slice of the source then. unknown: fields of a later release, and those that it gave to
    columns (`unknown_of_columns`, by the column's name).
    """

    app: str
    table: str
    store: str
    quarter: str
    bucket: str
    revision: int
    columns: tuple[RowColumn, ...]
    key: tuple[str, ...]
    parts: tuple[Part, ...]
    snapshot: str
    slices: Mapping[str, str]
    code_version: str
    made_at: str
    unknown: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    unknown_of_columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, kw_only=True)

    @property
    def rows(self) -> int:
        return sum(p.rows for p in self.parts)

    @property
    def packed_bytes(self) -> int:
        return sum(p.packed_bytes for p in self.parts)

    @property
    def line_bytes(self) -> int:
        return sum(p.line_bytes for p in self.parts)

    @property
    def checksum(self) -> str:
        return summed(p.checksum for p in self.parts)

    def to_json(self) -> bytes:
        """The manifest as it is stored; the same manifest is the same bytes."""
        document = {
            "format": FORMAT,
            "lines": LINES,
            "checksum_of_rows": CHECKSUM,
            **{name: getattr(self, name) for name in _PLAIN},
            "columns": [
                {**{name: getattr(c, name) for name in _COLUMN}, **self.unknown_of_columns.get(c.name, {})}
                for c in self.columns
            ],
            "key": self.key,
            "parts": [{**{name: getattr(p, name) for name in _PART}, **p.unknown} for p in self.parts],
            **self._totals,
            **self.unknown,
        }
        return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"

    @property
    def _totals(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _TOTALS}


_PLAIN = ("app", "table", "store", "quarter", "bucket", "revision", "snapshot", "slices", "code_version", "made_at")
_TOTALS = ("rows", "packed_bytes", "line_bytes", "checksum")
_COLUMN = tuple(f.name for f in fields(RowColumn))
_PART = tuple(f.name for f in fields(Part) if f.name != "unknown")
_KNOWN = ("format", "lines", "checksum_of_rows", *_PLAIN, "columns", "key", "parts", *_TOTALS)


def parse(data: bytes) -> BucketManifest:
    """Read a stored manifest of any format up to this release's own.

    Raises:
        NewerFormatError: its format is a newer one.
        ManifestError: the text says why. It holds no values of rows, because no manifest does.
    """
    try:
        document = json.loads(data)
    except ValueError:
        raise ManifestError(f"{len(data)} bytes are no whole JSON document: it was cut or changed") from None
    version = document.get("format") if isinstance(document, dict) else None
    if type(version) is not int or version < 1:
        raise ManifestError("its format is no number: it was changed")
    if version > FORMAT:
        raise NewerFormatError(f"written by a newer release: version {version}, this one reads up to {FORMAT}")
    try:
        manifest = BucketManifest(
            **{name: document[name] for name in _PLAIN},
            columns=tuple(RowColumn(c["name"], ColumnKind(c["kind"]), c["type"]) for c in document["columns"]),
            key=tuple(document["key"]),
            parts=tuple(Part(**{n: p[n] for n in _PART}, unknown=_without(p, _PART)) for p in document["parts"]),
            unknown=_without(document, _KNOWN),
            unknown_of_columns={c["name"]: left for c in document["columns"] if (left := _without(c, _COLUMN))},
        )
        adds_up = manifest._totals == {name: document[name] for name in _TOTALS}
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"a field is missing or wrong ({type(error).__name__}): it was changed") from None
    if not adds_up:
        raise ManifestError("what it says of itself does not add up: it was changed")
    return manifest


def _without(document: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in known}


def summed(checksums: Iterable[str]) -> str:
    """The checksum of rows that lie in several parts."""
    return f"{sum(int(c, 16) for c in checksums) % CHECKSUM_MODULUS:032x}"


def merged(before: Sequence[RowColumn], now: Sequence[RowColumn]) -> tuple[RowColumn, ...]:
    """The columns of older and newer parts together: those of before, and those that the table got since.

    Raises:
        ValueError: a column has another type than before, so that one manifest cannot describe both.
    """
    known = {c.name: c for c in before}
    for column in now:
        if known.setdefault(column.name, column).kind is not column.kind:
            raise ValueError(f"column {column.name} was {known[column.name].type} in the archive, is {column.type} now")
    return tuple(known.values())


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def instant(at: datetime) -> str:
    """A UTC time as manifests have it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
