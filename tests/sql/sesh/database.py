"""Sesh's D1 for tests: migrated, and rows of it in as few words as they need."""

import itertools
from pathlib import Path
from typing import Any

from resources import migrations
from resources.d1 import D1, EmbeddedD1, Param, Statement

NUMBERS = itertools.count(1)
# What a row must have beside its key.
REQUIRED: dict[str, dict[str, Param]] = {
    "users": {"email": "someone@sesh.example"},
    "user_preferences": {},
    "strains": {"name": "Blue Dream", "type": "hybrid"},
    "products": {"name": "Blue Dream 3.5 g", "category": "flower"},
    "dispensaries": {"name": "Juniper & Co."},
    "inventory": {"quantity": 1, "unit": "g"},
    "medical_symptoms": {"symptom": "insomnia", "timestamp": "2026-03-20T21:00:00.000Z"},
    "journal_entries": {"content": "Slept well.", "timestamp": "2026-03-20T21:00:00.000Z"},
}
KEYS = {table: "userId" if table == "user_preferences" else "id" for table in REQUIRED}


def migrated(path: Path) -> EmbeddedD1:
    """A D1 with Sesh's newest schema and no rows, in a file."""
    d1 = EmbeddedD1(path)
    migrations.up(migrations.D1AppliedMigrations(d1, "sesh-d1"), "sesh/d1")
    return d1


def inserted(table: str, values: dict[str, Param], verb: str = "insert") -> Statement:
    """The statement that inserts a row; `verb` may be "insert or replace"."""
    row = {**REQUIRED[table], **values}
    if table == "users" and "email" not in values:
        row["email"] = f"someone{next(NUMBERS)}@sesh.example"
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    return Statement(f"{verb} into {table} ({columns}) values ({marks})", list(row.values()))


def put(d1: D1, table: str, verb: str = "insert", **values: Param) -> None:
    """Insert a row."""
    statement = inserted(table, values, verb)
    d1.execute(statement.sql, statement.params)


def logged(d1: D1, after: int = 0) -> list[tuple[Any, ...]]:
    """The change log behind an id: (table, row, operation, old keys, new keys)."""
    rows = d1.query(
        "select table_name, row_id, operation, old_keys, new_keys from change_log where id > ? order by id", [after]
    )
    return [tuple(row.values()) for row in rows]


def last_id(d1: D1) -> int:
    """The id of the newest row of the change log, 0 where there is none."""
    return int(d1.query("select coalesce(max(id), 0) as n from change_log")[0]["n"])
