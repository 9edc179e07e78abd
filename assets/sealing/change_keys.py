"""The change of keys in the stores: what an older key sealed is opened and sealed again with the newest.

A page is one statement, so that a row has its value under the old key or the new one at every moment. What is done says
the rows themselves: a run after a kill goes on with those that are left.
"""

from dataclasses import dataclass

from assets.progress import Progress, silent
from assets.sealing.field_store import FieldStore
from assets.sealing.fields import NOTED, Change, Field, index_of, opened_page, sealed_pages
from resources.keyring import Keyring


@dataclass(frozen=True)
class Changed:
    """How many values were sealed again, and how many do not open: damaged, or of a key that is not here."""

    sealed: int
    unopened: int


def change_key(
    store: FieldStore, field: Field, keyring: Keyring, *, plain_hashes: bool = False, progress: Progress = silent
) -> Changed:
    """Seal all values of a field with the newest key."""
    sealed = unopened = 0
    total = sum(store.keys(field).values())
    for rows in store.old(field, keyring.newest):
        values = opened_page(field, keyring, rows)
        opened = [(row, value) for row, value in zip(rows, values, strict=True) if value is not None]
        unopened += len(rows) - len(opened)
        again = sealed_pages(field, keyring, [(row.id, value) for row, value in opened])
        changes = [
            Change(
                row,
                (NOTED if (row.sealed or "").startswith(NOTED) else "") + text,
                index_of(field, keyring, value, plain_hashes=plain_hashes),
            )
            for (row, value), text in zip(opened, again, strict=True)
        ]
        sealed += store.seal_again(field, changes)
        progress(sealed + unopened, max(total, sealed + unopened))
    return Changed(sealed, unopened)
