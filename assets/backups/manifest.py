"""The manifest of a set: what the set says of itself. Pure.

It is JSON and lies sealed beside the parts. What belongs here: its form. What does not: writing and reading objects.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import msgspec

from resources.declined import DeclinedError

FORMAT = 1

Form = TypeVar("Form")


class ManifestError(ValueError):
    """Not a manifest: a field is missing or wrong."""


class NewerFormatError(ValueError):
    """A manifest of a newer format than this release reads. It says nothing about damage."""


class FormError(DeclinedError):
    """A set says something in a form that this release does not read. It says nothing about damage."""

    def __init__(self, manifest: "Manifest", what: str) -> None:
        super().__init__(
            f"{manifest.app}/{manifest.store} {manifest.id} was made by release {manifest.code_version}, which wrote "
            f"{what} in another form",
            f"restore it with release {manifest.code_version}; `clearlift backup run {manifest.app}/{manifest.store} "
            "--full` makes one in this form",
        )


class Kind(StrEnum):
    """What a set holds: a whole store, what changed since its base, or one of the means of a single store.

    FULL: all rows. INCREMENTAL: the changes after its base's position. BASE: a Postgres base backup. WAL: a stretch of
    Postgres' log. SNAPSHOT: one state of a lake. INVENTORY: which objects there are, and their copies.
    """

    FULL = "full"
    INCREMENTAL = "incremental"
    BASE = "base"
    WAL = "wal"
    SNAPSHOT = "snapshot"
    INVENTORY = "inventory"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One object of a set: a piece of the named file, compressed and sealed.

    file: of all pieces of one file, in their order, the contents follow each other. table: the table whose rows these
    are, empty where the file is about no single table. size (bytes) and sha256: of the object as it lies there.
    set_id: the set in whose folder it lies, where an earlier one put it there; empty for the set's own.
    """

    name: str
    file: str
    size: int
    sha256: str
    key_id: int
    table: str = ""
    set_id: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What a set holds of one table. rows: how many rows or, in an incremental, changes. checksum: the method's own."""

    name: str
    rows: int
    checksum: str


Object = tuple[str, str]
"""A set's id and the name of an object in its folder."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One set.

    app and store: the parts of the store's name. base: the id of the set that this one needs, None for one that stands
    alone. since and until: positions of the store's own log; the set holds what is after `since`, up to and including
    `until`. moment: when `until` was read, in UTC. Everything that was committed before it is in the set. schema: the
    SHA-256 of the store's schema, by which a change of it is seen. facts: what only this store's method knows, such as
    a bookmark; it holds no secret and nothing of a person.
    """

    format: int = FORMAT
    app: str
    store: str
    id: str
    kind: Kind
    base: str | None = None
    since: str | None = None
    until: str
    moment: datetime
    code_version: str
    schema: str = ""
    tables: tuple[Table, ...] = ()
    parts: tuple[Part, ...] = ()
    facts: Mapping[str, str] = {}

    @property
    def size(self) -> int:
        """The bytes of all parts as they lie there."""
        return sum(part.size for part in self.parts)

    def object_of(self, part: Part) -> Object:
        """Where a part of it lies."""
        return part.set_id or self.id, part.name

    @property
    def objects(self) -> frozenset[Object]:
        """Where its parts lie."""
        return frozenset(map(self.object_of, self.parts))

    def files(self, table: str | None = None) -> tuple[str, ...]:
        """The names of its files in order, all or those of one table."""
        return tuple(dict.fromkeys(part.file for part in self.parts if table is None or part.table == table))

    def fact(self, name: str) -> str:
        """One of its facts.

        Raises:
            FormError: it does not have it.
        """
        if name not in self.facts:
            raise FormError(self, name)
        return self.facts[name]

    def to_json(self) -> bytes:
        """The manifest as it is sealed; the same manifest is the same bytes."""
        return msgspec.json.encode(self)


class _Format(msgspec.Struct):
    format: int


def parse(data: bytes) -> Manifest:
    """Read a manifest of any format up to this release's own. Fields that it does not know are of a later release.

    Raises:
        NewerFormatError: its format is a newer one.
        ManifestError: the text says which field. It holds no values of rows, because no manifest does.
    """
    try:
        version = msgspec.json.decode(data, type=_Format).format
        if version <= FORMAT:
            return msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ManifestError(str(error)) from None
    raise NewerFormatError(f"format {version}, and this release reads up to {FORMAT}")


def of_form(data: bytes, form: type[Form], manifest: Manifest, file: str) -> Form:
    """What a file of a set says as JSON. A field that was added to a form has a default, so that older sets open.

    Raises:
        FormError: it is none of this form.
    """
    try:
        return msgspec.json.decode(data, type=form)
    except msgspec.MsgspecError:
        raise FormError(manifest, file) from None
