"""What follows from a schema: keys, references, and the order in which tables take rows."""

import pytest

from resources.d1.schema import Schema, SchemaError, SchemaObject


def schema(*statements: str) -> Schema:
    objects = []
    for text in statements:
        words = text.replace("(", " (").split()
        name = words[3] if words[1] in ("virtual", "unique") else words[2]
        objects.append(SchemaObject(words[2] if words[1] == "unique" else "table", name, name, text))
    return Schema(tuple(objects))


def test_tables_come_after_those_that_they_refer_to_and_circles_together() -> None:
    found = schema(
        "create table line (id integer primary key, o references Orders (id))",
        "create table orders (id integer primary key, p references people (id))",
        "create table people (id integer primary key, boss references people (id), team references teams (id))",
        "create table teams (id integer primary key, lead references people (id))",
        "create table alone (id integer primary key)",
    )
    groups = found.parents_first(found.tables)
    assert groups == [("alone",), ("people", "teams"), ("orders",), ("line",)]
    assert [found.refers_to_itself(group) for group in groups] == [False, True, False, False]


def test_a_shape_says_what_a_copy_needs() -> None:
    found = schema(
        "create table t (b text collate nocase, a integer, c generated always as (a + 1) stored, d real unique, "
        "primary key (a, b)) without rowid",
        "create table n (id integer primary key autoincrement, v)",
        "create virtual table f using fts5 (v, content = \"n\", content_rowid = 'id')",
    ).tables
    assert found.keys() == {"t", "n"}
    assert (found["t"].key, found["t"].others) == (("a", "b"), ("d",))
    assert not found["t"].plain_key
    assert found["t"].unique == ((("d", "BINARY"),),)
    assert not found["t"].problem
    assert (found["n"].aliased, found["n"].numbered, found["n"].plain_key) == (True, True, True)


def test_the_order_of_objects_is_no_difference() -> None:
    first, second = "create table a (id integer primary key)", "create table b (id integer primary key)"
    assert schema(first, second).sha256 == schema(second, first).sha256
    assert schema(first).sha256 != schema(first, second).sha256
    assert Schema.parse(schema(first, second).to_json()) == schema(first, second)


def test_a_full_text_index_is_made_of_its_table_or_refused() -> None:
    assert schema("create virtual table f using fts5 (v, content='t')").indexes_of_text == {"f": "t"}
    assert schema("create virtual table v using fts5vocab (f, row)").indexes_of_text == {}
    with pytest.raises(SchemaError, match="virtual table f holds rows of its own"):
        assert schema("create virtual table f using fts5 (v)").indexes_of_text is None
