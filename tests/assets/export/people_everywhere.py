"""Rows of several people in every table, prefix and key family that the registry names, made of the registry itself.

Whatever is a person's holds that person's mark, so that nobody else's export may hold it. No fixtures here.
"""

import base64
import gzip
import hashlib
import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

from psycopg.sql import SQL, Identifier, Placeholder

from assets.apps import App
from assets.apps.personal import Holding, Person
from assets.cache import keys
from assets.cache.families import families
from assets.events.table import events_table
from assets.privacy.identity import Identity
from assets.privacy.places import entry_of
from clearlift_pipelines.stores import Stores
from resources.d1 import EmbeddedD1
from resources.kv import Entry
from resources.lake import PartitionKey
from resources.postgres import Connection, Postgres
from tests.assets.rollups.event_lake import event, frame
from tests.filled import POSTGRES_COLUMNS

TAG = "a3f7c2"
MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
KINDS: tuple[Person, ...] = get_args(Person)
# Each is a part of another one, means something to a store, or is written in several ways.
HOSTILE = (
    *("u1", "u11", "U1", "%", "_", "*", "user-1' or '1'='1", 'q"uote', "back\\slash", "..", "a/b", "ä%20ö", "null"),
    *("{id}", "1", "$.userId", "[]", "x\ttab"),
)


@dataclass
class Somebody:
    """A person of an app, by one text where a store takes any, and by one UUID where it takes no other."""

    text: str
    number: int
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def mark(self) -> str:
        return f"mark-of-{self.number:03}."

    def id(self, type_: str) -> str:
        return self.uuid if type_ == "uuid" else self.text

    @property
    def hash(self) -> bytes:
        """Their id as rows of ours have it that must not be read back."""
        return hashlib.blake2b(f"{TAG}\0{self.text}".encode(), digest_size=16).digest()

    def identity(self, app: App) -> Identity:
        ids = {kind: frozenset({self.text, self.uuid}) for kind in KINDS}
        return Identity(f"request-{self.number}", app.name, ids, keys=frozenset(_keys_of_rows(app, self)))


def people(numbers: int = len(HOSTILE)) -> list[Somebody]:
    return [Somebody(text, number) for number, text in enumerate(HOSTILE[:numbers])]


def fill(stores: Stores, app: App, everybody: list[Somebody]) -> None:
    """Rows of everybody in every store of an app."""
    if app.d1_migrations is not None:
        d1 = stores.d1(app)
        assert isinstance(d1, EmbeddedD1)
        d1.query("select 1")
        with closing(sqlite3.connect(d1.path)) as connection:
            fill_d1(connection, app, everybody)
            connection.commit()
    if app.postgres_migrations is not None:
        fill_postgres(stores.app_postgres(app), app, "app_postgres", everybody)
    fill_postgres(stores.postgres, app, "postgres", everybody)
    for somebody in everybody:
        for key, content in _objects(app, somebody):
            stores.object_store.put(key, content)
        if app.has_kv:
            names = [*_keys_of_ids(app, somebody), *_keys_of_rows(app, somebody)]
            stores.kv(app).put_many(Entry(name, json.dumps([somebody.mark]).encode()) for name in names)
    if app.audience is not None:
        rows = [
            event(org_tag=TAG, timestamp=MAY, user_id=s.text, anonymous_id=s.text, page_search=s.mark)
            for s in everybody
        ]
        table = stores.lake.table(events_table(app))
        table.append(table.write([(PartitionKey(TAG, MAY.date()), frame(rows))]), "everybody")


def fill_d1(connection: sqlite3.Connection, app: App, everybody: list[Somebody]) -> None:
    """A row of each person in each table whose rows are people's."""
    connection.execute("pragma ignore_check_constraints = on")
    connection.execute("pragma foreign_keys = off")
    for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
        entry = entry_of(app, "d1", table)
        if entry is None or not entry.subjects or table == "change_log":
            continue
        columns = connection.execute(f"pragma table_info({table})").fetchall()
        for somebody in everybody:
            values = {name: _value(entry, name, type_.lower(), somebody) for _, name, type_, *_ in columns}
            marks = ", ".join("?" * len(values))
            names = ", ".join(f'"{name}"' for name in values)
            connection.execute(f"insert into {table} ({names}) values ({marks})", list(values.values()))


def fill_postgres(postgres: Postgres, app: App, store: Any, everybody: list[Somebody]) -> None:
    """The same in Postgres, whose checks are dropped before."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in postgres.fetch(POSTGRES_COLUMNS):
        tables.setdefault(f"{row['schema']}.{row['table']}", []).append(row)
    for table, columns in tables.items():
        entry = entry_of(app, store, table)
        goes_with = entry is not None and "goes with its" in entry.reason and store == "app_postgres"
        if entry is None or not (entry.subjects or entry.hashed or goes_with):
            continue
        with postgres.connection() as connection:
            connection.execute("set local session_replication_role = replica")
            for row in connection.execute(
                "select conname from pg_constraint where conrelid = %s::regclass and contype = 'c'", (table,)
            ).fetchall():
                connection.execute(
                    SQL("alter table {} drop constraint {}").format(
                        Identifier(*table.split(".")), Identifier(row["conname"])
                    )
                )
            for somebody in everybody:
                values = {c["column"]: _in_postgres(app, entry, c["column"], c["type"], somebody) for c in columns}
                values |= {c["column"]: _first(connection, c["type"]) for c in columns if "." in c["type"]}
                values = {name: value for name, value in values.items() if value is not None}
                statement = SQL("insert into {} ({}) values ({})").format(
                    Identifier(*table.split(".")),
                    SQL(", ").join(map(Identifier, values)),
                    SQL(", ").join(map(Placeholder, values)),
                )
                connection.execute(statement, values)


def _value(entry: Holding, name: str, type_: str, somebody: Somebody) -> Any:
    if name in {place for _, place in entry.subjects}:
        return somebody.text
    if name == "id" and "text" not in type_:
        return somebody.number + 1
    if "text" in type_ or "datetime" in type_:
        return f"{somebody.mark}{name}" if name in entry.personal.split() else f"{name} {somebody.number:03}"
    return somebody.number + 1


def _in_postgres(app: App, entry: Holding, name: str, type_: str, somebody: Somebody) -> Any:
    if name in ("app", "namespace"):
        return app.name
    if name in {place for _, place in entry.hashed}:
        return somebody.hash
    if name in {place for _, place in entry.subjects} or (
        type_ == "uuid" and name in ("session_id", "account_id", "id")
    ):
        return somebody.id(type_)
    if name == "org_tag":
        return TAG
    plain: dict[str, Any] = {
        "text": f"{somebody.mark}{name}" if name in entry.personal.split() else f"{name} {somebody.number:03}",
        "jsonb": json.dumps({"of": somebody.mark}),
        "uuid": str(uuid.uuid4()),
        "date": "2026-05-01",
        "timestamp with time zone": "2026-05-01",
        "boolean": True,
        "bytea": somebody.mark.encode(),
        "text[]": [],
    }
    if type_ in plain:
        return plain[type_]
    return somebody.number if any(word in type_ for word in ("int", "numeric", "double", "real")) else None


def _first(connection: Connection, enum: str) -> Any:
    """The first value of an enumeration."""
    (row,) = connection.execute(f"select enum_first(null::{enum})::text as value").fetchall()
    return row["value"]


def _objects(app: App, somebody: Somebody) -> Iterator[tuple[str, bytes]]:
    for entry in app.holdings:
        if entry.store == "r2" and entry.subjects:
            fields = [place.partition(".")[2] for _, place in entry.subjects if place.startswith("content.")]
            if not fields:
                if somebody.text not in (".", "..") and not {"/", "\\", "\t"} & set(somebody.text):
                    yield f"{entry.name}{somebody.text}/sessions/s/image.jpg", f"image {somebody.mark}".encode()
                continue
            line = json.dumps({**dict.fromkeys(fields, somebody.text), "says": somebody.mark}).encode()
            if entry.name.startswith("quarantine/"):
                raw = base64.b64encode(line).decode()
                line = json.dumps({"line": 1, "reason": "test", "field": "x", "raw": raw}).encode()
            yield f"{entry.name}2026/05/01/12/{somebody.number}.ndjson.gz", gzip.compress(line + b"\n")
    for policy in app.lifecycles:
        if policy.archive is not None:
            entry = app.holding(policy.store, policy.name)
            row: dict[str, Any] = {"says": somebody.mark}
            for _, place in entry.subjects:
                column, _, path = place.partition(".")
                row[column] = json.dumps({path: somebody.text}) if path else somebody.text
            if entry.subjects:
                folder = f"archive/{app.name}/{policy.table}/2026Q1/bucket"
                yield f"{folder}/part-{somebody.number}.jsonl.gz", gzip.compress(json.dumps(row).encode() + b"\n")


def _keys_of_ids(app: App, somebody: Somebody) -> Iterator[str]:
    templates = {family.name: family.key for family in families(app)}
    templates |= {key: key for aside in app.cache_aside for key in aside.keys}
    for name, template in templates.items():
        for _, place in app.holding("kv", name).subjects:
            key = keys.filled(template, {place.removeprefix("key."): somebody.text})
            yield from (key, f"{key}:page:2")


def _keys_of_rows(app: App, somebody: Somebody) -> Iterator[str]:
    if any(aside.table == "journal_entries" for aside in app.cache_aside):
        yield keys.filled("journal:{id}", {"id": f"id {somebody.number:03}"})
