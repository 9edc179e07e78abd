"""One row or more in every table of a migrated database, made of its own catalog: types, and checks that name values.

What does not belong here: rows that mean something (sandbox/).
"""

import re
from typing import Any

import psycopg

from resources.d1 import D1
from resources.postgres import Postgres

POSTGRES_COLUMNS = """
select n.nspname as schema, c.relname as table, a.attname as column, format_type(a.atttypid, null) as type,
    a.attnotnull as required,
    (select string_agg(pg_get_constraintdef(k.oid), ' ') from pg_constraint k
     where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any(k.conkey)) as checks
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pipelines', 'lake')
    and a.attidentity = '' and a.attgenerated = ''
order by 1, 2, a.attnum"""
BY_NAME = {"app": "'clearlift'", "quarter": "'2026Q1'", "currency": "'EUR'"}
BY_TYPE = {
    "text": "'x'",
    "date": "'2026-01-01'",
    "timestamp with time zone": "'2026-01-01'",
    "jsonb": "'{}'",
    "boolean": "false",
    "bytea": "'\\x0000000000000000000000000000000000000000000000000000000000000000'",
    "uuid": "'00000000-0000-0000-0000-000000000001'",
    "text[]": "'{}'",
    "bytea[]": "'{}'",
}


def fill_postgres(postgres: Postgres) -> set[str]:
    """Put a row into each table that has none; the names of the tables whose checks refuse such a row.

    Keys of other tables are not looked up: the rows are there to be lost, not to be joined.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in postgres.fetch(POSTGRES_COLUMNS):
        tables.setdefault(f"{row['schema']}.{row['table']}", []).append(row)
    return {
        table
        for table, columns in tables.items()
        if not postgres.fetch(f"select from {table} limit 1")
        and not _put(postgres, table, columns)
        # Where columns depend on each other, those that may be null often do.
        and not _put(postgres, table, [column for column in columns if column["required"]])
    }


def _put(postgres: Postgres, table: str, columns: list[dict[str, Any]]) -> bool:
    names = ", ".join(column["column"] for column in columns)
    values = ", ".join(_value(column["column"], column["type"], column["checks"] or "") for column in columns)
    try:
        with postgres.connection() as connection:
            connection.execute("set local session_replication_role = replica")
            connection.execute(f"insert into {table} ({names}) values ({values})")
    except psycopg.errors.CheckViolation:
        return False
    return True


def _value(column: str, type_: str, checks: str) -> str:
    if column in BY_NAME:
        return BY_NAME[column]
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
