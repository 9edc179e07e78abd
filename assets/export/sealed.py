"""Sealed values of a person's rows, opened for that person.

What belongs here: which values are sealed, by their form. What does not: sealing.
"""

import base64
import binascii

from assets.export.portion import Row
from resources.keyring import Keyring, SealError
from resources.keyring.keyring import VERSION

SEALED = "[sealed]"


def opened(keyring: Keyring, table: str, number: str, row: Row) -> Row:
    """A row with its sealed texts opened. One that the keys here do not open says only that it is sealed.

    number: the id of the row, as the value was sealed for it.
    """
    return {
        name: _opened(keyring, table, name, number, value) if isinstance(value, str) and _is_sealed(value) else value
        for name, value in row.items()
    }


def _is_sealed(value: str) -> bool:
    if len(value) < 44 or not value.startswith("AQ"):
        return False
    try:
        data = base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        return False
    # Key ids are small numbers.
    return data.startswith(VERSION + b"\0\0")


def _opened(keyring: Keyring, table: str, column: str, number: str, value: str) -> str:
    try:
        return keyring.open_text(value, table=table, column=column, row=number)
    except SealError:
        return SEALED
