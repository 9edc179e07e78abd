"""The manifest of a bucket: what lies in its parts, and where it came from. Pure.

A manifest is never rewritten. Rows that come later are further parts, and a further revision that names them all.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from assets.archive.lines import CHECKSUM_MODULUS, Column, Kind

FORMAT = 1
LINES = "UTF-8 JSON lines, gzip"
CHECKSUM = "sum modulo 2^128 of the first 16 bytes (big-endian) of the SHA-256 of each line without its newline"


class ManifestError(ValueError):
    """A manifest that cannot be read: cut, changed, or of another format."""


@dataclass(frozen=True)
class Part:
    """One object of lines: its size packed and unpacked, its rows, the half-open UTC window that they were read
    of, and the revision that it came with.
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


@dataclass(frozen=True)
class Manifest:
    """One revision of one bucket of a quarter of a table. `slices`: what the source said of itself when it was read."""

    app: str
    table: str
    store: str
    quarter: str
    bucket: str
    revision: int
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    parts: tuple[Part, ...]
    snapshot: str
    slices: Mapping[str, str]
    code_version: str
    made_at: str

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
        totals = {
            "rows": self.rows,
            "packed_bytes": self.packed_bytes,
            "line_bytes": self.line_bytes,
            "checksum": self.checksum,
        }
        told = {"format": FORMAT, "lines": LINES, "checksum_of_rows": CHECKSUM, **asdict(self), **totals}
        return json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n"


def parse(data: bytes) -> Manifest:
    """Read a stored manifest.

    Raises:
        ManifestError: it says why; values of rows are in no manifest, so none are in the text.
    """
    try:
        told: dict[str, Any] = json.loads(data)
    except ValueError:
        raise ManifestError(f"{len(data)} bytes are no whole JSON document: it was cut or changed") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise ManifestError(f"not a manifest of format {FORMAT}")
    try:
        found = Manifest(
            **{n: told[n] for n in ("app", "table", "store", "quarter", "bucket", "revision", "snapshot", "slices")},
            columns=tuple(Column(c["name"], Kind(c["kind"]), c["type"]) for c in told["columns"]),
            key=tuple(told["key"]),
            parts=tuple(Part(**p) for p in told["parts"]),
            code_version=told["code_version"],
            made_at=told["made_at"],
        )
        if found.to_json() != data:
            raise ManifestError("what it says of itself does not add up: it was changed")
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ManifestError):
            raise
        raise ManifestError(f"a field is missing or wrong ({type(error).__name__}): it was changed") from None
    return found


def summed(checksums: Iterable[str]) -> str:
    """The checksum of rows that lie in several parts."""
    return f"{sum(int(c, 16) for c in checksums) % CHECKSUM_MODULUS:032x}"


def merged(before: Sequence[Column], now: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of parts that were written by either: those of before, and what the table has got since.

    Raises:
        ValueError: a column has another type than before, so that one manifest cannot tell of both.
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
