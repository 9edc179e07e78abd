"""The live rows of a person: in an app's D1 and its own Postgres, in our Postgres, in the lake.

What belongs here: direct queries by the ids of the registry. What does not: objects and keys (objects.py, keys.py).
"""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
from psycopg.sql import SQL, Composable, Identifier, Placeholder

from assets.apps import App
from assets.apps.personal import Holding
from assets.erasure import d1_rows, postgres_rows
from assets.erasure.d1_rows import LOGS
from assets.export.portion import Ids, Portion, Row, Within, doc_of, portion_name, shown
from assets.export.sealed import opened
from assets.lake_tables import AppTable, lake_tables
from assets.rooms import Rooms
from assets.search import hashes
from resources.d1 import D1
from resources.d1.names import column_list, quoted
from resources.d1.schema import TableShape
from resources.postgres import Postgres
from resources.postgres.copy import identifier, stream
from resources.sql_files import read_sql

PAGE = 1_000


def of_d1(rooms: Rooms, app: App, ids: Ids, within: Within) -> Iterator[Portion]:
    """A portion for each entry of the app's D1; the partitions of a series are one."""
    if app.d1_migrations is None:
        return
    d1 = rooms.d1(app)
    by_entry: dict[str, tuple[Holding, list[TableShape]]] = {}
    for shape, entry in d1_rows.tables_of(d1, app):
        if shape.name not in LOGS - {"change_log"} and _of_people(entry, ids, within):
            by_entry.setdefault(entry.name, (entry, []))[1].append(shape)
    # What a log says of a person's rows comes after the rows.
    for name, (entry, shapes) in sorted(by_entry.items(), key=lambda item: (item[0] in LOGS, item[0])):
        yield Portion(portion_name("d1", name), doc_of(app, entry), _of_tables(rooms, d1, entry, shapes, ids, within))


def _of_people(entry: Holding, ids: Ids, within: Within) -> tuple[str, list[str]] | None:
    return d1_rows.condition(entry.subjects, ids, entry.organisation, within)


def _of_tables(
    rooms: Rooms, d1: D1, entry: Holding, shapes: list[TableShape], ids: Ids, within: Within
) -> Iterator[Row]:
    where = _of_people(entry, ids, within)
    assert where is not None
    for shape in shapes:
        key = shape.key or ("rowid",)
        source = (
            f"select {column_list(dict.fromkeys([*key, *shape.columns]))} from {quoted(shape.name)} where {where[0]}"
        )
        for page in d1.stream(source, key, page=PAGE, params=where[1]):
            for row in page:
                yield shown(entry, opened(entry, row, rooms.keyring) if entry.sealed else row, ids)


def of_postgres(rooms: Rooms, app: App, ids: Ids, within: Within) -> Iterator[Portion]:
    """A portion for each entry of our Postgres that knows people by an id, or by the hash of one."""
    postgres = rooms.postgres_of_login
    there = postgres_rows.shapes(postgres)
    for entry in app.holdings:
        if entry.store != "postgres" or entry.name not in there or not (entry.subjects or entry.hashed):
            continue
        types = there[entry.name].types
        owner = next(name for name in ("app", "namespace") if name in types)
        named = [SQL("false"), *filter(None, [postgres_rows.owned_by(entry.subjects, ids)])]
        given: dict[str, Any] = {"app": app.name, **{kind: sorted(of_kind) for kind, of_kind in ids.items()}}
        for kind, column in entry.hashed:
            tags = SQL("select distinct org_tag from {} where {} = %(app)s").format(
                identifier(entry.name), Identifier(owner)
            )
            with postgres.connection() as connection:
                tenants = {row["org_tag"] for row in connection.execute(tags, given).fetchall()}
            tenants = tenants & within if within else tenants
            known = [
                hashes.of_visitor(id_, tenant)
                for tenant in (tenants & within if within else tenants)
                for id_ in ids.get(kind, ())
            ]
            given[f"hashes {column}"] = known
            hashed = Placeholder(f"hashes {column}")
            named.append(SQL("{} = any({}::bytea[])").format(Identifier(column), hashed))
        where = SQL("{} = %(app)s and ({})").format(Identifier(owner), SQL(" or ").join(named))
        rows = _selected(rooms, postgres, entry, where, given, ids)
        yield Portion(portion_name("postgres", entry.name), doc_of(app, entry), rows)


def of_app_postgres(rooms: Rooms, app: App, ids: Ids) -> Iterator[Portion]:
    """A portion for each entry of the app's own Postgres, and for the tables whose rows belong to such rows."""
    if app.postgres_migrations is None:
        return
    postgres = rooms.app_postgres(app)
    given: dict[str, Any] = {kind: sorted(of_kind) for kind, of_kind in ids.items()}
    entries = {entry.name: entry for entry in app.personal if entry.store == "app_postgres"}
    owned = {
        name: where
        for name, entry in entries.items()
        if entry.subjects and (where := postgres_rows.owned_by(entry.subjects, ids)) is not None
    }
    for reference in postgres.fetch(read_sql("export/references.sql")):
        entry = entries.get(reference["child"])
        parent = owned.get(reference["parent"])
        if entry is not None and parent is not None and not entry.subjects and entry.erasure == "delete":
            owned[entry.name] = SQL("{} in (select {} from {} where {})").format(
                Identifier(reference["column"]),
                Identifier(reference["parent_column"]),
                identifier(reference["parent"]),
                parent,
            )
    for name, where in sorted(owned.items()):
        rows = _selected(rooms, postgres, entries[name], where, given, ids)
        yield Portion(portion_name("app_postgres", name), doc_of(app, entries[name]), rows)


def _selected(
    rooms: Rooms, postgres: Postgres, entry: Holding, where: Composable, given: dict[str, Any], ids: Ids
) -> Iterator[Row]:
    statement = SQL("select to_jsonb(t)::text as row from {} as t where {}").format(identifier(entry.name), where)
    with postgres.connection(one_moment=True) as connection:
        for batch in stream(connection, statement.as_string(connection), given, PAGE):
            for found in batch:
                row: Row = json.loads(found["row"])
                for rule in entry.sealed:
                    if rule.binary and row[rule.into] is not None:
                        # JSON has bytes as \x and hexadecimal digits.
                        row[rule.into] = bytes.fromhex(row[rule.into][2:])
                yield shown(entry, opened(entry, row, rooms.keyring) if entry.sealed else row, ids)


def of_lake(rooms: Rooms, app: App, ids: Ids, within: Within) -> Iterator[Portion]:
    """A portion for each lake table of the app that knows people by an id."""
    for table in lake_tables(app):
        entry = table.holding
        named = [pl.col(place).is_in(sorted(ids[kind])) for kind, place in entry.subjects if ids.get(kind)]
        if named:
            theirs = pl.any_horizontal(named)
            if within:
                theirs &= pl.col(entry.organisation).is_in(sorted(within))
            yield Portion(portion_name("lake", entry.name), doc_of(app, entry), _in_files(rooms, table, theirs, ids))


def _in_files(rooms: Rooms, table: AppTable, theirs: pl.Expr, ids: Ids) -> Iterator[Row]:
    """Rows of a lake table, file by file, so that memory stays at one file."""
    live = rooms.lake.table(table.spec)
    for info in live.files():
        found = live.read([info]).filter(theirs).collect(engine="streaming")
        yield from (shown(table.holding, row, ids) for row in found.iter_rows(named=True))
