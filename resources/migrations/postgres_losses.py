"""What a way down would lose in Postgres, which can try it: DDL is part of a transaction that is rolled back.

What belongs here: which tables a way down touches, and whether their rows are the same once it was taken and all was
applied again. What does not: running a migration (postgres.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.sql import SQL, Identifier

from resources.counts import counted
from resources.postgres.client import Connection

# One row a table: its file and its columns, by which a table is known that was dropped, made again or rewritten.
TABLES = """
select namespace.nspname as schema, class.relname as name, class.oid, class.relfilenode,
    array_agg(attribute.attname::text order by attribute.attnum) as columns
from pg_class class
join pg_namespace namespace on namespace.oid = class.relnamespace
join pg_attribute attribute
    on attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
where class.relkind = 'r' and namespace.nspname !~ '^pg_' and namespace.nspname <> 'information_schema'
    and (namespace.nspname, class.relname) <> ('pipelines', 'migrations')
group by 1, 2, 3, 4"""
# One row a table whose rows this transaction changed or deleted.
CHANGED = """
select schemaname as schema, relname as name from pg_stat_xact_user_tables where n_tup_upd + n_tup_del > 0"""

Name = tuple[str, str]


@dataclass(frozen=True)
class Rows:
    """The rows of a table as a multiset: their number, and the sum of their hashes."""

    count: int
    hashes: int


NONE = Rows(0, 0)


def losses(connection: Connection, take_back: Callable[[], None], apply_again: Callable[[], None]) -> list[str]:
    """The tables whose rows would differ after `take_back` and `apply_again`, one phrase each.

    Both run in the connection's transaction and are undone. The tables that they touch are locked against writers until
    the transaction ends, so that no row comes between this look and what follows it.
    """
    before = _tables(connection)
    with connection.transaction(force_rollback=True):
        take_back()
        after = _tables(connection)
        changed = {(row["schema"], row["name"]) for row in connection.execute(CHANGED)}
    touched = sorted(name for name, table in before.items() if name in changed or _differs(table, after.get(name)))
    if not touched:
        return []
    names = SQL(", ").join(Identifier(*name) for name in touched)
    connection.execute(SQL("lock table {} in share mode").format(names))
    held = {name: _rows(connection, name) for name in touched}
    with connection.transaction(force_rollback=True):
        take_back()
        apply_again()
        there = _tables(connection).keys()
        back = {name: _rows(connection, name) if name in there else NONE for name in touched}
    return [
        _phrase(name, held[name], back[name], before[name], after.get(name))
        for name in touched
        if held[name] != back[name]
    ]


def _tables(connection: Connection) -> dict[Name, Mapping[str, Any]]:
    return {(row["schema"], row["name"]): row for row in connection.execute(TABLES)}


def _differs(before: Mapping[str, Any], after: Mapping[str, Any] | None) -> bool:
    same = ("oid", "relfilenode")
    return (
        after is None
        or any(before[key] != after[key] for key in same)
        or not set(before["columns"]) <= set(after["columns"])
    )


def _rows(connection: Connection, name: Name) -> Rows:
    # As JSON, whose keys are in order: a column that was dropped and added again stands at another place.
    statement = SQL(
        "select count(*) as count, coalesce(sum(hashtextextended(to_jsonb(t)::text, 0)), 0) as hashes from only {} t"
    ).format(Identifier(*name))
    (row,) = connection.execute(statement).fetchall()
    return Rows(row["count"], int(row["hashes"]))


def _phrase(name: Name, held: Rows, back: Rows, before: Mapping[str, Any], after: Mapping[str, Any] | None) -> str:
    table = ".".join(name)
    gone = [column for column in before["columns"] if column not in after["columns"]] if after else []
    if gone and back.count == held.count:
        return f"values of {', '.join(f'{table}.{column}' for column in gone)}"
    return f"{counted(max(held.count - back.count, 0) or held.count, 'row')} of {table}"
