"""Who is to be found in the stores: one person, or one organisation, by all ids that name them. Pure.

What belongs here: the ids, and what a room reports of its work on them. What does not: how the ids were found, and
any store.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from assets.apps.personal import Person


@dataclass(frozen=True)
class Identity:
    """All ids of one person, or of one organisation, in one app. The repr shows none of them.

    request: the id of the request that asks; it may stand in logs.
    ids: by the kind of person, each id.
    organisation: the id and the tags of an organisation that goes as a whole; empty for a person.
    texts: what else names them and is no id (an e-mail address, a name, a phone number): a search looks for it.
    keys: keys of KV that are made of rows of theirs, by the ids of these rows.
    within: the id and the tags of the organisation whose person it is; empty where rows of every organisation are
    theirs. People who are erased together are all within the same.
    elsewhere: of the ids, those that people of other organisations have too, which bytes do not tell apart.
    """

    request: str
    app: str
    ids: Mapping[Person, frozenset[str]] = field(repr=False)
    organisation: frozenset[str] = field(default=frozenset(), repr=False)
    texts: frozenset[str] = field(default=frozenset(), repr=False)
    keys: frozenset[str] = field(default=frozenset(), repr=False)
    within: frozenset[str] = field(default=frozenset(), repr=False)
    elsewhere: frozenset[str] = field(default=frozenset(), repr=False)


def within_of(identities: Iterable[Identity]) -> frozenset[str]:
    """The names of the organisation whose people all of these are; empty for people of no single one.

    Raises:
        ValueError: they are of different ones.
    """
    found = {identity.within for identity in identities}
    if len(found) > 1:
        raise ValueError("people of different organisations are not handled together")
    return found.pop() if found else frozenset()


@dataclass(frozen=True)
class Erased:
    """What one store did for all identities that it was given.

    place: the store and what of it, for the receipt ("d1", "lake events", …).
    rows, objects: how many were deleted or emptied. written: bytes that were written again without them.
    gone_by: the day on which the last copy that the store itself keeps is gone; None where it is gone now.
    """

    place: str
    rows: int = 0
    objects: int = 0
    written: int = 0
    gone_by: date | None = None

    def plus(self, other: "Erased") -> "Erased":
        """Together with what else was done in this store."""
        days = [day for day in (self.gone_by, other.gone_by) if day is not None]
        rows, objects, written = self.rows + other.rows, self.objects + other.objects, self.written + other.written
        return Erased(self.place, rows, objects, written, max(days, default=None))


class Eraser(Protocol):
    """Erasing in one store. A second call finds nothing, and a call after a kill goes on."""

    @property
    def place(self) -> str:
        """The store, for receipts and progress; each Eraser has another."""

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """Erase all of them together, so that they share the rewrite of a file."""
