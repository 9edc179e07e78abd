"""A D1 with all that makes a copy of one hard, random transactions on it, and what it holds, to compare.

Keys that change, NOCASE, WITHOUT ROWID, cascades, references to the same table, generated columns, unique columns that
OR REPLACE pushes rows out by, a trigger that changes a row once more, full-text search, and values of every kind.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

from resources.d1 import D1, D1Error, Statement
from resources.migrations.d1 import split

SCHEMA = """
create table people (
    id integer primary key autoincrement, email text unique collate nocase, note,
    boss integer references people (id) on delete set null, score real, twice generated always as (score * 2) virtual
);
create table orders (
    code text primary key collate nocase not null,
    person integer not null references people (id) on delete cascade on update cascade,
    payload, unique (person, payload)
);
create table lines (
    code text not null references Orders (code) on delete cascade on update cascade,
    n integer not null, amount, primary key (code, n)
) without rowid;
create table texts (id integer primary key, body text not null);
create unique index one_note on people (note, score) where note > 'm';
create virtual table found using fts5 (body, content = 'texts', content_rowid = 'id');
create trigger found_in after insert on texts begin
    insert into found (rowid, body) values (new.id, new.body);
end;
create trigger found_out after delete on texts begin
    insert into found (found, rowid, body) values ('delete', old.id, old.body);
end;
create trigger found_new after update on texts begin
    insert into found (found, rowid, body) values ('delete', old.id, old.body);
    insert into found (rowid, body) values (new.id, new.body);
end;
create trigger touched after update of score on people begin
    update people set note = coalesce(note, '') || '+' where id = new.id and typeof(note) <> 'blob';
end;
create view rich as select * from people where score > 1;
"""
TABLES = {
    "people": ("id", "email", "note", "boss", "score", "twice"),
    "orders": ("code", "person", "payload"),
    "lines": ("code", "n", "amount"),
    "texts": ("id", "body"),
}
# fmt: off
VALUES = (
    "null", "0", "1", "1.0", "-1", "9223372036854775807", "-9223372036854775808", "9007199254740993", "0.1 + 0.2",
    "5e-324", "1.7976931348623157e308", "9e999", "-9e999", "-0.0", "''", "'a'", "'A'", "'it''s \"quoted\"'",
    "'[1],null]'", "'{\"x\": 1}'", "'tab' || char(9) || 'line' || char(10) || char(13)", "'ä€😀\\'",
    "'before' || char(0) || 'after'", "cast(x'ff41fe' as text)", "x''", "x'00ff0a'", "zeroblob(20)", "'zz'", "'zy'",
)
# fmt: on
WORDS = ("lamp", "chair", "table", "Ärger", "t-shirt")


def make(d1: D1) -> None:
    """Make the tables."""
    d1.batch([Statement(text) for text in split(SCHEMA)])


class Shopkeeper:
    """Random transactions, each of one to four statements. Some are refused, which changes nothing."""

    def __init__(self, d1: D1, seed: int) -> None:
        self._d1 = d1
        self._chance = random.Random(seed)

    def trade(self) -> None:
        """One transaction."""
        statements = [Statement(self._statement()) for _ in range(self._chance.randint(1, 4))]
        try:
            self._d1.batch(statements)
        except D1Error as error:
            if "constraint failed" not in error.message:
                raise

    def _statement(self) -> str:
        choices: list[Callable[[], str]] = [
            *[self._person] * 3, *[self._order] * 2, self._line, *[self._text] * 2, self._changes, self._changes,
            self._deletes,
        ]  # fmt: skip
        return self._chance.choice(choices)()

    def _value(self) -> str:
        return self._chance.choice(VALUES)

    def _conflict(self) -> str:
        return self._chance.choice(["", "", "or replace", "or ignore", "or replace"])

    def _id(self) -> int:
        return self._chance.randint(1, 12)

    def _email(self) -> str:
        return self._chance.choice(["'a@x'", "'A@X'", "'b@x'", "'c@x'", "null"])

    def _person(self) -> str:
        insert = f"insert {self._conflict()} into people"
        chosen = self._chance.random()
        if chosen < 0.4:
            return f"{insert} (email, note, score) values ({self._email()}, {self._value()}, {self._value()})"
        if chosen < 0.7:
            boss = f"(select max(id) from people where id <> {self._id()})"
            return f"{insert} (id, email, note, boss) values ({self._id()}, {self._email()}, {self._value()}, {boss})"
        return (
            f"insert into people (email, note) values ({self._email()}, {self._value()}), "
            f"({self._email()}, {self._value()}) on conflict (email) do update set note = excluded.note, score = 2"
        )

    def _order(self) -> str:
        code = self._chance.choice(["'o1'", "'O1'", "'o2'", "'[\"o\"]'", "'o' || char(0)", "cast(x'ff' as text)"])
        person = f"(select id from people order by id limit 1 offset {self._id() // 3})"
        return f"insert {self._conflict()} into orders values ({code}, {person}, {self._value()})"

    def _line(self) -> str:
        code = f"(select code from orders order by code limit 1 offset {self._id() // 4})"
        return f"insert {self._conflict()} into lines values ({code}, {self._id()}, {self._value()})"

    def _text(self) -> str:
        body = " ".join(self._chance.choices(WORDS, k=3))
        upsert = "on conflict (id) do update set body = excluded.body"
        return f"insert into texts values ({self._id()}, '{body}') {upsert}"

    def _changes(self) -> str:
        conflict = self._conflict()
        return self._chance.choice(
            [
                f"update people set score = score + 1 where id > {self._id()}",
                f"update {conflict} people set email = {self._email()} where id = {self._id()}",
                f"update {conflict} people set id = {self._id()} + 20 where id = {self._id()}",
                f"update {conflict} people set note = {self._value()}, score = 3 where id < {self._id()}",
                f"update {conflict} orders set code = upper(code), payload = {self._value()}",
                f"update {conflict} orders set code = 'new' where code = 'o1'",
                f"update {conflict} lines set n = n + {self._id()}",
                f"update texts set body = body || ' more' where id < {self._id()}",
                f"update texts set id = id + 100 where id = {self._id()}",
            ]
        )

    def _deletes(self) -> str:
        return self._chance.choice(
            [
                f"delete from people where id = {self._id()}",
                "delete from people where id in (select id from people order by id desc limit 2)",
                f"delete from orders where person = {self._id()}",
                f"delete from texts where id = {self._id()}",
            ]
        )


def held(d1: D1) -> dict[str, Any]:
    """All rows, exact to the type, and the answers of the full-text search."""
    found: dict[str, Any] = {}
    for table, columns in TABLES.items():
        shown = ", ".join(
            f"typeof({c}) || ':' || case typeof({c}) when 'real' then quote({c}) else hex(cast({c} as blob)) end as {c}"
            for c in columns
        )
        rows = [tuple(map(_exact, row.values())) for row in d1.query(f"select {shown} from {table}")]
        found[table] = sorted(rows, key=repr)
    for word in WORDS[:3]:
        rows_of = d1.query(f"select rowid as id from found where found match '\"{word}\"' order by rowid")
        found[word] = [row["id"] for row in rows_of]
    return found


def _exact(text: str | None) -> object:
    """A value by its type; versions of SQLite write reals with more or fewer digits."""
    if text is None:
        return None
    kind, value = text.split(":", 1)
    return (kind, float(value)) if kind == "real" else (kind, value)


class Between:
    """A D1 in which something happens before each reading, as if somebody wrote at that moment."""

    def __init__(self, d1: D1, happens: Callable[[], None]) -> None:
        self._d1 = d1
        self._happens = happens

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        self._happens()
        return self._d1.query(sql, params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._d1, name)
