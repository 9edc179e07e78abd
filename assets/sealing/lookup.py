"""Rows by an e-mail address, whether it is sealed with any key, in clear, or just moved from one to the other."""

from collections.abc import Iterator

from assets.apps import App
from assets.rooms import Rooms
from assets.sealing.field_store import FieldStore, store_of
from assets.sealing.fields import Field, fields_of
from resources.keyring import Keyring
from resources.keyring.addresses import normalised, plain_hash


def rows_of_address(rooms: Rooms, app: App, address: str) -> Iterator[tuple[Field, list[str]]]:
    """The columns of an app that have an index, each with the ids of the rows that have the address."""
    for field in fields_of(app):
        if field.rule.index:
            yield field, ids_of(store_of(rooms, app, field), field, rooms.keyring, address)


def ids_of(store: FieldStore, field: Field, keyring: Keyring, address: str) -> list[str]:
    """The ids of the rows of one column that have the address, as texts.

    A value in clear counts before an index, which may be older.
    """
    wanted = normalised(address)
    indexes = [*keyring.indexes(wanted, **field.place), plain_hash(address)]
    rows = store.found(field, wanted, indexes)
    return sorted({str(row.id) for row in rows if row.clear is None or normalised(row.clear) == wanted})
