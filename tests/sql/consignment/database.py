"""Consignment's D1 for tests: migrated, rows in as few words as they need, and its statements asked as somebody."""

import itertools
from pathlib import Path
from typing import Any

from assets.apps.consignment import APP
from assets.changes.d1 import install
from resources import migrations
from resources.d1 import D1, EmbeddedD1, Param, Statement
from resources.sql_files import read_sql

FOLDER = "consignment/d1"
NUMBERS = itertools.count(1)
OPENS, CLOSES = "2026-03-01T00:00:00.000Z", "2026-03-02T00:00:00.000Z"
NOW = "2026-03-01T12:00:00.000Z"
DATED: dict[str, Param] = {"created_at": NOW, "updated_at": NOW}
# What a row must have beside its key, parents first.
REQUIRED: dict[str, dict[str, Param]] = {
    "consignors": {"name": "Ann", "email": "ann@consignment.example", **DATED},
    "events": {
        "user_id": "organizer",
        "name": "Sale",
        "start_date": "2026-03-08T00:00:00.000Z",
        "end_date": "2026-03-08T09:00:00.000Z",
        "location": "Town hall",
        "max_consignors": 9,
        "drop_off_start": OPENS,
        "drop_off_end": CLOSES,
        "pick_up_start": "2026-03-08T09:00:00.000Z",
        "pick_up_end": "2026-03-10T00:00:00.000Z",
        **DATED,
    },
    "inventory_items": {"name": "Rain jacket", "category": "clothing", "price": 4.5, "condition": "good", **DATED},
}
KEYS = dict.fromkeys(REQUIRED, "id")


def ledger(d1: D1) -> migrations.D1AppliedMigrations:
    """The applied migrations of a Consignment's D1."""
    return migrations.D1AppliedMigrations(d1, "consignment-d1")


def make(d1: D1) -> None:
    """Bring a D1 to the newest schema, with the change log."""
    migrations.up(ledger(d1), FOLDER)
    install(d1, APP)


def migrated(path: Path) -> EmbeddedD1:
    """A D1 with Consignment's newest schema and no rows, in a file."""
    d1 = EmbeddedD1(path)
    make(d1)
    return d1


def inserted(table: str, values: dict[str, Param], verb: str = "insert") -> Statement:
    """The statement that inserts a row; an event has a name of its own where none is given."""
    row = {**REQUIRED[table], **values}
    if table == "events" and "name" not in values:
        row["name"] = f"Sale {next(NUMBERS)}"
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    return Statement(f"{verb} into {table} ({columns}) values ({marks})", list(row.values()))


def put(d1: D1, table: str, **values: Param) -> None:
    """Insert a row."""
    statement = inserted(table, values)
    d1.execute(statement.sql, statement.params)


def asked(d1: D1, statement: str, caller: str, *params: Param) -> list[dict[str, Any]]:
    """The rows that one of the application's statements gives a caller."""
    return d1.query(read_sql(f"consignment/statements/{statement}.sql"), [caller, *params])


def found(d1: D1, word: str) -> list[int]:
    """The items that full-text search finds by a word."""
    sql = "select rowid as id from item_search where item_search match ? order by rowid"
    return [row["id"] for row in d1.query(sql, [f'"{word}"'])]


def schema(d1: D1) -> list[dict[str, Any]]:
    """All that is made in a D1, without the table of applied migrations."""
    return d1.query(
        "select type, name, sql from sqlite_master where tbl_name <> 'pipelines_migrations'"
        " and name not like 'sqlite_%' and name not like '\\_cf\\_%' escape '\\' order by type, name"
    )


def contents(d1: D1) -> dict[str, list[dict[str, Any]]]:
    """Every row of the application's tables and of the change log."""
    return {table: d1.query(f"select * from {table} order by 1") for table in (*REQUIRED, "change_log")}
