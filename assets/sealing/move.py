"""The move of values from clear to sealed: seal, read back and open, blank.

Each write looks at the row again (compare and set), and the triggers of the migrations clear a sealed value when
somebody writes in clear. Both are needed: without the first a value is lost, without the second an old one lives on. So
a row has its value in clear, or a sealed value that was read back, or both, at every moment; and two runs at once, or a
run that was killed and another, end the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from assets.progress import Progress, silent
from assets.sealing.field_store import FieldStore
from assets.sealing.fields import (
    NOTED,
    Change,
    Field,
    FieldRow,
    holds,
    index_of,
    opened_page,
    sealed_pages,
    wanted,
)
from resources.keyring import Keyring


@dataclass(frozen=True)
class Moved:
    """How many values were sealed, how many blanked in clear, and how many rows have one in clear now."""

    sealed: int
    blanked: int
    left: int


@dataclass(frozen=True)
class Sealer:
    """Seals the columns of one database with the newest key. plain_hashes: an index anybody can make, as some want."""

    store: FieldStore
    keyring: Keyring
    plain_hashes: bool = False

    def move(self, field: Field, progress: Progress = silent) -> Moved:
        """Seal what a column has in clear. What somebody writes meanwhile is left to the next run."""
        sealed = blanked = 0
        total = self.store.count_in_clear(field)
        for rows in self.store.in_clear(field):
            sealed += self._note(field, rows)
            blanked += self._blank(field, [row.id for row in rows])
            progress(blanked, max(blanked, total))
        return Moved(sealed, blanked, self.store.count_in_clear(field))

    def _note(self, field: Field, rows: Sequence[FieldRow]) -> int:
        values = opened_page(field, self.keyring, list(rows))
        waiting = [
            (row, wanted(field, row.clear, value))
            for row, value in zip(rows, values, strict=True)
            if row.clear is not None and not self._is_noted(field, row, value)
        ]
        sealed = sealed_pages(field, self.keyring, [(row.id, value) for row, value in waiting])
        mark = _mark(field)
        changes = [
            Change(row, mark + text, index_of(field, self.keyring, value, plain_hashes=self.plain_hashes))
            for (row, value), text in zip(waiting, sealed, strict=True)
        ]
        return self.store.note(field, changes)

    def _blank(self, field: Field, ids: Sequence[str | int]) -> int:
        rows = self.store.read(field, ids)
        values = opened_page(field, self.keyring, rows)
        changes = [
            Change(row, (row.sealed or "").removeprefix(_mark(field)))
            for row, value in zip(rows, values, strict=True)
            if self._is_noted(field, row, value)
        ]
        return self.store.blank(field, changes)

    def _is_noted(self, field: Field, row: FieldRow, value: str | None) -> bool:
        """Whether a row's sealed value, as it was opened, has all that the row has in clear."""
        return (
            row.clear is not None
            and row.sealed is not None
            and row.sealed.startswith(_mark(field))
            and holds(field, row.clear, value)
        )


def _mark(field: Field) -> str:
    return "" if field.rule.fields else NOTED
