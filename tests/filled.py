"""One row or more in every table of a migrated database, made of its own catalog: types, and checks that name values.

What does not belong here: rows that mean something (sandbox/).
"""

import re
from typing import Any

from resources.d1 import D1
from resources.postgres import Postgres

POSTGRES_COLUMNS = """
select n.nspname as schema, c.relname as table, a.attname as column, format_type(a.atttypid, null) as type,
    (select string_agg(pg_get_constraintdef(k.oid), ' ') from pg_constraint k
     where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any(k.conkey)) as checks
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pipelines', 'lake')
    and a.attidentity = '' and a.attgenerated = ''
order by 1, 2, a.attnum"""
BY_TYPE = {
    "text": "'x'",
    "date": "'2026-01-01'",
    "timestamp with time zone": "'2026-01-01'",
    "jsonb": "'{}'",
    "boolean": "false",
    "bytea": "'\\x0000000000000000000000000000000000000000000000000000000000000000'",
    "uuid": "'00000000-0000-0000-0000-000000000001'",
    "text[]": "'{}'",
}


def fill_postgres(postgres: Postgres) -> set[str]:
    """Put a row into each table that has none; the names of the tables whose checks refuse such a row.

    Keys of other tables are not looked up: the rows are there to be lost, not to be joined.
    """
    tables: dict[str, dict[str, str]] = {}
    for row in postgres.fetch(POSTGRES_COLUMNS):
        columns = tables.setdefault(f"{row['schema']}.{row['table']}", {})
        columns[row["column"]] = _value(row["column"], row["type"], row["checks"] or "")
    refused = set()
    for table, columns in tables.items():
        if postgres.fetch(f"select from {table} limit 1"):
            continue
        try:
            with postgres.connection() as connection:
                connection.execute("set local session_replication_role = replica")
                connection.execute(f"insert into {table} ({', '.join(columns)}) values ({', '.join(columns.values())})")
        except Exception:  # noqa: BLE001 (its name says that a check wants more)
            refused.add(table)
    return refused


def _value(column: str, type_: str, checks: str) -> str:
    if column == "app":
        return "'clearlift'"
    named = re.search(rf"\b{column} = (?:ANY \()?(?:\(?ARRAY\[)?'([^']*)'", checks)
    if named:
        return f"'{named[1]}'"
    return BY_TYPE.get(type_, "1")


def postgres_rows(postgres: Postgres) -> dict[str, list[str]]:
    """Every row of every table as JSON text, by table; tables without rows are left out."""
    names = {(row["schema"], row["table"]) for row in postgres.fetch(POSTGRES_COLUMNS)}
    found = {
        f"{schema}.{table}": sorted(
            row["row"] for row in postgres.fetch(f"select to_jsonb(t)::text as row from {schema}.{table} t")
        )
        for schema, table in names
    }
    return {table: rows for table, rows in found.items() if rows}


def d1_rows(d1: D1) -> dict[str, list[Any]]:
    """Every row of every table, by table; tables without rows are left out."""
    tables = d1.query("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
    found = {row["name"]: sorted(map(repr, d1.query(f"select * from {row['name']}"))) for row in tables}
    # An entry of a migration has the time at which it was applied last.
    return {table: rows for table, rows in found.items() if rows and table != "pipelines_migrations"}
