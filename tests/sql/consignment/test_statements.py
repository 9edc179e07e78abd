"""The application's statements: each takes its caller, reads by an index, and does what its header says."""

import re
from datetime import UTC, datetime

import pytest

from assets.apps.consignment import APP
from assets.database import plans
from resources.d1 import D1
from resources.sql_files import list_sql
from sandbox import sample_consignment
from tests.sql.consignment import statements
from tests.sql.consignment.database import CLOSES, NOW, OPENS, REQUIRED, asked, found
from tests.sql.consignment.statements import NAMES, text_of

QUERIES = {query.statement: query for query in APP.hot_queries}


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_of_a_statement_reads_no_table_whole(consignment: D1, name: str) -> None:
    query = QUERIES[f"consignment/statements/{name}.sql"]
    assert plans.of_d1(consignment, query) == []
    # Search alone sorts, by rank.
    assert query.sorts is (name == "search_items")
    assert not query.whole


def test_small_tables_with_statistics_may_be_read_whole_and_an_index_that_is_gone_is_found(consignment: D1) -> None:
    def faults() -> dict[str, plans.Fault]:
        return {query.name: fault for query in APP.hot_queries for fault in plans.of_d1(consignment, query)}

    sample_consignment.fill(consignment, datetime(2026, 11, 1, 12, tzinfo=UTC))
    consignment.execute("analyze")
    assert faults() == {}
    consignment.execute("drop index items_by_barcode")
    found = faults()
    assert found.keys() == {"consignment/statements/create_item", "consignment/statements/item_by_barcode"}
    assert found["consignment/statements/item_by_barcode"].index == "items_by_barcode"
    assert found["consignment/statements/create_item"].said.startswith("it cannot be planned: ON CONFLICT clause")


def test_every_statement_has_a_plan() -> None:
    of_application = [path for path in QUERIES if path.startswith("consignment/statements/")]
    assert list_sql("consignment/statements") == sorted(path.rpartition("/")[2] for path in of_application)


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_says_who_asks_and_shows_a_stranger_nothing_of_others(consignment: D1, name: str) -> None:
    text = text_of(name)
    assert statements.unsaid(text) == []
    statements.fill(consignment)
    assert statements.leaks(consignment, text) == []


def test_parameters_have_the_types_of_their_columns(consignment: D1) -> None:
    types = {row["name"]: row["type"].lower() for t in REQUIRED for row in consignment.query(f"pragma table_info({t})")}
    said = {parameter for name in NAMES for parameter in statements.parameters(text_of(name)).values()}
    assert {name for name, _ in said} - types.keys() == {"now", "words", "most", "after_id", "event_id"} - types.keys()
    assert [(name, type_) for name, type_ in said if types.get(name, type_) != type_] == []


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("-- One row an item.\n-- Parameters: ?2 id integer.\nselect * from inventory_items where id = ?2", 2),
        ("-- One row an item.\n-- Caller: ?1.\nselect * from inventory_items where id = 1", 1),
        ("-- One row an item.\n-- Caller: ?1.\nselect * from inventory_items where user_id = ?1 and id = ?2", 1),
    ],
)
def test_a_statement_that_does_not_say_who_asks_is_found(text: str, faults: int) -> None:
    assert len(statements.unsaid(text)) == faults


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_that_takes_the_caller_and_does_not_heed_it_is_found(consignment: D1, name: str) -> None:
    statements.fill(consignment)
    text = text_of(name)
    # For every caller, the comparison with the caller holds, and what is written is somebody else's.
    heedless = re.sub(r"(\w+\.)?user_id = \?1", "?1 = ?1", text)
    heedless = re.sub(r"(values \(|select )\?1,", rf"\1'{statements.SELLER}',", heedless)
    assert heedless != text
    assert statements.leaks(consignment, heedless)


def test_no_statement_replaces_a_row() -> None:
    """The words of a replaced item would stay in the index, because no delete trigger fires."""
    assert [name for name in NAMES if "replace" in statements.code(text_of(name)).lower()] == []


def event(d1: D1, status: str = "published", **values: object) -> int:
    times = {"start": "2026-03-08T00:00:00.000Z", "end": "2026-03-08T09:00:00.000Z", "most": 2, **values}
    rows = asked(
        *(d1, "create_event", "owner", "Sale", None, times["start"], times["end"], "Hall", times["most"]),  # type: ignore[arg-type]
        *(OPENS, CLOSES, "2026-03-08T09:00:00.000Z", "2026-03-10T00:00:00.000Z", NOW),
    )
    (made,) = rows
    if status != "draft":
        assert asked(d1, "move_event", "owner", made["id"], status, NOW)
    return int(made["id"])


def item(d1: D1, seller: str, at: int, barcode: str | None = None, name: str = "T-shirt") -> int | None:
    rows = asked(d1, "create_item", seller, at, name, None, "clothing", "98", 4.5, "good", barcode, NOW)
    return int(rows[0]["id"]) if rows else None


def sign_up(d1: D1, *users: str) -> None:
    for user in users:
        (row,) = asked(d1, "write_consignor", user, user, f"{user}@consignment.example", None, None, None, NOW)
        assert asked(d1, "consignor", user)[0]["id"] == row["id"]


def test_a_sale_from_draft_to_completed(each_consignment: D1) -> None:
    d1 = each_consignment
    sign_up(d1, "ann", "bob")
    sale = event(d1, "draft")
    assert item(d1, "ann", sale) is None, "a draft takes no items"
    assert asked(d1, "event", "ann", sale) == []
    assert asked(d1, "move_event", "owner", sale, "completed", NOW) == [], "a draft was no sale"
    assert asked(d1, "move_event", "owner", sale, "published", NOW)
    one, two = item(d1, "ann", sale, "1"), item(d1, "bob", sale, "2", "Snow boots")
    assert one
    assert two
    assert asked(d1, "judge_item", "owner", one, "sold", NOW) == [], "it was not approved"
    assert asked(d1, "judge_item", "owner", one, "approved", NOW)
    assert asked(d1, "judge_item", "owner", two, "rejected", NOW)
    assert asked(d1, "judge_item", "owner", one, "sold", NOW) == [], "it was not handed in"
    assert asked(d1, "drop_off_item", "owner", one, CLOSES) == [], "drop-off is over"
    assert asked(d1, "drop_off_item", "owner", one, OPENS)
    assert asked(d1, "drop_off_item", "owner", one, NOW) == [], "it was handed in before"
    assert [row["id"] for row in asked(d1, "items_by_category", "ann", "clothing", 0, 10)] == [one]
    (scanned,) = asked(d1, "item_by_barcode", "owner", sale, "1")
    assert asked(d1, "judge_item", "owner", scanned["id"], "sold", NOW)
    assert asked(d1, "move_event", "owner", sale, "completed", NOW)
    assert [tuple(row.values()) for row in asked(d1, "sales_of_event", "owner", sale)] == [
        ("ann", 1, 1, 4.5),
        ("bob", 1, 0, 0),
    ]
    assert [row["status"] for row in asked(d1, "items_of_event", "owner", sale)] == ["sold", "rejected"]
    assert [row["status"] for row in asked(d1, "own_events", "owner")] == ["completed"]


def test_a_request_that_is_repeated_makes_nothing_twice(consignment: D1) -> None:
    sign_up(consignment, "ann")
    sale = event(consignment)
    assert item(consignment, "ann", sale, "1")
    assert item(consignment, "ann", sale, "1") is None
    assert item(consignment, "ann", sale) != item(consignment, "ann", sale), "without a barcode nobody can tell"
    with pytest.raises(ValueError, match="not enough values"):
        event(consignment)
    assert len(asked(consignment, "own_events", "owner")) == 1


def test_an_event_admits_as_many_consignors_as_it_says(consignment: D1) -> None:
    sign_up(consignment, "ann", "bob", "cas")
    sale = event(consignment, most=2)
    assert [item(consignment, user, sale) is not None for user in ("ann", "bob", "cas", "ann", "nobody")] == [
        *(True, True, False, True, False)
    ]


def test_only_what_was_not_looked_at_can_be_changed(consignment: D1) -> None:
    sign_up(consignment, "ann")
    one = item(consignment, "ann", event(consignment))
    changed = ("Lamp", None, "home", None, 9.0, "fair", NOW)
    assert asked(consignment, "change_item", "ann", one, *changed)
    assert (found(consignment, "shirt"), found(consignment, "lamp")) == ([], [one])
    assert asked(consignment, "judge_item", "owner", one, "approved", NOW)
    assert asked(consignment, "change_item", "ann", one, *changed) == []


def test_own_items_come_in_pages(consignment: D1) -> None:
    sign_up(consignment, "ann")
    sale = event(consignment)
    ids = [item(consignment, "ann", sale) for _ in range(5)]
    pages, after = [], 0
    while page := [row["id"] for row in asked(consignment, "own_items", "ann", after, 2)]:
        pages.append(page)
        after = page[-1]
    assert pages == [ids[:2], ids[2:4], ids[4:]]


def test_search_takes_words_as_people_write_them(each_consignment: D1) -> None:
    sign_up(each_consignment, "ann", "bob")
    one = item(each_consignment, "ann", event(each_consignment), name="T-Shirt, crème")
    for words in ('"t-shirt"', '"creme"', '"CRÈME" "shirt"'):
        assert [row["id"] for row in asked(each_consignment, "search_items", "ann", words, 10)] == [one], words
    for words in ('"AND"', '"say ""hi"""', '"shir"'):
        assert asked(each_consignment, "search_items", "ann", words, 10) == [], words
    assert asked(each_consignment, "search_items", "bob", '"shirt"', 10) == [], "it is not approved yet"
