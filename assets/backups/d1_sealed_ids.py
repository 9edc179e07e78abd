"""Ids of a restored D1 that are sealed, such as the address of an invitation, opened to be compared with tombstones.

What belongs here: opening them in SQL. What does not: who was erased (assets/privacy), and what becomes of rows
(d1_people.py).
"""

import base64
import binascii
from collections.abc import Collection

from assets.apps.personal import Holding
from assets.backups.method import NotRestorableError
from resources.d1.names import quoted
from resources.d1.scratch import Scratch
from resources.keyring import Keyring, SealError
from resources.keyring.primitives import key_id_of

NOTED = "."


class SealedIds:
    """Opens sealed ids in a scratch database, by a function of its own."""

    def __init__(self, scratch: Scratch, keyring: Keyring) -> None:
        self._keyring = keyring
        self._closed: set[str] = set()
        scratch.function("opened_id", 4, self._opened)

    def of(self, entry: Holding, place: str, columns: Collection[str]) -> str | None:
        """The SQL of the sealed value of a place; None where it is never sealed."""
        for rule in entry.sealed:
            if rule.column == place and not rule.fields and rule.into in columns:
                return f"opened_id('{entry.name}', '{rule.into}', {quoted(rule.row)}, {quoted(rule.into)})"
        return None

    def require_opened(self) -> None:
        """Refuse where a key is missing.

        Raises:
            NotRestorableError: nobody knows whether some rows are of people who were erased.
        """
        if self._closed:
            raise NotRestorableError(
                f"{', '.join(sorted(self._closed))} does not open, so that nobody knows whose these rows are",
                "bring back the key set that sealed it; docs/recovery.md says how",
            )

    def _opened(self, table: str, column: str, row: object, sealed: str | None) -> str | None:
        if not sealed:
            return None
        text = sealed.removeprefix(NOTED)
        try:
            return self._keyring.open_text(text, table=table, column=column, row=str(row))
        except SealError:
            # What is damaged leads to nobody, so that its row may stay.
            if self._is_of_another_key(text):
                self._closed.add(f"{table}.{column}")
            return None

    def _is_of_another_key(self, text: str) -> bool:
        try:
            return key_id_of(base64.b64decode(text)) not in self._keyring.ids
        except (SealError, binascii.Error):
            return False
