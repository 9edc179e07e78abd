"""Dumps: each statement is one that D1 takes, also of rows that are far longer than a statement may be."""

import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.d1 import D1, EmbeddedD1, Statement
from resources.d1.limits import MAX_SQL_BYTES
from resources.migrations.d1 import split

SCHEMA = (
    "create table parents (id text primary key, note text not null check (json_valid(note)), b blob)",
    "create table pieces (n integer primary key autoincrement, parent text references parents (id)) ",
    'create table "odd "" name VALUES(" (id text primary key, "a,b" text, n real) without rowid',
    "create index by_note on parents (note)",
    "create trigger counted after insert on parents begin insert into pieces (parent) values (new.id); end",
    "create view both as select parents.id, pieces.n from parents join pieces on pieces.parent = parents.id",
)
TABLES = ("parents", "pieces", '"odd "" name VALUES("')
long_texts = st.tuples(
    st.sampled_from(["x", "'", "''", "ü", "\U0001f680", "\n", "a;b--", '"', "X'", "',"]), st.integers(1, 90_000)
).map(lambda drawn: (drawn[0] * drawn[1])[:400_000])
blobs = st.tuples(st.binary(min_size=1, max_size=9), st.integers(1, 60_000)).map(lambda drawn: drawn[0] * drawn[1])


def filled(path: Path, rows: list[tuple[str, bytes | None]]) -> EmbeddedD1:
    database = EmbeddedD1(path)
    database.batch([Statement(sql) for sql in SCHEMA])
    for number, (text, blob) in enumerate(rows):
        note = f'"{"".join(f"{ord(c):06x}" for c in text[:60_000])}"'
        database.execute("insert into parents (id, note, b) values (?, ?, ?)", (f"p{number}", note, blob))
        database.execute('insert into "odd "" name VALUES(" values (?, ?, ?)', (f"'{number}", text, number / 7))
    return database


def dumped(database: D1) -> list[str]:
    out = io.BytesIO()
    database.export(out)
    statements = split(out.getvalue().decode())
    assert max(len(statement.encode()) for statement in statements) <= MAX_SQL_BYTES
    return statements


def contents(database: D1) -> list[list[tuple[object, ...]]]:
    return [[tuple(row.values()) for row in database.query(f"select * from {table} order by 1")] for table in TABLES]


@pytest.fixture
def restored_into(tmp_path: Path) -> Iterator[EmbeddedD1]:
    """An empty database with D1's limits."""
    with closing(EmbeddedD1(tmp_path / "restored.sqlite")) as database:
        yield database


@settings(max_examples=12)
@given(rows=st.lists(st.tuples(long_texts, st.none() | blobs), min_size=1, max_size=3))
def test_what_is_written_is_read_again_whatever_its_length(
    rows: list[tuple[str, bytes | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("dump")
    with closing(filled(folder / "d1.sqlite", rows)) as database, closing(EmbeddedD1(folder / "new.sqlite")) as new:
        new.batch([Statement(statement) for statement in dumped(database)])
        assert contents(new) == contents(database)
        assert new.query("select count(*) as n from both") == [{"n": len(rows)}]
        names = "select name, sql from sqlite_master where name not like 'sqlite_%' order by name"
        assert [row["name"] for row in new.query(names)] == [row["name"] for row in database.query(names)]


def test_a_row_of_2_mb_and_one_of_many_columns(tmp_path: Path, restored_into: EmbeddedD1) -> None:
    with closing(EmbeddedD1(tmp_path / "d1.sqlite")) as database:
        columns = ", ".join(f"c{number}" for number in range(100))
        database.execute(f"create table wide ({columns})")
        database.execute("create table long (id integer primary key, v)")
        database.upsert("long", ["id", "v"], [(1, "'" * 990_000), (2, bytes(990_000))], ["id"])
        values = [f"{number}'" * 2_000 for number in range(100)]
        database.execute(f"insert into wide values ({', '.join('?' * 100)})", values)
        restored_into.batch([Statement(statement) for statement in dumped(database)])
        assert restored_into.query("select * from long order by id") == database.query("select * from long order by id")
        assert restored_into.query("select * from wide") == database.query("select * from wide")


def test_sqlite_itself_reads_a_dump_with_a_long_row(tmp_path: Path) -> None:
    with closing(filled(tmp_path / "d1.sqlite", [("'ü" * 70_000, b"\0\xff" * 60_000)])) as database:
        out = io.BytesIO()
        database.export(out)
        with closing(sqlite3.connect(":memory:")) as plain:
            plain.executescript(out.getvalue().decode())
            assert plain.execute("select note, b from parents").fetchone() == tuple(
                database.query("select note, b from parents")[0].values()
            )


@pytest.mark.parametrize("d1", [pytest.param("workerd", marks=pytest.mark.xdist_group("workerd"))], indirect=True)
def test_cloudflare_s_runtime_takes_a_dump(d1: D1, tmp_path: Path) -> None:
    with closing(filled(tmp_path / "d1.sqlite", [("'ü;" * 40_000, b"\0\xff" * 60_000), ("short", None)])) as database:
        d1.batch([Statement(statement) for statement in dumped(database)])
        assert contents(d1) == contents(database)
        d1.execute("drop view both")
