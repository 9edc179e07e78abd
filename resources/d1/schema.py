"""The schema of a D1 as its own statements, and what follows from them, looked up on a copy of the schema in memory.

What belongs here: tables with their columns, keys, unique indexes and references. What does not: rows.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

OBJECTS = "select type, name, tbl_name, sql from sqlite_master where sql is not null order by rowid"
"""The statements that made a database, in their order."""

_INTERNAL = re.compile(r"sqlite_|_cf_")
_EXTERNAL_CONTENT = re.compile(r"\bcontent\s*=\s*(?:'([^']+)'|\"([^\"]+)\"|\[([^\]]+)\]|(\w+))", re.IGNORECASE)
_VOCABULARY = re.compile(r"\busing\s+fts5vocab\b", re.IGNORECASE)
_FULL_TEXT = re.compile(r"\busing\s+fts5\b", re.IGNORECASE)
# A reference may write the name in other letters.
_PARENTS = """select distinct tables.name from pragma_foreign_key_list(?) as here
join sqlite_master as tables on tables.type = 'table' and lower(tables.name) = lower(here."table")"""
_TABLES = "select name, type from pragma_table_list where schema = 'main'"


class SchemaError(Exception):
    """A table is made such that its rows cannot be followed. The text says which, and what to change."""


@dataclass(frozen=True)
class SchemaObject:
    """A table, index, view or trigger; `table` is what it belongs to."""

    type: str
    name: str
    table: str
    sql: str


@dataclass(frozen=True)
class TableShape:
    """An ordinary table.

    key and others: the columns of the primary key in its order, and all others that are stored. plain_key: whether
    equal keys always have equal values; not so with NOCASE, or without a type. unique: the columns of each further
    unique index, with the index's collation where it is not that of the column. parents: the tables that it refers to.
    numbered: has AUTOINCREMENT. aliased: the key is the rowid. required: columns that may not be NULL. problem: why its
    rows cannot be followed, empty where they can.
    """

    name: str
    key: tuple[str, ...]
    others: tuple[str, ...]
    plain_key: bool
    unique: tuple[tuple[tuple[str, str], ...], ...]
    parents: frozenset[str]
    numbered: bool
    aliased: bool
    required: frozenset[str] = frozenset()
    problem: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """All stored columns as images have them."""
        return (*self.key, *self.others)


@dataclass(frozen=True)
class Schema:
    """The objects of a database without SQLite's and D1's own."""

    objects: tuple[SchemaObject, ...]

    @classmethod
    def of(cls, rows: Iterable[dict[str, Any]]) -> "Schema":
        """The schema of the rows of `OBJECTS`."""
        found = [SchemaObject(row["type"], row["name"], row["tbl_name"], row["sql"]) for row in rows]
        return cls(tuple(o for o in found if not _INTERNAL.match(o.name) and not _INTERNAL.match(o.table)))

    @classmethod
    def parse(cls, data: bytes) -> "Schema":
        """The schema that `to_json` wrote; TypeError or ValueError for anything else."""
        return cls(tuple(SchemaObject(**fields) for fields in json.loads(data)))

    def to_json(self) -> bytes:
        """The objects as JSON; the same schema is the same bytes."""
        return json.dumps([vars(o) for o in self.objects], ensure_ascii=False, indent=1).encode()

    @property
    def sha256(self) -> str:
        """By which a change of any object is seen; their order says nothing."""
        ordered = Schema(tuple(sorted(self.objects, key=lambda o: (o.type, o.name))))
        return hashlib.sha256(ordered.to_json()).hexdigest()

    def without(self, dropped: Callable[[SchemaObject], bool]) -> "Schema":
        """The schema without some objects."""
        return Schema(tuple(o for o in self.objects if not dropped(o)))

    @cached_property
    def tables(self) -> dict[str, TableShape]:
        """The ordinary tables by name. Virtual tables and what they keep their index in are none."""
        with closing(self._copy()) as copy:
            kinds = dict(copy.execute(_TABLES).fetchall())
            return {
                o.name: _shape(copy, o.name, o.sql)
                for o in self.objects
                if o.type == "table" and kinds.get(o.name) == "table"
            }

    @cached_property
    def indexes_of_text(self) -> dict[str, str]:
        """The full-text indexes with external content, and the table that each is made of.

        Raises:
            SchemaError: a virtual table holds rows of its own.
        """
        found: dict[str, str] = {}
        for o in self.virtual:
            content = _EXTERNAL_CONTENT.search(o.sql) if _FULL_TEXT.search(o.sql) else None
            if content:
                found[o.name] = next(filter(None, content.groups()))
            elif not _VOCABULARY.search(o.sql):
                raise SchemaError(f"virtual table {o.name} holds rows of its own; give it the content of a table")
        return found

    @property
    def virtual(self) -> tuple[SchemaObject, ...]:
        """The virtual tables."""
        return tuple(o for o in self.objects if is_virtual(o))

    @cached_property
    def shadows(self) -> frozenset[str]:
        """The tables in which virtual tables keep their index."""
        with closing(self._copy()) as copy:
            return frozenset(name for name, kind in copy.execute(_TABLES) if kind == "shadow")

    def parents_first(self, names: Collection[str]) -> list[tuple[str, ...]]:
        """Groups of these tables, each after those that it refers to; tables that refer to each other are one group."""
        waiting = {name: self.tables[name].parents & set(names) for name in sorted(names)}
        groups: list[tuple[str, ...]] = []
        while waiting:
            ready = [name for name, parents in waiting.items() if not parents & waiting.keys() - {name}]
            found: list[tuple[str, ...]] = [(name,) for name in ready] or [_smallest_circle(waiting)]
            groups += found
            waiting = {name: parents for name, parents in waiting.items() if not any(name in group for group in found)}
        return groups

    def refers_to_itself(self, group: Sequence[str]) -> bool:
        """Whether rows of a group may need rows of the same group."""
        return any(self.tables[name].parents & set(group) for name in group)

    def _copy(self) -> sqlite3.Connection:
        copy = sqlite3.connect(":memory:", isolation_level=None)
        copy.create_function("unhex", 1, lambda text: text, deterministic=True)
        virtual = {o.name for o in self.virtual}
        made = sorted(self.objects, key=lambda o: (o.name not in virtual, o.type != "table"))
        for o in made:
            if o.type in ("table", "index"):
                try:
                    copy.execute(o.sql)
                except sqlite3.OperationalError as error:
                    if "already exists" not in str(error):  # a shadow table, which its virtual table makes
                        copy.close()
                        raise SchemaError(f"{o.type} {o.name} cannot be made here: {error}") from None
        return copy


def is_virtual(o: SchemaObject) -> bool:
    return o.type == "table" and o.sql.lower().startswith("create virtual table")


def _smallest_circle(waiting: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The smallest set of tables that wait for each other, and for no other."""

    def reached(name: str) -> frozenset[str]:
        seen: set[str] = set()
        todo = [name]
        while todo:
            for parent in waiting[todo.pop()] & waiting.keys():
                if parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return frozenset(seen)

    circles = [sorted(reached(name) | {name}) for name in waiting]
    smallest = min(circles, key=lambda names: (len(names), names))
    return tuple(smallest)


def _shape(copy: sqlite3.Connection, name: str, sql: str) -> TableShape:
    columns = copy.execute('select name, type, "notnull", pk, hidden from pragma_table_xinfo(?)', [name]).fetchall()
    stored = [(column, declared, not_null, pk) for column, declared, not_null, pk, hidden in columns if hidden == 0]
    key = [column for column, _, _, pk in sorted(stored, key=lambda c: c[3]) if pk]
    types = {column: declared.upper() for column, declared, _, _ in stored}
    indexes = copy.execute('select name, "unique", origin from pragma_index_list(?)', [name]).fetchall()
    parts = {index: _parts(copy, index) for index, unique, _ in indexes if unique}
    own = next((parts[index] for index, _, origin in indexes if origin == "pk"), [])
    aliased = len(key) == 1 and not own and types[key[0]] == "INTEGER"
    not_null = {column for column, _, required, _ in stored if required}
    without_rowid = "rowid" in sql.lower() and bool(re.search(r"\bwithout\s+rowid\b[^)]*$", sql, re.IGNORECASE))
    plain = aliased or all(_is_plain(types[column]) and collation.upper() == "BINARY" for column, collation in own)
    further = [parts[index] for index, unique, origin in indexes if unique and origin != "pk"]
    problem = ""
    if not key:
        problem = "has no primary key; give it one"
    elif not aliased and not without_rowid and not set(key) <= not_null:
        problem = f"has a primary key that may be NULL; declare {', '.join(sorted(set(key) - not_null))} as not null"
    elif any(column is None for index in further for column, _ in index):
        problem = "has a unique index over an expression; make it over columns"
    references = copy.execute(_PARENTS, [name]).fetchall()
    return TableShape(
        name,
        tuple(key),
        tuple(column for column, *_ in stored if column not in key),
        plain,
        tuple(tuple(index) for index in further),
        frozenset(parent for (parent,) in references),
        bool(re.search(r"\bautoincrement\b", sql, re.IGNORECASE)),
        aliased,
        frozenset(not_null | set(key)),
        problem,
    )


def _parts(copy: sqlite3.Connection, index: str) -> list[tuple[str, str]]:
    return copy.execute("select name, coll from pragma_index_xinfo(?) where key", [index]).fetchall()


def _is_plain(declared: str) -> bool:
    """Whether a column has the affinity INTEGER or TEXT, with which equal values are the same value."""
    return any(word in declared for word in ("INT", "CHAR", "CLOB", "TEXT"))
