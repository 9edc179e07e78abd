"""A sealed column as the work on it needs it: its forms in a row, and which key a text is sealed with.

A row is in one of three forms: in clear (no sealed value); noted (still in clear, the sealed value is there after
NOTED, to be read back); sealed (the column in clear is blank). Of fields in JSON there is no noted form, because what
is in clear is only a part: it counts before the sealed part.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from assets.apps import App
from assets.apps.lifecycle import Store
from assets.apps.personal import Sealed
from resources.keyring import Keyring, SealError
from resources.keyring.addresses import normalised, plain_hash

NOTED = "."
LONGEST = 550_000  # bytes: with its sealed form a longer value has no place in one statement of D1
NONCE_CHARACTERS = 25  # of a sealed text: mark, key and nonce, which no two have in common
STORES: tuple[Store, ...] = ("d1", "app_postgres", "postgres")


@dataclass(frozen=True)
class Field:
    """A sealed column of a table of one store."""

    store: Store
    table: str
    rule: Sealed

    @property
    def place(self) -> dict[str, str]:
        """What a sealed value is bound to, besides its row."""
        return {"table": self.table, "column": self.rule.into}

    def __str__(self) -> str:
        return f"{self.table}.{self.rule.into}"


@dataclass(frozen=True)
class FieldRow:
    """A row's id, what stands in its column in clear (None: blank), and its sealed value, as a text."""

    id: str | int
    clear: str | None = field(repr=False)
    sealed: str | None = field(repr=False)


@dataclass(frozen=True)
class Change:
    """A new sealed value and index for a row that is still as `before`; nothing is written where it is not."""

    before: FieldRow
    sealed: str = field(repr=False)
    index: str | None = field(default=None, repr=False)

    @property
    def sealed_before(self) -> str | None:
        """By which the sealed value of the row is known."""
        return self.before.sealed and self.before.sealed[:NONCE_CHARACTERS]


def fields_of(app: App, *stores: Store) -> Iterator[Field]:
    """The sealed columns of an app in these stores (in all where none is named), in the order of the registry."""
    for entry in app.holdings:
        if entry.store in (stores or STORES):
            yield from (Field(entry.store, entry.name, rule) for rule in entry.sealed)


def index_of(found: Field, keyring: Keyring, value: str, *, plain_hashes: bool) -> str | None:
    """What a value is found by; None where the column has no index."""
    if not found.rule.index:
        return None
    return plain_hash(value) if plain_hashes else keyring.index(normalised(value), **found.place)


def sealed_pages(found: Field, keyring: Keyring, values: list[tuple[str | int, str]]) -> list[str]:
    """(row, value) pairs, sealed. The value of a binary column is a text of its bytes (Latin-1)."""
    if found.rule.binary:
        sealed = (keyring.seal(value.encode("latin-1"), **found.place, row=str(row)) for row, value in values)
        return [base64.b64encode(one).decode() for one in sealed]
    return keyring.seal_texts([(str(row), value) for row, value in values], **found.place)


def opened_page(found: Field, keyring: Keyring, rows: list[FieldRow]) -> list[str | None]:
    """The values of sealed or noted rows; None for one that has no sealed value, or one that does not open."""
    pairs = [(str(row.id), (row.sealed or "").removeprefix(NOTED)) for row in rows]
    if found.rule.binary:
        return [_opened(found, keyring, *pair) for pair in pairs]
    try:
        return list(keyring.open_texts(pairs, **found.place))
    except (SealError, UnicodeDecodeError):
        return [_opened(found, keyring, *pair) for pair in pairs]


def _opened(found: Field, keyring: Keyring, row: str, sealed: str) -> str | None:
    try:
        if found.rule.binary:
            return keyring.open(base64.b64decode(sealed), **found.place, row=row).decode("latin-1")
        return keyring.open_text(sealed, **found.place, row=row)
    except (SealError, UnicodeDecodeError):
        return None


def secrets_of(found: Field, clear: str) -> Mapping[str, Any]:
    """The fields of JSON that are in clear."""
    document = json.loads(clear)
    return {name: document[name] for name in found.rule.fields if name in document}


def wanted(found: Field, clear: str, before: str | None) -> str:
    """What is to be sealed of a row: its column, or its fields of JSON together with those sealed before."""
    if not found.rule.fields:
        return clear
    return json.dumps({**_document(before), **secrets_of(found, clear)}, ensure_ascii=False)


def holds(found: Field, clear: str, value: str | None) -> bool:
    """Whether an opened value has all that is in clear."""
    if value is None:
        return False
    if not found.rule.fields:
        return value == clear
    return secrets_of(found, clear).items() <= _document(value).items()


def _document(text: str | None) -> dict[str, Any]:
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def key_heads(key_id: int) -> list[str]:
    """The four ways in which the base64 of what a key sealed begins: 5 bytes, and 2 bits of the nonce."""
    head = b"\x01" + key_id.to_bytes(4, "big")
    return [base64.b64encode(head + bytes([bits << 6]))[:7].decode() for bits in range(4)]


def key_of_head(head: str) -> int | None:
    """The key that sealed a text which begins so; None where it is no sealed value of this layout."""
    try:
        data = binascii.a2b_base64(head + "A", strict_mode=True)
    except ValueError:
        return None
    return int.from_bytes(data[1:5], "big") if data[:1] == b"\x01" and len(data) == 6 else None
