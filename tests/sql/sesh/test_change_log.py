"""The change log: every way in which a row can change is logged once, with what it was known by before and after."""

import json
from typing import Any

import pytest

from resources.d1 import D1, D1Error, Statement
from tests.sql.sesh.database import KEYS, REQUIRED, last_id, logged, put

KNOWN_BY: dict[str, dict[str, str]] = {
    "users": {"id": "u1"},
    "user_preferences": {"userId": "u1"},
    "strains": {"id": "r1"},
    "products": {"id": "r1", "strainId": "r1"},
    "dispensaries": {"id": "r1"},
    "inventory": {"id": "r1", "userId": "u1"},
    "medical_symptoms": {"id": "r1", "userId": "u1"},
    "journal_entries": {"id": "r1", "userId": "u1"},
}


def keys(**values: Any) -> str:
    return json.dumps(values, separators=(",", ":"))


def test_each_table_logs_inserts_updates_and_deletes(each_sesh: D1) -> None:
    assert KNOWN_BY.keys() == REQUIRED.keys()
    for table, known_by in KNOWN_BY.items():
        put(each_sesh, table, **known_by)
    assert logged(each_sesh) == [(table, k[KEYS[table]], "insert", None, keys(**k)) for table, k in KNOWN_BY.items()]

    place = last_id(each_sesh)
    for table in KNOWN_BY:
        each_sesh.execute(f"update {table} set updatedAt = '2026-03-21T00:00:00.000Z'")
    assert logged(each_sesh, place) == [
        (table, k[KEYS[table]], "update", keys(**k), keys(**k)) for table, k in KNOWN_BY.items()
    ]

    place = last_id(each_sesh)
    children_first = list(KNOWN_BY.items())[::-1]
    for table, _ in children_first:
        each_sesh.execute(f"delete from {table}")
    assert logged(each_sesh, place) == [
        (table, k[KEYS[table]], "delete", keys(**k), None) for table, k in children_first
    ]


def test_what_leaves_its_owner_names_both(each_sesh: D1) -> None:
    for user in ("u1", "u2", "u3", "u4"):
        put(each_sesh, "users", id=user)
    put(each_sesh, "inventory", id="i", userId="u1")
    place = last_id(each_sesh)

    each_sesh.execute("update inventory set userId = 'u2'")
    upsert = "on conflict (id) do update set userId = excluded.userId"
    each_sesh.execute(
        f"insert into inventory (id, userId, quantity, unit) select 'i', 'u3', 1, 'g' where true {upsert}"
    )
    put(each_sesh, "inventory", "insert or replace", id="i", userId="u4")
    each_sesh.execute("update inventory set id = 'j'")

    assert logged(each_sesh, place) == [
        ("inventory", "i", "update", keys(id="i", userId="u1"), keys(id="i", userId="u2")),
        ("inventory", "i", "replace", keys(id="i", userId="u2"), None),
        ("inventory", "i", "update", keys(id="i", userId="u2"), keys(id="i", userId="u3")),
        ("inventory", "i", "replace", keys(id="i", userId="u3"), None),
        ("inventory", "i", "insert", None, keys(id="i", userId="u4")),
        ("inventory", "j", "update", keys(id="i", userId="u4"), keys(id="j", userId="u4")),
    ]


@pytest.mark.parametrize("table", ["products", "medical_symptoms", "journal_entries"])
def test_a_replaced_row_is_logged_as_it_was(sesh: D1, table: str) -> None:
    owner = "strainId" if table == "products" else "userId"
    for number in ("1", "2"):
        put(sesh, "users", id=number)
        put(sesh, "strains", id=number)
    put(sesh, table, id="x", **{owner: "1"})
    place = last_id(sesh)
    put(sesh, table, "insert or replace", id="x", **{owner: "2"})
    put(sesh, table, "insert or replace", id="x", **{owner: "2"})
    old, new = keys(id="x", **{owner: "1"}), keys(id="x", **{owner: "2"})
    assert [entry[2:] for entry in logged(sesh, place)] == [
        ("replace", old, None),
        ("insert", None, new),
        ("insert", None, new),
    ]


def test_whoever_is_pushed_out_by_an_e_mail_is_logged_with_all_that_was_theirs(each_sesh: D1) -> None:
    put(each_sesh, "users", id="old", email="a@sesh.example")
    put(each_sesh, "user_preferences", userId="old")
    put(each_sesh, "journal_entries", id="j", userId="old")
    put(each_sesh, "users", id="third", email="c@sesh.example")
    place = last_id(each_sesh)

    put(each_sesh, "users", "insert or replace", id="new", email="a@sesh.example")
    found = logged(each_sesh, place)
    assert found[0] == ("users", "old", "replace", keys(id="old"), None)
    assert found[-1] == ("users", "new", "insert", None, keys(id="new"))
    assert sorted(found[1:-1]) == [
        ("journal_entries", "j", "delete", keys(id="j", userId="old"), None),
        ("user_preferences", "old", "delete", keys(userId="old"), None),
    ]

    place = last_id(each_sesh)
    each_sesh.execute("update or replace users set email = 'a@sesh.example' where id = 'third'")
    assert logged(each_sesh, place) == [
        ("users", "new", "replace", keys(id="new"), None),
        ("users", "third", "update", keys(id="third"), keys(id="third")),
    ]


def test_a_strain_that_goes_is_taken_from_its_products_which_are_logged_too(each_sesh: D1) -> None:
    put(each_sesh, "strains", id="s")
    put(each_sesh, "products", id="p", strainId="s")
    place = last_id(each_sesh)
    each_sesh.execute("delete from strains")
    assert sorted(logged(each_sesh, place)) == [
        ("products", "p", "update", keys(id="p", strainId="s"), keys(id="p", strainId=None)),
        ("strains", "s", "delete", keys(id="s"), None),
    ]


def test_a_batch_is_logged_whole_or_not_at_all(each_sesh: D1) -> None:
    put(each_sesh, "strains", id="s")
    place = last_id(each_sesh)
    renamed = Statement("update strains set name = 'Other'")
    with pytest.raises(D1Error):
        each_sesh.batch([renamed, Statement("update strains set type = 'none'")])
    assert logged(each_sesh, place) == []

    each_sesh.batch([renamed, renamed, Statement("delete from strains")])
    assert [entry[2] for entry in logged(each_sesh, place)] == ["update", "update", "delete"]


def test_a_bulk_upsert_logs_the_rows_that_it_changes(sesh: D1) -> None:
    columns = ["id", "name", "type"]
    rows = [[f"s{n}", f"Strain {n}", "hybrid"] for n in range(50)]
    sesh.upsert("strains", columns, rows, ["id"])
    assert len(logged(sesh)) == 50
    place = last_id(sesh)
    rows[7][1] = "Renamed"
    sesh.upsert("strains", columns, rows, ["id"], only_changed=True)
    sesh.upsert("strains", columns, rows, ["id"], update=[])
    assert logged(sesh, place) == [("strains", "s7", "update", keys(id="s7"), keys(id="s7"))]


def test_ids_only_grow_even_when_the_log_was_emptied(sesh: D1) -> None:
    put(sesh, "strains", id="a")
    put(sesh, "strains", id="b")
    place = last_id(sesh)
    sesh.execute("delete from change_log")
    put(sesh, "strains", id="c")
    assert last_id(sesh) > place


def test_it_holds_ids_and_no_personal_data(sesh: D1) -> None:
    secret = "hush@sesh.example"
    put(sesh, "users", id="u", email=secret, displayName=secret)
    put(sesh, "journal_entries", id="j", userId="u", title=secret, content=secret)
    put(sesh, "user_preferences", userId="u", preferences=json.dumps({"theme": secret}))
    sesh.execute("update journal_entries set content = content || '!'")
    sesh.execute("delete from users")
    assert len(logged(sesh)) == 7
    assert "hush" not in json.dumps(sesh.query("select * from change_log"))
