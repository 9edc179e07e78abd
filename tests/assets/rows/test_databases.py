"""Rows of D1 and Postgres, with any values: read and put exactly, patched and deleted by key."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.rows.columns import ColumnKind, RowColumn
from assets.rows.d1 import D1Source, D1Table, D1Target, columns_of
from assets.rows.lines import decode, encode, value_text
from assets.rows.postgres import PostgresSource, PostgresTable, PostgresTarget
from assets.rows.source import RowsChangedError, Source
from assets.rows.target import Target
from resources.cloudflare import RATE, api_session
from resources.d1 import CloudflareD1, EmbeddedD1, Param
from resources.pacing import Pacing
from resources.postgres import Postgres
from tests.assets.archive.archive_stores import QUARTER
from tests.standin.cloudflare import ACCOUNT, DATABASE, TOKEN, Cloudflare
from tests.standin.waits import Waits

AT = "2026-02-03T04:05:06.007Z"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
VALUES = (
    st.none()
    | TEXTS
    | st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=9)
    | st.floats(allow_nan=False, allow_infinity=False)
)
THINGS = D1Table("things", ("id",), "at")
PUBLIC_THINGS = PostgresTable("public.things", ("id",), "at")
ANY_D1 = 'create table things (id text primary key not null, at text not null, "any ü", n integer, r real, b blob)'
ANY_POSTGRES = """
create table things (
    id bigint generated always as identity primary key, at timestamptz not null, t text, n numeric, d numeric(20, 6),
    i integer, o boolean, f double precision, j jsonb, k json, b bytea, x text[], y date, u uuid, v interval,
    doubled bigint generated always as (2 * i::bigint) stored
)
"""


def carried(source: Source, target: Target, restores: int = 2) -> int:
    """Everything of the quarter through lines into the target, again and again; how many rows were added at first."""
    columns = source.columns
    lines = [encode(f, columns) for s in source.slices(QUARTER.window) for f in source.read(s)]
    source.close()
    added = [target.put([decode(part, columns) for part in lines], columns) for _ in range(restores)]
    assert added[1:] == [0] * (restores - 1)
    return int(added[0])


def exactly(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{name: repr(value) for name, value in row.items()} for row in rows]


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(VALUES, VALUES, VALUES, VALUES), max_size=6))
def test_rows_of_d1_keep_every_value_and_its_type(rows: list[tuple[Any, ...]], tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "any.sqlite")
    for name in ("things", "things_restored"):
        d1.execute(f"drop table if exists {name}")
    d1.execute(ANY_D1)
    for number, row in enumerate(rows):
        d1.execute("insert into things values (?, ?, ?, ?, ?, ?)", (f"id {number}", AT, *row))
    every = 'select *, typeof("any ü") t1, typeof(n) t2, typeof(r) t3, typeof(b) t4 from {} order by id'
    before = exactly(d1.query(every.format("things")))

    def opened() -> D1Source:
        return D1Source(d1, THINGS, QUARTER.window)

    assert carried(opened(), D1Target(d1, THINGS, "side")) == len(rows)
    if rows:
        assert exactly(d1.query(every.format("things_restored"))) == before
    source = opened()
    lines = [encode(f, source.columns) for s in source.slices(QUARTER.window) for f in source.read(s)]
    d1.execute("delete from things")
    live = D1Target(d1, THINGS, "live")
    for part in lines:
        live.put([decode(part, source.columns)], source.columns)
    assert exactly(d1.query(every.format("things"))) == before
    d1.close()


def test_what_d1_answers_over_http_is_as_exact(tmp_path: Path) -> None:
    waits = Waits(0.0)
    api = Cloudflare(tmp_path / "cloudflare", waits.clock)
    pacing = Pacing(RATE, clock=waits.clock, sleep=waits.sleep)
    session = api_session(TOKEN, pacing, clock=waits.clock, sleep=waits.sleep, jitter=lambda: 0.5)
    with api.loopback:
        d1 = CloudflareD1(session, ACCOUNT, DATABASE, api=api.api)
        d1.execute(ANY_D1)
        rows: list[tuple[Param, ...]] = [
            (1, 1.0, "1", b"1"),
            (2**63 - 1, 2.0**63, "", b""),
            (None, -0.5, "ü\n", None),
            (-(2**53) - 1, 1e16, 5, 6),
        ]
        for number, row in enumerate(rows):
            d1.execute("insert into things values (?, ?, ?, ?, ?, ?)", (f"id {number}", AT, *row))
        source = D1Source(d1, THINGS, QUARTER.window)
        assert carried(source, D1Target(d1, THINGS, "side")) == len(rows)
        every = 'select typeof("any ü") || typeof(n) || typeof(r) || typeof(b) as types, * from {} order by id'
        assert exactly(d1.query(every.format("things_restored"))) == exactly(d1.query(every.format("things")))
        d1.close()
        session.close()
    api.close()


@pytest.fixture
def things(postgres: Postgres) -> Postgres:
    postgres.execute(ANY_POSTGRES)
    return postgres


def test_rows_of_postgres_keep_every_value_of_every_type(things: Postgres) -> None:
    things.execute(
        r"""
        insert into things (at, t, n, d, i, o, f, j, k, b, x, y, u, v) values
        ('2026-02-03 04:05:06.789012+02', 'ü 😀 "\ ' || chr(10), 'NaN', 1.500000, -2147483648, true, 'NaN', 'null',
         '{"b": 1,  "a": [1e400]}', '\x00ff0a', array['a', null, '', '"{}"'], '0044-03-15 BC',
         'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '1 mon -3 days 04:05:06.5'),
        ('2026-02-03 04:05:06+00', '', 12345678901234567890123456789.123456789, -0.000001, 7, false, '-Infinity',
         '{"a": null, "n": 1.10}', '[]', '', '{}', 'infinity', null, null),
        ('2026-03-31 23:59:59.999999+00', null, null, null, null, null, null, null, null, null, null, null, null, null),
        ('2026-02-01 00:00:00+00', null, 'Infinity', 0, 0, null, 5e-324, '"x"', 'true', null, null, null, null, null),
        ('2026-04-01 00:00:00+00', 'another quarter', 1, 1, 1, true, 1, '1', '1', '', '{}', null, null, null)
        """
    )
    every = "select id, {}::text as row from {} things where at < '2026-04-01' order by id"
    before = things.fetch(every.format("things", ""), ())

    def opened() -> PostgresSource:
        return PostgresSource(things, PUBLIC_THINGS)

    assert carried(opened(), PostgresTarget(things, PUBLIC_THINGS, "side")) == 4
    assert things.fetch(every.format("things", "restored.public_things"), ()) == before
    source = opened()
    frames = [f for s in source.slices(QUARTER.window) for f in source.read(s)]
    source.close()
    things.execute("delete from things")
    target = PostgresTarget(things, PUBLIC_THINGS, "live")
    assert target.put([decode(encode(f, source.columns), source.columns) for f in frames], source.columns) == 4
    assert things.fetch(every.format("things", ""), ()) == before


def test_a_table_that_lost_a_column_says_so(things: Postgres) -> None:
    things.execute("insert into things (at, t) values ('2026-02-03', 'x')")
    source = PostgresSource(things, PUBLIC_THINGS)
    frames = [f for s in source.slices(QUARTER.window) for f in source.read(s)]
    source.close()
    things.execute("alter table things drop column t")
    with pytest.raises(ValueError, match=r"public\.things no longer has these columns of the rows: t"):
        PostgresTarget(things, PUBLIC_THINGS, "live").put(frames, source.columns)


def test_rows_of_d1_that_go_while_they_are_read_are_an_error(tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "any.sqlite")
    d1.execute(ANY_D1)
    d1.execute("insert into things (id, at) values ('a', ?), ('b', ?)", (AT, AT))
    source = D1Source(d1, THINGS, QUARTER.window)
    (slice_,) = source.slices(QUARTER.window)
    d1.execute("delete from things where id = 'b'")
    with pytest.raises(RowsChangedError, match="things: rows came or went while 1 of them were read"):
        list(source.read(slice_))
    d1.close()


@settings(max_examples=20)
@given(rows=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6), other=VALUES)
def test_rows_of_d1_are_patched_and_deleted_by_their_key(
    rows: list[tuple[Any, Any]], other: Any, tmp_path: Path
) -> None:
    d1 = EmbeddedD1(tmp_path / "any.sqlite")
    d1.execute("drop table if exists things")
    d1.execute(ANY_D1)
    for number, row in enumerate(rows):
        d1.execute("insert into things (id, at, n, b) values (?, ?, ?, ?)", (f"id {number}", AT, *row))
    columns = tuple(column for column in columns_of(d1, "things") if column.name in ("id", "n", "b"))
    target = D1Target(d1, THINGS, "live")
    texts = [[value_text(value) for value in (key, other, b"\0")] for key in ("id 0", "unknown")]
    frame = pl.DataFrame(texts, schema=["id", "n", "b"], orient="row", schema_overrides=dict.fromkeys("nb", pl.String))

    assert target.patch([frame], columns) == 1
    every = "select id, n, typeof(n) as t, b from things order by id"
    (first, *rest) = exactly(d1.query(every))
    d1.execute("update things set n = ?, b = ? where id = 'id 0'", (other, b"\0"))
    assert exactly(d1.query(every)) == [first, *rest]
    assert [row["id"] for row in rest] == [repr(f"id {number}") for number in range(1, len(rows))]
    assert target.delete([frame.select("id")]) == 1
    assert exactly(d1.query(every)) == rest
    d1.close()


def test_rows_of_postgres_are_patched_and_deleted_by_their_key(things: Postgres) -> None:
    things.execute("insert into things (at, t, n) select '2026-02-03', 'x' || k, 1 from generate_series(1, 3) k")
    target = PostgresTarget(things, PUBLIC_THINGS, "live")
    columns = (RowColumn("id", ColumnKind.INTEGER, "bigint"), RowColumn("n", ColumnKind.TEXT, "numeric"))
    frame = pl.DataFrame({"id": [1, 3, 9], "n": ["1.50", None, "2"]})

    assert target.patch([frame], columns) == 2
    assert things.fetch("select id, n::text, t from things order by id") == [
        {"id": 1, "n": "1.50", "t": "x1"},
        {"id": 2, "n": "1", "t": "x2"},
        {"id": 3, "n": None, "t": "x3"},
    ]
    assert target.delete([frame.select("id")]) == 2
    assert things.fetch("select id from things") == [{"id": 2}]


def test_rows_of_another_app_in_a_shared_table_are_never_seen(postgres: Postgres) -> None:
    postgres.execute("create table shared (app text, id integer, at timestamptz, n integer, primary key (app, id))")
    postgres.execute(
        "insert into shared select app, id, '2026-02-03', 1"
        " from unnest(array['one', 'two']) app, generate_series(1, 3) id"
    )
    own = PostgresTable("public.shared", ("id",), "at", {"app": "one"})
    source = PostgresSource(postgres, own)
    assert [column.name for column in source.columns] == ["id", "at", "n"]
    (frame,) = (frame for slice_ in source.slices(QUARTER.window) for frame in source.read(slice_))
    source.close()
    assert frame.height == 3
    target = PostgresTarget(postgres, own, "live")
    columns = source.columns
    assert target.patch([frame.with_columns(n=pl.lit(2, pl.Int64))], columns) == 3
    assert target.delete([frame.head(2)]) == 2
    left = "select app, count(*) as n, min(n) as least, max(n) as most from shared group by app order by app"
    assert postgres.fetch(left) == [
        {"app": "one", "n": 1, "least": 2, "most": 2},
        {"app": "two", "n": 3, "least": 1, "most": 1},
    ]
