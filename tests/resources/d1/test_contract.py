"""The contract of D1, for each of its rooms."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.d1 import D1, D1Error, Param, Statement

each_room = settings(max_examples=30, derandomize=True)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
values: st.SearchStrategy[Param] = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 0]),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    st.binary(max_size=50),
)


@each_room
@given(rows=st.lists(st.tuples(values, values), min_size=1, max_size=12))
def test_values_come_back_as_they_were_bound(d1: D1, rows: list[tuple[Param, Param]]) -> None:
    d1.batch(
        [
            Statement("drop table if exists t"),
            Statement("create table t (i integer primary key, a, b)"),
            *(Statement("insert into t values (?, ?3, ?2)", (i, b, a)) for i, (a, b) in enumerate(rows)),
        ]
    )

    assert [(row["a"], row["b"]) for row in d1.query("select a, b from t order by i")] == rows
    storage = [(row["a"], row["b"]) for row in d1.query("select typeof(a) as a, typeof(b) as b from t order by i")]
    assert storage == [(storage_of(a), storage_of(b)) for a, b in rows]


@each_room
@given(rows=st.lists(st.tuples(values, values), min_size=1, max_size=12))
def test_values_come_back_as_they_were_upserted(d1: D1, rows: list[tuple[Param, Param]]) -> None:
    d1.batch([Statement("drop table if exists t"), Statement("create table t (i integer primary key, a, b)")])
    d1.upsert("t", ["i", "a", "b"], [(i, *row) for i, row in enumerate(rows)], ["i"])

    assert [(row["a"], row["b"]) for row in d1.query("select a, b from t order by i")] == rows
    storage = [(row["a"], row["b"]) for row in d1.query("select typeof(a) as a, typeof(b) as b from t order by i")]
    assert storage == [(storage_of(a), storage_of(b)) for a, b in rows]


def storage_of(value: Param) -> str:
    return {int: "integer", float: "real", str: "text", bytes: "blob"}.get(type(value), "null")


@pytest.mark.parametrize(
    ("sql", "params", "answer"),
    [
        ("select ?2 as a, ?1 as b, ?2 as c", (1, "x"), {"a": "x", "b": 1, "c": "x"}),
        ("select '?' as a, ? as b -- what? :no", ("x",), {"a": "?", "b": "x"}),
        ('select "a?" as a, /* ? @no */ ? as b from (select 1 as "a?")', (2,), {"a": 1, "b": 2}),
        ("select ? as a; -- the end", (None,), {"a": None}),
        ("select ? as a, ? as b", (True, False), {"a": 1, "b": 0}),
        ("select 5 -? as a", (-3,), {"a": 8}),
        # A number has no affinity: compared with a text it stays a number, in a text column it becomes a text.
        ("select x = ? as a, x = ? as b from (select cast('05' as text) as x)", (5, "05"), {"a": 0, "b": 1}),
        ("with n(i) as (values (1), (2), (3)) select sum(i) as a from n where i < ?", (3,), {"a": 3}),
        ("select 9007199254740993 as a, x'00ff' as b, 'i5' as c, 1e300 as d, null as e", (),
         {"a": 2**53 + 1, "b": b"\0\xff", "c": "i5", "d": 1e300, "e": None}),
        ("with w(x) as (values (9223372036854775807)) select x as \"?\" from w limit ?", (1,), {"?": 2**63 - 1}),
        ("select count(*) as a from (select 1 where 1 = 0)", (), {"a": 0}),
    ],
)  # fmt: skip
def test_parameters_and_answers(d1: D1, sql: str, params: tuple[Param, ...], answer: dict[str, Any]) -> None:
    assert d1.query(sql, params) == [answer]


@pytest.mark.parametrize(
    ("sql", "params", "reason"),
    [
        ("select :name", (), ":name"),
        ("select @name", (), "@name"),
        ("select ?", (), "1 placeholders and 0 parameters"),
        ("select 1", (1,), "0 placeholders and 1 parameters"),
        ("", (), "no SQL"),
        ("-- nothing", (), "no SQL"),
        ("begin immediate", (), "BEGIN"),
        ("commit", (), "COMMIT"),
        ("savepoint a", (), "SAVEPOINT"),
        ("attach 'a' as a", (), "ATTACH"),
        ("vacuum", (), "VACUUM"),
        ("pragma user_version = 5", (), "PRAGMA user_version"),
        ("pragma main.page_count", (), "PRAGMA main"),
        ("pragma", (), "PRAGMA"),
        ("pragma foreign_keys = off", (), "always on"),
        ("create temp table x (a)", (), "temporary"),
        ("CREATE TEMPORARY VIEW x as select 1", (), "temporary"),
        (f"select {'+'.join('1' * 102)} as a", (), "too large"),
        (f"select json_array({', '.join('1' * 128)}) as a", (), "too many arguments"),
        ("select 1; select 2", (), "more than one"),
        (f"select {'1 + ' * 30_000} 1", (), "bytes"),
        (f"select {', '.join('?' * 101)}", tuple(range(101)), "101 parameters"),
        ("select ?101", tuple(range(101)), "101 parameters"),
        ("select ?", ("x" * 2_000_001,), "2,000,001 bytes"),
        ("select ?", (b"x" * 2_000_001,), "2,000,001 bytes"),
        ("select ?", (2**63,), "64 bits"),
        ("select ?", (float("nan"),), "finite"),
        ("select ?", (float("inf"),), "finite"),
        ("select ?", ("\ud800",), "UTF-8"),
        ("select ?", ("a\0b",), "NUL"),
        ("select ?", ((1,),), "tuple"),
        ("selec", (), "syntax error"),
        ("select * from missing", (), "no such table"),
        ("select 1 as a, 2 as a", (), "columns of one name in a result: a"),
        (f"select 'x' like '{'a' * 51}'", (), "LIKE or GLOB pattern too complex"),
        (" union ".join(f"select {i}" for i in range(6)), (), "too many terms in compound SELECT"),
        (f"select {', '.join(f'1 as c{i}' for i in range(101))}", (), "too many columns"),
    ],
)
def test_what_d1_refuses_is_refused(d1: D1, sql: str, params: Any, reason: str) -> None:
    with pytest.raises(D1Error) as refused:  # the reason is checked below
        d1.query(sql, params)
    assert reason in str(refused.value)
    assert refused.value.code


def test_the_schema_may_be_asked_for(d1: D1) -> None:
    d1.execute("create table t (id integer primary key, a text not null)")
    d1.execute("create index t_a on t (a)")
    assert [row["name"] for row in d1.query("pragma table_info(t)")] == ["id", "a"]
    assert [row["name"] for row in d1.query("pragma index_list('t')")] == ["t_a"]
    assert d1.query("pragma quick_check") == [{"quick_check": "ok"}]
    assert d1.query("pragma foreign_key_check") == []
    assert d1.query("pragma foreign_keys") == [{"foreign_keys": 1}]
    assert "t_a" in str(d1.query("explain query plan select * from t where a = ?", ("x",)))


def test_limits_hold_what_they_allow(d1: D1) -> None:
    row = d1.query(f"select {', '.join(f'? as c{i}' for i in range(100))}", list(range(100)))[0]
    assert list(row.values()) == list(range(100))
    blob = bytes(range(256)) * 7_800
    assert d1.query("select ? as b, length(?1) as n", (blob,)) == [{"b": blob, "n": len(blob)}]
    assert d1.query("select 'x' like ? as a", ("x" * 50,)) == [{"a": 0}]


def test_a_batch_is_all_or_nothing(d1: D1) -> None:
    d1.execute("create table t (id text primary key, n integer)")

    done = d1.batch([
        Statement("insert into t values (?, ?)", ("a", 1)),
        Statement("update t set n = n + 1"),
        Statement("select * from t"),
        Statement("insert into t values ('b', 5) returning n"),
    ])  # fmt: skip
    assert [result.changes for result in done] == [1, 1, 0, 1]
    assert [result.rows for result in done] == [[], [], [{"id": "a", "n": 2}], [{"n": 5}]]

    with pytest.raises(D1Error, match=r"UNIQUE constraint failed: t\.id"):
        d1.batch([Statement("insert into t values ('c', 1)"), Statement("insert into t values ('a', 1)")])
    with pytest.raises(D1Error, match="BEGIN"):
        d1.batch([Statement("insert into t values ('c', 1)"), Statement("begin")])
    assert d1.query("select group_concat(id) as ids from t") == [{"ids": "a,b"}]
    assert d1.batch([]) == []


def test_a_failed_statement_keeps_values_out_of_its_error(d1: D1) -> None:
    d1.execute("create table people (email text unique)")
    d1.execute("insert into people values (?)", ("someone@example.org",))
    with pytest.raises(D1Error) as refused:
        d1.execute("insert into people values (?)", ("someone@example.org",))
    assert "people.email" in str(refused.value)
    assert "someone" not in repr(refused.value)
    assert "someone" not in repr(Statement("select ?", ("someone@example.org",)))


def test_foreign_keys_hold(d1: D1) -> None:
    d1.batch([
        Statement("create table parents (id text primary key)"),
        Statement("create table children (id text primary key, parent text references parents on delete cascade)"),
    ])  # fmt: skip
    with pytest.raises(D1Error, match="FOREIGN KEY"):
        d1.execute("insert into children values ('c', 'nobody')")
    d1.batch([Statement("insert into parents values ('p')"), Statement("insert into children values ('c', 'p')")])
    d1.execute("delete from parents")
    assert d1.query("select * from children") == []


def test_changes_count_triggers_too(d1: D1) -> None:
    d1.batch([
        Statement("create table t (id integer primary key)"),
        Statement("create table log (id integer)"),
        Statement("create trigger t_log after insert on t begin insert into log values (new.id); end;"),
    ])  # fmt: skip
    assert d1.execute("insert into t values (1), (2)") == 4
    assert d1.execute("update t set id = id where id > 5") == 0


def test_upsert_inserts_updates_and_leaves_alone(d1: D1) -> None:
    d1.execute("create table t (a text, b integer, n, note text default 'kept', primary key (a, b))")

    assert d1.upsert("t", ["a", "b", "n"], [("x", 1, 10), ("x", 2, None)], ["a", "b"]) == 2
    assert d1.upsert("t", ["a", "b", "n"], [("x", 1, 10), ("x", 2, 20)], ["a", "b"], only_changed=True) == 1
    assert d1.upsert("t", ["a", "b", "n"], [("x", 1, 99), ("y", 1, 30)], ["a", "b"], update=[]) == 1
    assert d1.upsert("t", ["a", "b", "n", "note"], [("y", 1, 0, "new")], ["a", "b"], update=["note"]) == 1
    assert d1.upsert("t", ["a", "b", "n"], [("z", 1, 1), ("z", 1, 2)], ["a", "b"]) == 2
    assert d1.upsert("t", ["a", "b", "n"], [], ["a", "b"]) == 0

    rows = d1.query("select a, b, n, note from t order by a, b")
    assert [tuple(row.values()) for row in rows] == [
        ("x", 1, 10, "kept"),
        ("x", 2, 20, "kept"),
        ("y", 1, 30, "new"),
        ("z", 1, 2, "kept"),
    ]


def test_upsert_of_more_than_one_parameter_holds(d1: D1) -> None:
    d1.execute("create table t (id integer primary key, v text)")
    wide = "ü" * 300_000
    assert d1.upsert("t", ["id", "v"], ((i, wide + str(i)) for i in range(8)), ["id"]) == 8
    assert d1.query("select count(*) as n, sum(length(v)) as s from t") == [{"n": 8, "s": 8 * 300_001}]


@pytest.mark.parametrize(
    ("columns", "rows", "key", "update", "reason"),
    [
        (["id", "v"], [(1,)], ["id"], None, "a row of 1 values for 2 columns"),
        (["id", "v"], [(1, float("nan"))], ["id"], None, "upsert into t: v is not a finite number"),
        (["id", "v"], [(1, "a\0")], ["id"], None, "upsert into t: v is text with a NUL"),
        (["id", "v"], [(1, "x" * 1_999_990)], ["id"], None, "a row of"),
        (["id", "v"], [(1, 1)], ["key"], None, "key not among its columns"),
        (["id", "v"], [(1, 1)], [], None, "the key not among its columns"),
        (["id", "v"], [(1, 1)], ["id"], ["w"], "w not among its columns"),
        (["id", "id"], [(1, 1)], ["id"], None, "columns, some twice"),
        (["", "v"], [(1, 1)], [""], None, "is not a table's or column's name"),
    ],
)
def test_upsert_refuses(d1: D1, columns: Any, rows: Any, key: Any, update: Any, reason: str) -> None:
    d1.execute("create table t (id integer primary key, v)")
    with pytest.raises(D1Error) as refused:
        d1.upsert("t", columns, rows, key, update)
    assert reason in str(refused.value)
    assert d1.query("select * from t") == []


@pytest.mark.parametrize("page", [1, 7, 20, 1000])
def test_stream_gives_every_row_once_in_order_of_its_key(d1: D1, page: int) -> None:
    d1.execute('create table "odd name" (a text, b integer, v blob, primary key (a, b))')
    rows = [(f"k{i % 3}", 2**60 + i, bytes([i])) for i in range(20)]
    d1.upsert("odd name", ["a", "b", "v"], rows, ["a", "b"])

    pages = list(d1.stream('select * from "odd name"', ["a", "b"], page=page))
    assert [tuple(row.values()) for rows in pages for row in rows] == sorted(rows)
    assert all(len(rows) <= page for rows in pages)


def test_stream_of_a_select_of_some_columns_from_a_place_on(d1: D1) -> None:
    d1.execute("create table t (id integer primary key, a, b)")
    d1.upsert("t", ["id", "a", "b"], [(i, i % 2, f"v{i}") for i in range(10)], ["id"])

    odd = "select id, a, b from t where a = ? -- the odd ones"
    pages = list(d1.stream(odd, "id", ["id", "b"], page=2, params=(1,), after=(1,)))
    assert pages == [[{"id": 3, "b": "v3"}, {"id": 5, "b": "v5"}], [{"id": 7, "b": "v7"}, {"id": 9, "b": "v9"}]]
    assert list(d1.stream("t", "id", page=5, after=(9,))) == []
    assert sum(map(len, d1.stream("t", "id", page=3))) == 10


def test_stream_refuses_what_is_no_key(d1: D1) -> None:
    d1.execute("create table t (id integer primary key, a)")
    d1.upsert("t", ["id", "a"], [(i, None) for i in range(10)], ["id"])
    with pytest.raises(D1Error, match="is not a key"):
        list(d1.stream("t", "a", page=5))
    with pytest.raises(D1Error, match="must be among the columns"):
        list(d1.stream("t", "id", ["a"]))
    with pytest.raises(D1Error, match="at least one row"):
        list(d1.stream("t", "id", page=0))


def test_its_size_is_that_of_the_whole_database(d1: D1) -> None:
    d1.batch([Statement("drop table if exists sized"), Statement("create table sized (b blob)")])
    before = d1.size()
    d1.execute("insert into sized select randomblob(1000000)")
    # Pages that were free already are not counted twice.
    assert 900_000 < d1.size() - before < 1_100_000
    d1.execute("drop table sized")
