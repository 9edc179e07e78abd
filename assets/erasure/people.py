"""Where the ids of people stand in live rows: the tables of D1, of an app's own Postgres, and the lake, alike.

What belongs here: reading ids, addresses and other columns of the rows of a person. What does not: whose ids they are
(identify.py).
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl
from psycopg.sql import SQL, Identifier

from assets.apps import App
from assets.apps.personal import Holding, Person, Subject
from assets.erasure import d1_rows, postgres_rows
from assets.erasure.d1_rows import LOGS
from assets.lake_tables import lake_tables
from assets.rooms import Rooms
from resources.d1 import D1
from resources.d1.names import balanced, quoted
from resources.lake import LakeTable
from resources.postgres import Postgres
from resources.postgres.copy import identifier
from resources.sql_files import read_sql

Row = dict[str, Any]
PAGE = 5_000


class People(Protocol):
    """A table whose rows name people."""

    @property
    def name(self) -> str:
        """The table's."""

    @property
    def entry(self) -> Holding:
        """The registry's."""

    def rows(self, ids: Mapping[Person, Collection[str]], columns: Sequence[str] = ()) -> list[Row]:
        """The columns of ids, and further ones, of the rows that name one of these people; each combination once."""

    def named(self, column: str, values: Collection[str], columns: Sequence[str]) -> list[Row]:
        """The columns of ids, and further ones, of the rows that have one of these texts in a column."""

    def addresses(self) -> Iterator[Row]:
        """The columns of ids and of e-mail addresses of all rows."""


def places(entry: Holding) -> list[Subject]:
    """The columns of ids. One that holds ids of several kinds does not say which kind of person an id is."""
    columns = [place for _, place in entry.subjects]
    return [(kind, place) for kind, place in entry.subjects if "." not in place and columns.count(place) == 1]


@dataclass(frozen=True)
class D1People:
    """A table of D1."""

    d1: D1
    name: str
    entry: Holding
    within: frozenset[str] = frozenset()

    def rows(self, ids: Mapping[Person, Collection[str]], columns: Sequence[str] = ()) -> list[Row]:
        """See People.rows."""
        wanted = {kind: frozenset(of) for kind, of in ids.items()}
        where = d1_rows.condition(places(self.entry), wanted, self.entry.organisation, self.within)
        if where is None:
            return []
        return self.d1.query(
            f"select distinct {self._texts(columns)} from {quoted(self.name)} where {where[0]}", where[1]
        )

    def named(self, column: str, values: Collection[str], columns: Sequence[str]) -> list[Row]:
        """See People.named."""
        where = d1_rows.limited(
            f"cast({quoted(column)} as text) in (select value from json_each(?1))",
            [json.dumps(sorted(values))],
            self.entry.organisation,
            self.within,
        )
        assert where is not None, "tables that say whose a row is are asked alone"
        return self.d1.query(f"select {self._texts(columns)} from {quoted(self.name)} where {where[0]}", where[1])

    def addresses(self) -> Iterator[Row]:
        """See People.addresses."""
        emails = self.entry.emails.split()
        having = balanced([f"{quoted(name)} <> ''" for name in emails], "or")
        of = self.entry.organisation
        source = f"select rowid as n, {self._texts([*emails, *([of] if of else [])])} from {quoted(self.name)}"
        for page in self.d1.stream(f"{source} where {having}", "n", page=1_000):
            yield from (row for row in page if not self.within or row[of] in self.within)

    def _texts(self, columns: Sequence[str]) -> str:
        names = dict.fromkeys([*(place for _, place in places(self.entry)), *columns])
        return ", ".join(f"cast({quoted(name)} as text) as {quoted(name)}" for name in names)


@dataclass(frozen=True)
class PostgresPeople:
    """A table of an app's own Postgres."""

    postgres: Postgres
    name: str
    entry: Holding

    def rows(self, ids: Mapping[Person, Collection[str]], columns: Sequence[str] = ()) -> list[Row]:
        """See People.rows."""
        wanted = {kind: frozenset(of_kind) for kind, of_kind in ids.items()}
        where = postgres_rows.owned_by(places(self.entry), wanted)
        if where is None:
            return []
        statement = SQL("select distinct {} from {} where {}").format(
            self._texts(columns), identifier(self.name), where
        )
        with self.postgres.connection() as connection:
            return connection.execute(statement, {kind: sorted(of) for kind, of in wanted.items()}).fetchall()

    def named(self, column: str, values: Collection[str], columns: Sequence[str]) -> list[Row]:
        """See People.named."""
        statement = SQL("select {} from {} where {}::text = any(%(values)s::text[])").format(
            self._texts(columns), identifier(self.name), Identifier(column)
        )
        with self.postgres.connection() as connection:
            return connection.execute(statement, {"values": sorted(values)}).fetchall()

    def addresses(self) -> Iterator[Row]:
        """See People.addresses."""
        statement = SQL("select {} from {}").format(self._texts(self.entry.emails.split()), identifier(self.name))
        with self.postgres.connection(one_moment=True) as connection, connection.cursor("addresses") as cursor:
            cursor.itersize = PAGE
            yield from cursor.execute(statement)

    def _texts(self, columns: Sequence[str]) -> Any:
        names = dict.fromkeys([*(place for _, place in places(self.entry)), *columns])
        return SQL(", ").join(SQL("{name}::text as {name}").format(name=Identifier(name)) for name in names)


@dataclass(frozen=True)
class LakePeople:
    """A table of the lake."""

    table: LakeTable
    name: str
    entry: Holding
    within: frozenset[str] = frozenset()

    def rows(self, ids: Mapping[Person, Collection[str]], columns: Sequence[str] = ()) -> list[Row]:
        """See People.rows."""
        own = places(self.entry)
        named = [pl.col(place).is_in(sorted(ids[kind])) for kind, place in own if ids.get(kind)]
        if not named:
            return []
        names = list(dict.fromkeys([*(place for _, place in own), *columns]))
        found = self._scan().filter(pl.any_horizontal(named)).select(names).unique()
        return found.collect(engine="streaming").to_dicts()

    def named(self, column: str, values: Collection[str], columns: Sequence[str]) -> list[Row]:
        """See People.named."""
        names = list(dict.fromkeys([*(place for _, place in places(self.entry)), *columns]))
        found = self._scan().filter(pl.col(column).is_in(sorted(values))).select(names)
        return found.collect(engine="streaming").to_dicts()

    def addresses(self) -> Iterator[Row]:
        """See People.addresses: no table of the lake holds any as a column."""
        yield from ()

    def _scan(self) -> pl.LazyFrame:
        rows = self.table.scan()
        return rows.filter(pl.col(self.entry.organisation).is_in(sorted(self.within))) if self.within else rows


def tables_of(rooms: Rooms, app: App, within: frozenset[str] = frozenset()) -> list[People]:
    """All tables whose rows are of people, by an id in a column.

    within: the names of an organisation; then only its rows, of tables of D1 and the lake that say whose a row is.
    """
    found: list[People] = []
    if app.d1_migrations is not None:
        d1 = rooms.d1(app)
        for shape, entry in d1_rows.tables_of(d1, app):
            if shape.name not in LOGS and places(entry) and (entry.organisation or not within):
                found.append(D1People(d1, shape.name, entry, within))
    if app.postgres_migrations is not None and not within:
        postgres = rooms.app_postgres(app)
        there = postgres_rows.shapes(postgres)
        found += [
            PostgresPeople(postgres, entry.name, entry)
            for entry in app.personal
            if entry.store == "app_postgres" and entry.name in there and places(entry)
        ]
    found += [
        LakePeople(rooms.lake.table(table.spec), table.title, table.holding, within)
        for table in lake_tables(app)
        if places(table.holding)
    ]
    return found


def organisation_names(rooms: Rooms, app: App, given: str) -> frozenset[str]:
    """The id and the tags of the organisation that has this id or tag; empty where none has."""
    if app.d1_migrations is None:
        return frozenset()
    d1 = rooms.d1(app)
    pairs: set[tuple[str, str]] = set()
    if app.ad_accounts is not None and app.ad_accounts.rules is not None:
        pairs = {(row["org_id"], row["org_tag"]) for row in d1.query(read_sql(app.ad_accounts.rules))}
    ids = {id_ for id_, tag in pairs if given in (id_, tag)}
    for shape, entry in d1_rows.tables_of(d1, app):
        if entry.organisation in shape.key:
            column = quoted(entry.organisation)
            rows = d1.query(
                f"select {column} as id from {quoted(shape.name)} where {column} in (select value from json_each(?1))",
                [json.dumps([given])],
            )
            ids |= {row["id"] for row in rows}
    return frozenset(ids) | {tag for id_, tag in pairs if id_ in ids}
