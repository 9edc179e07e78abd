"""Writing a built database into a D1: a new file, an empty database, or the one that an application works on.

Each is idempotent: killed and run again, it ends the same. What belongs here: the order in which a D1 takes rows,
because its foreign keys are always on. What does not: which rows (d1_state.py).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from assets.backups.d1_log import NOT_BACKED_UP, is_ours
from assets.backups.d1_obstacles import Obstacles
from assets.backups.d1_state import counted
from assets.backups.method import OccupiedError
from assets.backups.obstacles import Obstacle
from resources.chunks import chunked
from resources.d1 import D1, D1Error, EmbeddedD1, Statement, bulk
from resources.d1.exact import is_no_parameter, placed, upsert
from resources.d1.images import canonical, values
from resources.d1.limits import MAX_PARAMS
from resources.d1.names import column_list, quoted
from resources.d1.pages import table_pages
from resources.d1.schema import OBJECTS, Schema, SchemaObject, TableShape, is_virtual
from resources.d1.scratch import Scratch
from resources.declined import DeclinedError

UNFINISHED = "backup_restore"
"""A table that says that all of the database was made by a restore which did not end."""

NEW_PLACE = "name another place, which is made if it is missing"
BESIDE = "restore into a new place with --into, and take the rows from there"
_WRITES = re.compile(
    r"\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|update(?:\s+or\s+\w+)?|delete\s+from)\s+"
    r"(?:\"([^\"]+)\"|\[([^\]]+)\]|`([^`]+)`|(\w+))",
    re.IGNORECASE,
)
FILE = "restore into a SQLite file with --into, which takes any number"
LONG_LINE = 600_000
MOST_TOGETHER = 50_000_000
PASSES = 5


def is_empty(place: D1) -> bool:
    """Whether a D1 holds nothing, or only what a killed restore left."""
    if isinstance(place, EmbeddedD1) and not place.path.exists():
        return True
    objects = Schema.of(place.query(OBJECTS)).objects
    return not objects or any(o.name == UNFINISHED for o in objects)


def holds(scratch: Scratch, place: D1) -> bool:
    """Whether a place holds exactly this already, as a restore leaves it that was killed at its end; else False, also
    where it is empty.
    """
    if is_empty(place):
        return False
    there = Schema.of(place.query(OBJECTS))
    if set(there.objects) != set(scratch.schema.objects):
        return False
    tables = [table for name, table in scratch.schema.tables.items() if name not in NOT_BACKED_UP]
    return all(counted(place.query, [table]) == counted(scratch.query, [table]) for table in tables)


def put_into_empty(scratch: Scratch, place: D1) -> None:
    """Write the database, with indexes and all, into an empty place.

    Raises:
        OccupiedError: something is there.
    """
    if not is_empty(place):
        raise OccupiedError(f"{_named(place)} is not empty, and holds something else", NEW_PLACE)
    if isinstance(place, EmbeddedD1):
        place.close()
        for name in ("", "-wal", "-shm"):
            place.path.with_name(place.path.name + name).unlink(missing_ok=True)
        scratch.add_rest()
        try:
            scratch.write(place.path)
        except FileExistsError:
            raise OccupiedError(f"{_named(place)} is there since now", NEW_PLACE) from None
        return
    schema = scratch.schema
    _clear(place)
    made = [o for o in schema.objects if o.type == "table" and not is_virtual(o) and o.name not in schema.shadows]
    _make(place, made)
    _put(scratch, place, list(schema.tables), Writing(fresh=True))
    _count_on(scratch, place)
    _make(place, [o for o in schema.objects if o.type == "index" and o.table not in schema.shadows])
    _make(place, schema.virtual)
    rebuild(place, schema)
    _make(place, [o for o in schema.objects if o.type == "view"])
    _make(place, [o for o in schema.objects if o.type == "trigger"])
    place.execute(f"drop table {UNFINISHED}", idempotent=True)


def require_schema(wanted: Schema, place: D1) -> Schema:
    """The schema of a database, which must be the wanted one.

    Raises:
        DeclinedError: it is another one.
    """
    schema = Schema.of(place.query(OBJECTS)).without(is_ours)
    differing = {o.name for o in set(schema.objects) ^ set(wanted.objects)}
    if differing:
        raise DeclinedError(
            f"the live schema is not that of the set: {', '.join(sorted(differing)[:5])} differ",
            "migrate to the version of then, or restore into a new place with --into",
        )
    return schema


def put_over_live(scratch: Scratch, place: D1) -> None:
    """Make a database that has the same schema equal: rows are put where they differ, and others are deleted.

    Raises:
        DeclinedError: its schema is another one. Nothing was touched.
    """
    schema = require_schema(scratch.schema, place)
    names = [name for name in schema.tables if name not in NOT_BACKED_UP]
    writing = Writing(suspended=suspended(schema, names), replacing=True)
    for _ in range(PASSES):
        changed = _put(scratch, place, names, writing)
        for group in reversed(schema.parents_first(names)):
            changed += sum(_delete_others(scratch, place, schema.tables[name], writing) for name in group)
        if not changed:
            break
    _count_on(scratch, place)
    rebuild(place, schema)


def obstacles(scratch: Scratch, place: D1, names: Sequence[str]) -> list[Obstacle]:
    """What is in the way of the rows of some tables beside those of a database. Nothing is written.

    Raises:
        DeclinedError: it does not have these tables.
    """
    there = _having(scratch, place, names)
    found = Obstacles(scratch, place, there, names)
    for table in (scratch.schema.tables[name] for name in names):
        for lines in table_pages(scratch.query, table):
            found.look(table, _missing(place, table, lines))
    return found.found


def put_beside(scratch: Scratch, place: D1, names: Sequence[str]) -> None:
    """Put the rows of some tables into a database that has the same ones; rows of other keys stay.

    Raises:
        DeclinedError: it does not have these tables.
        D1Error: rows that are there now stand in the way.
    """
    there = _having(scratch, place, names)
    writing = Writing(suspended=suspended(there, there.tables.keys() - NOT_BACKED_UP))
    for _ in range(PASSES):
        if not _put(scratch, place, names, writing):
            break
    rebuild(place, there)


def _having(scratch: Scratch, place: D1, names: Sequence[str]) -> Schema:
    """The schema of a database, which must have some tables as the scratch has them."""
    there = Schema.of(place.query(OBJECTS))
    for name in names:
        if name not in there.tables or set(there.tables[name].columns) != set(scratch.schema.tables[name].columns):
            raise DeclinedError(f"table {name} is not there with the columns that it had then", BESIDE)
    return there


def rebuild(place: D1, schema: Schema) -> None:
    """Make full-text indexes of their tables again."""
    for name in schema.indexes_of_text:
        place.execute(f"insert into {quoted(name)} ({quoted(name)}) values ('rebuild')", idempotent=True)


def _named(place: D1) -> str:
    return str(place.path) if isinstance(place, EmbeddedD1) else "the database"


def _clear(place: D1) -> None:
    """Drop what a killed restore left, and note that from here on all is of this one."""
    place.execute(f"create table if not exists {UNFINISHED} (at text)", idempotent=True)
    schema = Schema.of(place.query(OBJECTS))
    drops = [
        *(f"drop view {quoted(o.name)}" for o in schema.objects if o.type == "view"),
        *(f"drop table {quoted(o.name)}" for o in schema.virtual),
        *(
            f"drop table {quoted(name)}"
            for group in reversed(schema.parents_first(schema.tables))
            for name in group
            if name != UNFINISHED
        ),
    ]
    if drops:
        place.batch([Statement("pragma defer_foreign_keys = on"), *map(Statement, drops)])


def _make(place: D1, objects: Sequence[SchemaObject]) -> None:
    if objects:
        place.batch([Statement(o.sql) for o in objects])


def _put(scratch: Scratch, place: D1, names: Sequence[str], writing: "Writing") -> int:
    """Put the rows of these tables that are not there already, each after those that it refers to; how many changed."""
    schema = scratch.schema
    changed = 0
    for group in schema.parents_first(names):
        pages = (
            (table, missing)
            for table in (schema.tables[name] for name in group)
            for lines in table_pages(scratch.query, table)
            if (missing := lines if writing.fresh else _missing(place, table, lines))
        )
        # Rows that refer to each other come in one transaction.
        for together in [_bounded(pages)] if schema.refers_to_itself(group) else ([page] for page in pages):
            changed += writing.put(place, together)
    return changed


def _bounded(pages: Iterable[tuple[TableShape, list[bytes]]]) -> list[tuple[TableShape, list[bytes]]]:
    """All pages at once.

    Raises:
        DeclinedError: they are more than one transaction of a D1 takes.
    """
    found: list[tuple[TableShape, list[bytes]]] = []
    size = 0
    for table, lines in pages:
        found.append((table, lines))
        size += sum(map(len, lines))
        if size > MOST_TOGETHER:
            raise DeclinedError(f"rows of {table.name} refer to each other, and are too many for one transaction", FILE)
    return found


@dataclass(frozen=True)
class Writing:
    """How rows are put. suspended: triggers that would change rows once more, as they stand there.

    fresh: no row is there yet.
    replacing: a row of another key that has a unique value of the set goes; it gets its own later, or is in no set.
    """

    fresh: bool = False
    suspended: Sequence[SchemaObject] = ()
    replacing: bool = False

    def put(self, place: D1, pages: Sequence[tuple[TableShape, Sequence[bytes]]]) -> int:
        """Put rows in one transaction; how many changed."""
        try:
            return self.run(place, [s for table, lines in pages for s in _upserts(table, lines)])
        except D1Error as error:
            if not self.replacing or "UNIQUE" not in error.message:
                raise
        return self.run(place, [s for table, lines in pages for s in _upserts(table, lines, replacing=True)])

    def run(self, place: D1, statements: Sequence[Statement]) -> int:
        """Run statements in one transaction, in which the suspended triggers are not there; how many rows changed."""
        if not statements:
            return 0
        results = place.batch(
            [
                Statement("pragma defer_foreign_keys = on"),
                *(Statement(f"drop trigger {quoted(trigger.name)}") for trigger in self.suspended),
                *statements,
                *(Statement(trigger.sql) for trigger in self.suspended),
            ],
            idempotent=True,
        )
        return sum(result.changes for result in results)


def suspended(schema: Schema, names: Collection[str]) -> list[SchemaObject]:
    """The triggers that write to these tables. Those that keep a log or a full-text index stay."""
    lowered = {name.lower() for name in names}
    return [
        o
        for o in schema.objects
        if o.type == "trigger" and any(next(filter(None, w)).lower() in lowered for w in _WRITES.findall(o.sql))
    ]


def _missing(place: D1, table: TableShape, lines: Sequence[bytes]) -> list[bytes]:
    """Those of these rows, which follow each other in the set, that are not there exactly so."""
    first, last = (values(line)[0] for line in (lines[0], lines[-1]))
    there = {canonical(line) for page in table_pages(place.query, table, (first, last)) for line in page}
    return [line for line in lines if canonical(line) not in there]


def _upserts(table: TableShape, lines: Sequence[bytes], *, replacing: bool = False) -> Iterator[Statement]:
    rows = [[value for group in values(line) for value in group] for line in lines]
    odd = [len(line) > LONG_LINE or any(map(is_no_parameter, row)) for line, row in zip(lines, rows, strict=True)]
    plain = [row for row, is_one in zip(rows, odd, strict=True) if not is_one]
    # Where equal keys may be different values, the key is set too.
    update = None if table.plain_key else table.columns
    yield from bulk.statements(table.name, table.columns, plain, table.key, update, replacing=replacing)
    for row, is_one in zip(rows, odd, strict=True):
        if is_one:
            yield upsert(table.name, table.columns, row, table.key, update, replacing=replacing)


def _delete_others(scratch: Scratch, place: D1, table: TableShape, writing: Writing) -> int:
    """Delete the rows whose key the set does not have; how many there were."""
    names = column_list(table.key)
    deleted = 0
    for lines in table_pages(place.query, table):
        keys = [values(line)[0] for line in lines]
        others = [key for key in keys if not _has(scratch, table, key)]
        for chunk in chunked(others, max(1, MAX_PARAMS // len(table.key))):
            marks, params = placed([value for key in chunk for value in key])
            width = len(table.key)
            tuples = ", ".join(f"({', '.join(marks[n : n + width])})" for n in range(0, len(marks), width))
            delete = f"delete from {quoted(table.name)} where ({names}) in (values {tuples})"
            deleted += writing.run(place, [Statement(delete, params)])
    return deleted


def _has(scratch: Scratch, table: TableShape, key: Sequence[object]) -> bool:
    marks, params = placed(key)  # type: ignore[arg-type]
    where = f"({column_list(table.key)}) = ({', '.join(marks)})"
    return bool(scratch.query(f"select 1 as one from {quoted(table.name)} where {where}", params))


def _count_on(scratch: Scratch, place: D1) -> None:
    """Let tables with AUTOINCREMENT go on after the numbers that they gave; a number is never given twice."""
    if not any(table.numbered for table in scratch.schema.tables.values()):
        return
    for row in scratch.query("select name, seq from sqlite_sequence"):
        known = place.execute(
            "update sqlite_sequence set seq = max(seq, ?2) where name = ?1", [row["name"], row["seq"]], idempotent=True
        )
        if not known:
            place.execute("insert into sqlite_sequence (name, seq) values (?1, ?2)", [row["name"], row["seq"]])
