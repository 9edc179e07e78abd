"""Rows of a Postgres by whose they are: conditions of the registry's entries, and what is done to such rows.

What belongs here: statements over any table. What does not: which hashes stand for a person, and which database it is
(postgres.py, app_postgres.py).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

from assets.apps.personal import Person, Subject
from assets.backups.postgres_traces import TEXTS, without
from assets.privacy.places import in_postgres
from resources.postgres import Connection, Postgres
from resources.postgres.copy import identifier
from resources.sql_files import read_sql


@dataclass(frozen=True)
class Shape:
    """A table's columns, with their types, those that must not be null, and those that are made of others. own: the
    condition of an app's rows.
    """

    name: str
    types: Mapping[str, str]
    required: frozenset[str]
    generated: frozenset[str] = frozenset()
    own: Composable = field(default_factory=lambda: SQL("true"))

    def texts(self, names: Collection[str]) -> list[str]:
        """Those of some columns that hold text of their own."""
        return [name for name in names if self.types.get(name) in TEXTS and name not in self.generated]


def shapes(postgres: Postgres) -> dict[str, Shape]:
    """The tables of a database by name, and their columns."""
    found: dict[str, dict[str, Any]] = {}
    for row in postgres.fetch(read_sql("privacy/shapes.sql")):
        found.setdefault(row["table"], {})[row["column"]] = row
    return {
        name: Shape(
            name,
            {column: row["type"] for column, row in columns.items()},
            frozenset(column for column, row in columns.items() if row["required"]),
            frozenset(column for column, row in columns.items() if row["generated"]),
        )
        for name, columns in found.items()
    }


def owned_by(places: Sequence[Subject], ids: Mapping[Person, frozenset[str]]) -> Composed | None:
    """The condition that a row names one of these people; its parameters are the kinds' arrays. None where none can."""
    parts = [
        SQL("{} = any({}::text[])").format(in_postgres(place), Placeholder(kind))
        for kind, place in places
        if ids.get(kind)
    ]
    return SQL("({})").format(SQL(" or ").join(parts)) if parts else None


def with_text(columns: Sequence[str], patterns: Sequence[str]) -> Composed | None:
    """The condition that one of these texts has an id; its parameters are p0, p1, …. None where none can."""
    parts = [
        SQL("{}::text ~ {}").format(Identifier(column), Placeholder(f"p{number}"))
        for column in columns
        for number in range(len(patterns))
    ]
    return SQL("({})").format(SQL(" or ").join(parts)) if parts else None


def numbered(patterns: Sequence[str]) -> dict[str, str]:
    """The parameters of `with_text`."""
    return {f"p{number}": pattern for number, pattern in enumerate(patterns)}


def delete(connection: Connection, shape: Shape, where: Composable | None, parameters: Mapping[str, Any]) -> int:
    """Delete the rows of a condition; how many there were."""
    if where is None:
        return 0
    statement = SQL("delete from {} where {} and {}").format(identifier(shape.name), shape.own, where)
    return connection.execute(statement, parameters).rowcount


def empty(
    connection: Connection,
    shape: Shape,
    columns: Sequence[str],
    where: Composable | None,
    parameters: Mapping[str, Any],
) -> int:
    """Set columns to null in the rows of a condition; how many there were."""
    if where is None:
        return 0
    emptied = SQL(", ").join(SQL("{} = null").format(Identifier(name)) for name in columns)
    statement = SQL("update {} set {} where {} and {}").format(identifier(shape.name), emptied, shape.own, where)
    return connection.execute(statement, parameters).rowcount


def blank_texts(
    connection: Connection, shape: Shape, columns: Sequence[str], found: Sequence[str], parameters: Mapping[str, Any]
) -> int:
    """Replace each text in which one of the patterns is found, in all rows that have it; how many there were. JSON is
    emptied.
    """
    changed = 0
    for column in shape.texts(columns):
        where = with_text([column], found)
        if where is None:
            continue
        name, table = Identifier(column), identifier(shape.name)
        type_ = SQL(shape.types[column])
        texts = SQL("select distinct {}::text as text from {} where {} and {}").format(name, table, shape.own, where)
        update = SQL("update {} set {name} = %(blank)s::{} where {} and {name}::text = %(text)s").format(
            table, type_, shape.own, name=name
        )
        for row in connection.execute(texts, {**parameters, **numbered(found)}).fetchall():
            given = {"blank": without(row["text"], shape.types[column]), "text": row["text"]}
            changed += connection.execute(update, {**parameters, **given}).rowcount
    return changed
