"""Consignment's migrations: both ways with rows, failing ones, and those that make a parent table again."""

from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.apps.consignment import APP
from assets.changes.d1 import install
from resources import migrations
from resources.d1 import D1, EmbeddedD1
from resources.migrations import FailedMigrationError, Migration, MigrationError
from resources.migrations.d1 import split
from resources.sql_files import read_sql
from tests.sql.consignment.database import (
    FOLDER,
    REQUIRED,
    contents,
    found,
    inserted,
    ledger,
    make,
    migrated,
    put,
    schema,
)

WORDS = ("jacket", "boots", "train", "crème")
ITEMS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), st.sampled_from(WORDS)), max_size=6)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedD1:
    """One D1 for all the examples of a property, which empty it."""
    return migrated(tmp_path_factory.mktemp("consignment") / "consignment.sqlite")


def fill(d1: D1, parents: bool, items: list[tuple[int, int, str]]) -> None:
    for table in (*reversed(REQUIRED), "change_log"):
        d1.execute(f"delete from {table}")
    if not parents:
        return
    rows = [inserted("consignors", {"id": n, "user_id": f"u{n}"}) for n in range(1, 4)]
    rows += [inserted("events", {"id": n, "name": f"Sale {n}"}) for n in range(1, 3)]
    rows += [
        inserted("inventory_items", {"user_id": f"u{user}", "event_id": event, "name": f"A {word}"})
        for user, event, word in items
    ]
    d1.batch(rows)


@settings(max_examples=15)
@given(parents=st.booleans(), items=ITEMS, to=st.integers(0, 2))
def test_down_and_up_keeps_schema_rows_and_answers_or_is_refused(
    one: EmbeddedD1, parents: bool, items: list[tuple[int, int, str]], to: int
) -> None:
    fill(one, parents, items)
    before, rows, answers = schema(one), contents(one), {word: found(one, word) for word in WORDS}
    # The index alone holds nothing that could be lost.
    lost = to == 0 and parents
    with pytest.raises(MigrationError, match="would lose") if lost else nullcontext():
        migrations.down(ledger(one), FOLDER, to=to)
    make(one)
    assert schema(one) == before
    assert contents(one) == rows
    assert {word: found(one, word) for word in WORDS} == answers


GOOD = (
    "create table tags (name text)",
    "update inventory_items set price = price + 1",
    "delete from inventory_items",
    "alter table events add column theme text",
    "drop index items_by_category",
    "insert into item_search (item_search) values ('rebuild')",
)
BAD = (
    "select * from nowhere",
    "insert into events (id) values (1)",
    "update inventory_items set event_id = 99",
    "delete from events",
    "create table events (id text)",
)


@settings(max_examples=25)
@given(good=st.lists(st.sampled_from(GOOD), unique=True), bad=st.sampled_from(BAD), at=st.integers(0, 6))
def test_a_failing_migration_changes_nothing(one: EmbeddedD1, good: list[str], bad: str, at: int) -> None:
    fill(one, True, [(1, 1, "jacket"), (2, 2, "train")])
    before, rows = schema(one), contents(one)
    # An event with items cannot go, and an item needs an event: only while there are items.
    script = [text for text in good if text != "delete from inventory_items" or "nowhere" in bad or "create" in bad]
    script.insert(at, bad)
    failing = Migration(FOLDER, 4, "failing", ";\n".join(script), "select 1")
    with pytest.raises(FailedMigrationError, match=r"004_failing\.up\.sql, statement \d of"):
        ledger(one).apply(failing)
    assert schema(one) == before
    assert contents(one) == rows
    assert (found(one, "jacket"), len(ledger(one).rows(FOLDER))) == ([rows["inventory_items"][0]["id"]], 3)


def made_again(table: str, text: str) -> str:
    """The script that makes a table again under its name, from the statement that made it."""
    return f"""{text.replace(f"create table {table} (", f"create table {table}_new (")}
insert into {table}_new select * from {table};
drop table {table};
alter table {table}_new rename to {table};"""


# What the first migration makes, by the words before the first bracket.
CORE = {
    text[: text.index("(")].strip(): text
    for statement in split(read_sql(f"{FOLDER}/001_core.up.sql"))
    for text in [statement[statement.index("create ") :]]
}
ITEMS_TABLE = CORE["create table inventory_items"]
SEALING = split(read_sql(f"{FOLDER}/003_sealing.up.sql"))
CONSIGNORS = CORE["create table consignors"].rpartition(")")[0] + ", phone_encrypted text, address_encrypted text);"
KEEPING = [
    CONSIGNORS.replace("table consignors", "table consignors_new"),
    "insert into consignors_new select * from consignors;",
    ITEMS_TABLE.replace("table inventory_items", "table items_new").replace("consignors (", "consignors_new ("),
    "insert into items_new select * from inventory_items;",
    "drop table inventory_items;",
    "drop table consignors;",
    "alter table consignors_new rename to consignors;",
    "alter table items_new rename to inventory_items;",
    *(text for made, text in CORE.items() if "index items_" in made),
    # A table's triggers go with it. Those of the change log come back by themselves.
    *(text for text in split(read_sql(f"{FOLDER}/002_item_search.up.sql")) if text.startswith("create trigger")),
    *(text for text in SEALING if text.startswith("create ")),
]


def sold(d1: D1) -> None:
    """A consignor with an item, and one without."""
    for user in ("u1", "u2"):
        put(d1, "consignors", user_id=user)
    put(d1, "events", id=1)
    put(d1, "inventory_items", user_id="u1", event_id=1, name="A jacket")


def test_a_parent_that_is_made_again_would_take_its_children_along_and_is_refused(each_consignment: D1) -> None:
    sold(each_consignment)
    before, rows = schema(each_consignment), contents(each_consignment)
    naive = Migration(FOLDER, 4, "naive", made_again("consignors", CONSIGNORS), "select 1")
    with pytest.raises(MigrationError) as refused:
        ledger(each_consignment).apply(naive)
    assert refused.value.reason.endswith(
        "004_naive.up.sql would lose what refers to a table that it drops: "
        "dropping consignors deletes the rows of inventory_items (ON DELETE CASCADE)"
    )
    assert refused.value.next_step
    assert schema(each_consignment) == before
    assert contents(each_consignment) == rows
    each_consignment.execute("delete from inventory_items")
    assert ledger(each_consignment).apply(naive), "where nothing refers to it, nothing is lost"


def test_a_script_that_keeps_the_children_is_applied(each_consignment: D1) -> None:
    sold(each_consignment)
    before, rows = schema(each_consignment), contents(each_consignment)
    assert ledger(each_consignment).apply(Migration(FOLDER, 4, "keeping", "\n".join(KEEPING), "select 1"))
    install(each_consignment, APP)
    after = schema(each_consignment)
    assert [(row["type"], row["name"]) for row in after] == [(row["type"], row["name"]) for row in before]
    assert contents(each_consignment) == rows
    each_consignment.execute("delete from consignors where user_id = 'u1'")
    assert each_consignment.query("select * from inventory_items") == []
    assert found(each_consignment, "jacket") == []
