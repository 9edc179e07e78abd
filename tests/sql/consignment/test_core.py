"""Consignment's tables: what they refuse, what goes with a consignor, and the words that items are found by."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.apps.consignment import APP
from assets.integrity.search import compare
from resources.d1 import D1, D1Error, EmbeddedD1, Param, Statement
from tests.sql.consignment.database import REQUIRED, found, inserted, migrated, put


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("consignors", {"user_id": None}),
        ("consignors", {"user_id": "me"}),
        ("consignors", {"user_id": "x", "preferred_contact": "fax"}),
        ("consignors", {"user_id": "x", "created_at": "2026-03-20 21:00"}),
        ("events", {"status": "open"}),
        ("events", {"max_consignors": 0}),
        ("events", {"drop_off_start": "2026-03-20"}),
        ("events", {"name": "Sale"}),
        ("inventory_items", {"event_id": 99}),
        ("inventory_items", {"user_id": "nobody"}),
        ("inventory_items", {"condition": "as new"}),
        ("inventory_items", {"status": "lost"}),
        ("inventory_items", {"price": None}),
        ("inventory_items", {"barcode": "1"}),
        ("inventory_items", {"dropped_off_at": "yesterday"}),
    ],
)
def test_what_cannot_be_is_refused(consignment: D1, table: str, values: dict[str, Param]) -> None:
    put(consignment, "consignors", user_id="me")
    put(consignment, "events", id=1, name="Sale")
    put(consignment, "inventory_items", user_id="me", event_id=1, barcode="1")
    owner: dict[str, Param] = {"user_id": "me", "event_id": 1} if table == "inventory_items" else {}
    before = consignment.query("select count(*) as n from change_log")
    with pytest.raises(D1Error):
        put(consignment, table, **{**owner, **values})
    assert consignment.query("select count(*) as n from change_log") == before


def test_items_go_with_their_consignor_and_an_event_with_items_stays(each_consignment: D1) -> None:
    for user in ("u1", "u2"):
        put(each_consignment, "consignors", user_id=user)
    put(each_consignment, "events", id=1)
    for user in ("u1", "u2"):
        put(each_consignment, "inventory_items", user_id=user, event_id=1, name=f"Lamp of {user}")
    with pytest.raises(D1Error, match="FOREIGN KEY"):
        each_consignment.execute("delete from events")
    each_consignment.execute("delete from consignors where user_id = 'u1'")
    assert each_consignment.query("select user_id from inventory_items") == [{"user_id": "u2"}]
    assert found(each_consignment, "u1") == []
    logged = each_consignment.query("select table_name from change_log where operation = 'delete' order by table_name")
    assert [row["table_name"] for row in logged] == ["consignors", "inventory_items"]


def test_its_tables_are_those_that_the_app_lists() -> None:
    assert APP.tables.keys() == REQUIRED.keys()
    assert {table.name for table in APP.changes} == REQUIRED.keys()


def test_an_index_that_a_replaced_row_left_words_in_is_made_again(each_consignment: D1) -> None:
    put(each_consignment, "consignors", user_id="u")
    put(each_consignment, "events", id=1)
    put(each_consignment, "inventory_items", id=1, user_id="u", event_id=1, name="Zeppelin")
    assert compare(each_consignment, APP.search).made_again == ()
    replaced = inserted(
        "inventory_items", {"id": 1, "user_id": "u", "event_id": 1, "name": "Lamp"}, "insert or replace"
    )
    each_consignment.execute(replaced.sql, replaced.params)
    assert found(each_consignment, "zeppelin") == [1]
    assert compare(each_consignment, APP.search).made_again == ("item_search",)
    assert (found(each_consignment, "zeppelin"), found(each_consignment, "lamp")) == ([], [1])
    assert compare(each_consignment, APP.search).made_again == ()


NAMES = st.one_of(
    st.sampled_from(["Rain jacket", "T-shirt", "Crème brûlée", "it's 5 o'clock", "a,b/c(d)", ""]),
    st.text("aé -ß漢'\"", max_size=8),
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "upsert", "or ignore", "rename", "another id", "delete", "delete consignor"]),
        st.integers(1, 4),
        NAMES,
        st.integers(5, 9),
    ),
    max_size=12,
)


def words(name: str) -> set[str]:
    """The words of a name, as Python says it."""
    plain = "".join(c for c in unicodedata.normalize("NFD", name.lower()) if not unicodedata.combining(c))
    return set(re.findall(r"[^\W_]+", plain))


def changed(what: str, item: int, name: str, other: int) -> list[Statement]:
    row: dict[str, Param] = {"id": item, "user_id": f"u{item % 2}", "event_id": 1, "name": name}
    insert = inserted("inventory_items", row)
    update = "on conflict (id) do update set name = excluded.name, description = excluded.name"
    return {
        "insert": [insert],
        "upsert": [Statement(f"{insert.sql} {update}", insert.params)],
        "or ignore": [inserted("inventory_items", row, "insert or ignore")],
        "rename": [Statement("update inventory_items set name = ? where id = ?", [name, item])],
        "another id": [Statement("update inventory_items set id = ? where id = ?", [other, item])],
        "delete": [Statement("delete from inventory_items where id in (?, ?)", [item, other])],
        "delete consignor": [
            Statement("delete from consignors where user_id = ?", [f"u{item % 2}"]),
            inserted("consignors", {"user_id": f"u{item % 2}"}),
        ],
    }[what]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedD1:
    """One D1 for all the examples of a property, which empty it."""
    d1 = migrated(tmp_path_factory.mktemp("consignment") / "consignment.sqlite")
    put(d1, "events", id=1)
    return d1


@settings(max_examples=60)
@given(changes=CHANGES)
def test_items_are_found_by_their_words_whatever_happens_to_them(
    one: EmbeddedD1, changes: list[tuple[str, int, str, int]]
) -> None:
    one.execute("delete from consignors")
    for user in ("u0", "u1"):
        put(one, "consignors", user_id=user)
    for change in changes:
        try:
            one.batch(changed(*change))
        except D1Error as error:
            if "UNIQUE" not in error.message:
                raise
    rows = one.query("select id, name, coalesce(description, '') as description from inventory_items")
    there = {row["id"]: words(row["name"]) | words(row["description"]) for row in rows}
    for word in set().union(*there.values()):
        assert found(one, word) == sorted(item for item, its in there.items() if word in its)
    assert compare(one, APP.search).made_again == ()
