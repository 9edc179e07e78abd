"""The manifest of a bucket: what lies in its parts, and where the rows came from. Pure.

A manifest is never rewritten. Rows that come later are further parts, and a further revision names all parts. What
belongs here: the format. What does not: writing and reading objects.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from assets.rows.columns import ColumnKind, RowColumn
from assets.rows.lines import CHECKSUM_MODULUS

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
class BucketManifest:
    """One revision of one bucket of a quarter of a table. `slices`: the version of each slice of the source then."""

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
        fields = {"format": FORMAT, "lines": LINES, "checksum_of_rows": CHECKSUM, **asdict(self), **totals}
        return json.dumps(fields, ensure_ascii=False, indent=1).encode() + b"\n"


def parse(data: bytes) -> BucketManifest:
    """Read a stored manifest.

    Raises:
        ManifestError: the text says why. It holds no values of rows, because no manifest does.
    """
    try:
        fields: dict[str, Any] = json.loads(data)
    except ValueError:
        raise ManifestError(f"{len(data)} bytes are no whole JSON document: it was cut or changed") from None
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise ManifestError(f"not a manifest of format {FORMAT}")
    try:
        manifest = BucketManifest(
            **{n: fields[n] for n in ("app", "table", "store", "quarter", "bucket", "revision", "snapshot", "slices")},
            columns=tuple(RowColumn(c["name"], ColumnKind(c["kind"]), c["type"]) for c in fields["columns"]),
            key=tuple(fields["key"]),
            parts=tuple(Part(**p) for p in fields["parts"]),
            code_version=fields["code_version"],
            made_at=fields["made_at"],
        )
        if manifest.to_json() != data:
            raise ManifestError("what it says of itself does not add up: it was changed")
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ManifestError):
            raise
        raise ManifestError(f"a field is missing or wrong ({type(error).__name__}): it was changed") from None
    return manifest


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
