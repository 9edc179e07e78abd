"""Rows of a D1 by whose they are: which tables hold any, and deleting them in pieces that D1 can do.

What belongs here: conditions and statements made of the registry's entries. What does not: the order of an erasure, and
what else it does to a table (d1.py, change_logs.py).
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from assets.apps import App
from assets.apps.personal import Holding, Person, Subject
from assets.privacy.identity import Identity
from assets.privacy.places import entry_of, in_d1
from resources.d1 import D1, Statement
from resources.d1.names import balanced, column_list, quoted
from resources.d1.schema import OBJECTS, Schema, TableShape

Ids = Mapping[Person, frozenset[str]]
AT_ONCE = 1_000
LOGS = frozenset({"change_log", "backup_log", "backup_noted"})
"""Tables that say what was in other tables."""


def ids_of(identities: Iterable[Identity]) -> dict[Person, frozenset[str]]:
    """The ids of several people by their kind."""
    found: dict[Person, frozenset[str]] = {}
    for identity in identities:
        for kind, ids in identity.ids.items():
            found[kind] = found.get(kind, frozenset()) | ids
    return found


def tables_of(d1: D1, app: App) -> list[tuple[TableShape, Holding]]:
    """The tables that an entry names, those first that refer to others."""
    tables = Schema.of(d1.query(OBJECTS))
    ordered = [name for group in tables.parents_first(tables.tables) for name in group]
    shapes = [tables.tables[name] for name in reversed(ordered)]
    return [(shape, entry) for shape in shapes if (entry := entry_of(app, "d1", shape.name)) is not None]


def condition(
    places: Sequence[Subject], ids: Ids, organisation: str = "", within: Collection[str] = ()
) -> tuple[str, list[str]] | None:
    """The condition that a row names one of these people, and its parameters; None where none can.

    within: only rows of the organisation with one of these names, which stands at the place `organisation`.
    """
    named = [(in_d1(place), ids[kind]) for kind, place in places if ids.get(kind)]
    if not named:
        return None
    parts = [_is_one_of(place, number) for number, (place, _) in enumerate(named, 1)]
    return limited(balanced(parts, "or"), [json.dumps(sorted(of)) for _, of in named], organisation, within)


def limited(where: str, given: list[str], organisation: str, within: Collection[str]) -> tuple[str, list[str]] | None:
    """A condition, of the rows of an organisation alone where one is given; None where no row says whose it is."""
    if not within:
        return where, given
    if not organisation:
        return None
    is_of_it = _is_one_of(in_d1(organisation), len(given) + 1)
    return f"({where}) and {is_of_it}", [*given, json.dumps(sorted(within))]


def of_organisation(entry: Holding, organisation: Collection[str]) -> tuple[str, list[str]] | None:
    """The condition that a row is one of an organisation's; None where none can be."""
    if not organisation or not entry.organisation:
        return None
    return _is_one_of(in_d1(entry.organisation), 1), [json.dumps(sorted(organisation))]


def _is_one_of(value: str, number: int) -> str:
    """The condition that a value is in the JSON array of a parameter."""
    return f"{value} in (select value from json_each(?{number}))"


def delete(d1: D1, table: TableShape, where: tuple[str, list[str]] | None) -> int:
    """Delete the rows of a condition; how many there were."""
    if where is None:
        return 0
    name, key = quoted(table.name), column_list(table.key) if table.key else "rowid"
    sql = (
        f"delete from {name} where ({key}) in (select {key} from {name} where {where[0]} limit {AT_ONCE}) "
        "returning 1 as gone"
    )
    deleted = 0
    while True:
        (result,) = d1.batch([Statement(sql, where[1])], idempotent=True)
        deleted += len(result.rows)
        if len(result.rows) < AT_ONCE:
            return deleted
