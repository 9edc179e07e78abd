"""A data set that nobody here made goes through Postgres, a backup, its loss and a restore, and is equal."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from assets.backups.method import Scope
from assets.backups.postgres_logical import PostgresLogical
from resources import migrations
from resources.postgres import Postgres, copy_in
from tests.assets.backups import chinook, planted
from tests.assets.backups.growth_rows import SCHEMA, STORE
from tests.assets.backups.sets_of import full
from tests.databases import database

TYPES = {int: "bigint", float: "double precision", str: "text", bool: "boolean"}


def make_tables(postgres: Postgres) -> None:
    """The empty tables, with their references, beside those of an app."""
    tables = chinook.rows()
    for name, rows in tables.items():
        columns = ", ".join(f'"{column}" {type_of(rows, column)}' for column in rows[0] if column != "id")
        postgres.execute(f"create table {name} (id bigint primary key, {columns})")
    for name, rows in tables.items():
        for column in rows[0]:
            parent = chinook.REFERENCES.get(column, column)
            if parent in tables:
                postgres.execute(f'alter table {name} add foreign key ("{column}") references {parent}')


def type_of(rows: list[dict[str, Any]], column: str) -> str:
    (found,) = {type(row[column]) for row in rows if row[column] is not None}
    return TYPES[found]


def held(postgres: Postgres) -> dict[str, list[dict[str, Any]]]:
    return {name: postgres.fetch(f"select * from {name} order by id") for name in chinook.rows()}


def test_chinook_comes_back(postgres_server: str, tmp_path: Path) -> None:
    tables = chinook.rows()
    with ExitStack() as stack:
        live, back = (stack.enter_context(Postgres(stack.enter_context(database(postgres_server)))) for _ in range(2))
        migrations.up(migrations.PostgresAppliedMigrations(live), SCHEMA.folder)
        make_tables(live)
        with live.connection() as connection:
            connection.execute("set constraints all deferred")
            for name in chinook.parents_first(tables):
                columns = list(tables[name][0])
                copy_in(connection, name, columns, [[row[column] for column in columns] for row in tables[name]])
        method = PostgresLogical(STORE, live, replace(SCHEMA, rest=make_tables), lambda _: back)
        target = planted.target(tmp_path / "r2")
        manifest = full(method, target)
        rows = {table.name.removeprefix("public."): table.rows for table in manifest.tables}
        assert {name: rows[name] for name in tables} == {name: len(of_table) for name, of_table in tables.items()}
        live.execute("truncate artist cascade")
        for place, scope in ((back, Scope()), (live, Scope(live=True))):
            restored = method.restore(target, (manifest,), place, scope)
            assert list(method.differences(place, restored)) == []
            assert held(place) == {
                name: sorted(of_table, key=lambda row: row["id"]) for name, of_table in tables.items()
            }
        live.execute("delete from playlisttrack")
        live.execute("delete from invoiceline where id > 100")
        single = Scope(live=True, tables=("public.playlisttrack", "public.invoiceline"))
        method.restore(target, (manifest,), live, single)
        assert held(live) == held(back)
