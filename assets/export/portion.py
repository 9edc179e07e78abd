"""What one table, prefix or key family holds of a person. Pure.

What belongs here: its form, and what of a row is shown where it names others too. What does not: reading a store.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assets.apps import App
from assets.apps.personal import Holding, Person

Row = dict[str, Any]
Ids = Mapping[Person, frozenset[str]]
Within = frozenset[str]
"""As of Identity."""


@dataclass(frozen=True)
class Portion:
    """name: as the ZIP has it, without an ending: the store, a slash, the registry's name. doc: what a row is.

    rows: read once. files: further files, by their names in the ZIP, and what gives their bytes.
    """

    name: str
    doc: str
    rows: Iterable[Row] = field(repr=False)
    files: Mapping[str, Callable[[], Iterable[bytes]]] = field(default_factory=dict, repr=False)


def portion_name(store: str, name: str) -> str:
    """The name of a portion: made of the registry's names alone, because data may hold `..` or a slash."""
    plain = "".join(c if c.isalnum() or c in "._-" else "_" for c in name.strip("/*"))
    return f"{store}/{plain.strip('_.')}"


def doc_of(app: App, entry: Holding) -> str:
    """What a row, object or key of an entry is, in words for the person."""
    return entry.doc or (app.tables[entry.name].doc if entry.name in app.tables else "")


def shown(entry: Holding, row: Row, ids: Ids) -> Row:
    """A row without what it says about other people.

    An entry with several ids may have rows that name two people. Then only the person's own ids are shown, and columns
    that say nothing about a person.
    """
    others = [
        place
        for kind, place in entry.subjects
        if "." not in place and row.get(place) is not None and str(row[place]) not in ids.get(kind, ())
    ]
    foreign = {place for kind, place in entry.mentions if str(row.get(place)) not in ids.get(kind, ())}
    if others and not entry.one_person:
        own = {place for _, place in entry.subjects} - set(others)
        return {name: value for name, value in row.items() if name in own | entry.impersonal_columns}
    return {name: value for name, value in row.items() if name not in foreign}
