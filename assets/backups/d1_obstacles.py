"""What of a D1 stands in the way of rows that shall be put beside those that it has: it is only read.

A row stays out whose parent is neither there nor among those to come, or whose value of a unique key another row has.
What does not belong here: writing (d1_place.py), how it is said (obstacles.py).
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from assets.backups.d1_references import references
from assets.backups.obstacles import Obstacle
from resources.chunks import chunked
from resources.d1 import D1, bulk
from resources.d1.database import Param
from resources.d1.exact import is_no_parameter, placed
from resources.d1.images import values
from resources.d1.limits import MAX_PARAMS
from resources.d1.names import quoted
from resources.d1.pages import Query
from resources.d1.schema import Schema, TableShape
from resources.d1.scratch import Scratch

_UNIQUE = """select name, partial from pragma_index_list(?) where "unique" and origin <> 'pk' order by name"""
_PARTS = "select name, coll from pragma_index_xinfo(?) where key order by seqno"
_CONDITION = re.compile(r"\)\s*where\b(.+)$", re.IGNORECASE | re.DOTALL)

Values = tuple[Param, ...]


@dataclass(frozen=True)
class UniqueKey:
    """A unique index besides the primary key: how each column is compared, and for which rows it holds (SQL)."""

    columns: tuple[str, ...]
    compared: tuple[str, ...]
    condition: str

    def __str__(self) -> str:
        return f"({', '.join(self.columns)})"


class Obstacles:
    """Finds what is in the way of the rows of some tables of a scratch; `there` is the schema of the place."""

    def __init__(self, scratch: Scratch, place: D1, there: Schema, names: Collection[str]) -> None:
        self._scratch = scratch
        self._place = place
        self._names = names
        tables = there.tables
        self._parents = {name: list(references(place.query, tables, name)) for name in names}
        self._keys = {name: list(_unique(place.query, there, name)) for name in names}
        self._found: Counter[tuple[str, str, str]] = Counter()

    def look(self, table: TableShape, lines: Sequence[bytes]) -> None:
        """Look at rows that are to be written."""
        rows = [dict(zip(table.columns, (v for group in values(line) for v in group), strict=True)) for line in lines]
        for parent, pairs, _ in self._parents[table.name]:
            wanted = [value for row in rows if (value := _of(row, [here for here, _ in pairs])) is not None]
            columns = [quoted(above) for _, above in pairs]
            missing = set(wanted) - _having(self._place.query, parent, columns, list(set(wanted)))
            if parent in self._names:
                missing -= _having(self._scratch.query, parent, columns, list(missing))
            self._count(table, ", ".join(here for here, _ in pairs), sum(v in missing for v in wanted), parent)
        for key in self._keys[table.name]:
            own = [quoted(column) for column in table.key]
            rows_of = {_whole(row, table.key): value for row in rows if (value := _of(row, key.columns)) is not None}
            if key.condition:
                held = _having(self._scratch.query, table.name, own, list(rows_of), key.condition)
                rows_of = {of: value for of, value in rows_of.items() if of in held}
            wanted = [value + of for of, value in rows_of.items()]
            taken = _having(self._place.query, table.name, key.compared, wanted, key.condition, other_than=own)
            self._count(table, str(key), len(taken))

    @property
    def found(self) -> list[Obstacle]:
        """What was found so far."""
        return [Obstacle(table, key, rows, parent) for (table, key, parent), rows in sorted(self._found.items())]

    def _count(self, table: TableShape, key: str, rows: int, parent: str = "") -> None:
        if rows:
            self._found[table.name, key, parent] += rows


def _unique(query: Query, there: Schema, name: str) -> Iterator[UniqueKey]:
    sql = {o.name: o.sql for o in there.objects if o.type == "index"}
    for index in query(_UNIQUE, [name]):
        parts = query(_PARTS, [index["name"]])
        condition = _CONDITION.search(sql[index["name"]]) if index["partial"] else None
        yield UniqueKey(
            tuple(part["name"] for part in parts),
            tuple(f"{quoted(part['name'])} collate {part['coll']}" for part in parts),
            condition[1] if condition else "",
        )


def _whole(row: dict[str, Param], columns: Sequence[str]) -> Values:
    return tuple(row[column] for column in columns)


def _of(row: dict[str, Param], columns: Sequence[str]) -> Values | None:
    """The values of some columns; None where one is NULL, which no foreign or unique key minds, or is not stored."""
    found = tuple(row.get(column) for column in columns)
    return None if None in found else found


def _having(
    query: Query,
    table: str,
    columns: Sequence[str],
    wanted: Sequence[Values],
    condition: str = "",
    *,
    other_than: Sequence[str] = (),
) -> set[Values]:
    """Which of the wanted values a row of a table has in these columns (SQL), under a condition.

    other_than: the columns of a key, whose values follow in each of the wanted: the row is not this one.
    """
    names = [f"wanted_{number}" for number in range(len(columns) + len(other_than))]
    pairs = [f"p.{column} = {name}" for column, name in zip([*columns, *other_than], names, strict=True)]
    where = " and ".join(pairs[: len(columns)])
    if other_than:
        where += f" and not ({' and '.join(pairs[len(columns) :])})"
    if condition:
        where += f" and ({condition})"
    find = f"select wanted_number from wanted where exists (select 1 from {quoted(table)} as p where {where})"
    given = [(number, *value) for number, value in enumerate(wanted)]
    odd = [row for row in given if any(map(is_no_parameter, row))]
    plain = [row for row in given if not any(map(is_no_parameter, row))]
    found: set[Values] = set()
    for text, params in (*_as_json(table, names, plain), *_as_parameters(names, odd)):
        rows = query(f"with wanted (wanted_number, {', '.join(names)}) as ({text}) {find}", params)
        found.update(wanted[row["wanted_number"]] for row in rows)
    return found


def _as_json(table: str, names: Sequence[str], rows: Sequence[Values]) -> Iterator[tuple[str, list[Param]]]:
    """Rows as the text and the one parameter of a query, in pieces that D1 takes."""
    for payload, blobs in bulk.chunks(table, ["number", *names], rows):
        columns = ", ".join(bulk.value(position, blob=position in blobs) for position in range(len(names) + 1))
        yield f"select {columns} from json_each(?1)", [payload]


def _as_parameters(names: Sequence[str], rows: Sequence[Values]) -> Iterator[tuple[str, list[Param]]]:
    """The same of rows with values that JSON cannot carry."""
    width = len(names) + 1
    for chunk in chunked(rows, max(1, MAX_PARAMS // width)):
        marks, params = placed([value for row in chunk for value in row])
        tuples = (f"({', '.join(marks[n : n + width])})" for n in range(0, len(marks), width))
        yield f"values {', '.join(tuples)}", params
