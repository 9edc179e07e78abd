"""What a store can do with a sealed column: one contract over D1 and Postgres, and which of them holds a field."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from assets.apps import App
from assets.rooms import Rooms
from assets.sealing.d1 import D1Fields
from assets.sealing.fields import Change, Field, FieldRow
from assets.sealing.postgres import PostgresFields


class FieldStore(Protocol):
    """The sealed columns of one database. Each call that writes is one transaction, and looks at each row again."""

    def in_clear(self, field: Field) -> Iterator[list[FieldRow]]:
        """Pages of the rows with a value in clear, noted ones too, by their ids."""

    def count_in_clear(self, field: Field) -> int:
        """How many rows have a value in clear."""

    def read(self, field: Field, ids: Sequence[str | int]) -> list[FieldRow]:
        """These rows as they are now; those that are gone are left out."""

    def old(self, field: Field, key_id: int) -> Iterator[list[FieldRow]]:
        """Pages of the rows with a sealed value or an index that is not of this key, by their ids."""

    def note(self, field: Field, changes: Sequence[Change]) -> int:
        """Write sealed values and indexes where column and sealed value are as before; the rows written."""

    def blank(self, field: Field, changes: Sequence[Change]) -> int:
        """The same, and blank the column in clear."""

    def seal_again(self, field: Field, changes: Sequence[Change]) -> int:
        """Write sealed values and indexes where the sealed value is as before; the rows written."""

    def keys(self, field: Field) -> Mapping[int | None, int]:
        """How many values and indexes are of each key; None: of sealed values in another layout."""

    def found(self, field: Field, address: str, indexes: Sequence[str]) -> list[FieldRow]:
        """The rows that may have an address (a normalised one), as of one moment: by their index, or in clear."""


def store_of(rooms: Rooms, app: App, field: Field) -> FieldStore:
    """The store that holds a field."""
    if field.store == "d1":
        return D1Fields(rooms.d1(app))
    return PostgresFields(rooms.app_postgres(app) if field.store == "app_postgres" else rooms.postgres)
