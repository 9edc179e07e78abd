"""The statements of Sesh's cached families: what they give, in which order, and that no page or length changes it."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.apps.sesh import APP as SESH
from assets.cache import keys
from resources.d1 import D1
from resources.sql_files import read_sql
from tests.sql.sesh.database import migrated, put

FAMILIES = {family.name: family for family in SESH.cache}
NOW = "2026-03-20T21:00:00.000Z"
NAME_SIGNS = st.sampled_from("aBÉß \"'\\-/,()&%:0\u00a0😀\u2028{")
NAMES = st.one_of(st.text(NAME_SIGNS, max_size=14), st.sampled_from(["OG Kush", "og  kush", "Kush", "(Kush)"]))


def rows(d1: D1, family: str, page: int = 1000) -> list[dict[str, Any]]:
    """The rows of a family as its warming pages through them."""
    found = FAMILIES[family]
    order = [*keys.fields(found.key), *found.gathered_by]
    return [row for part in d1.stream(read_sql(found.statement), order, page=page) for row in part]


def held(d1: D1, family: str) -> dict[str, Any]:
    """Key → value, gathered where rows share a key."""
    found: dict[str, Any] = {}
    template, gathered_by = FAMILIES[family].key, FAMILIES[family].gathered_by
    for row in rows(d1, family):
        key, value = keys.filled(template, row), json.loads(row["value"])
        if gathered_by:
            found.setdefault(key, []).append(value)
        else:
            assert key not in found
            found[key] = value
    return found


def words(name: str) -> set[str]:
    """The terms of a name, as Python says it."""
    parts = re.split(r"[ \-/,()]", name)
    return {"".join(c.lower() if c.isascii() else c for c in part) for part in parts} - {""}


def test_the_catalogue(sesh: D1) -> None:
    put(sesh, "strains", id="s1", name="OG Kush", thcPercent=19.5, effects='["happy", "sleepy"]', createdAt=NOW)
    put(sesh, "strains", id="s:/é", name="Hindu-Kush", type="indica", updatedAt=NOW)
    put(sesh, "strains", id="s0", name="Kush (old)", isActive=0)
    put(sesh, "products", id="p1", strainId="s1", name="OG Kush 3.5 g", brand='The "Row"')
    put(sesh, "dispensaries", id="d1", name="Juniper & Co.", city="Oakland", openingHours='{"mon": "9-5"}')

    assert held(sesh, "strains_list") == {
        "strains:list": [
            {"id": "s:/é", "name": "Hindu-Kush", "type": "indica", "thcPercent": None, "cbdPercent": None},
            {"id": "s1", "name": "OG Kush", "type": "hybrid", "thcPercent": 19.5, "cbdPercent": None},
        ]
    }
    strains = held(sesh, "strain")
    assert strains.keys() == {"strain:s0", "strain:s1", "strain:s%3A%2F%C3%A9"}
    assert strains["strain:s1"].items() >= {"effects": ["happy", "sleepy"], "isActive": True, "createdAt": NOW}.items()
    assert strains["strain:s0"]["isActive"] is False
    assert held(sesh, "search_strains") == {
        "search:strains:hindu": ["s:/é"],
        "search:strains:kush": ["s1", "s:/é"],
        "search:strains:og": ["s1"],
    }
    assert held(sesh, "products_list")["products:list"] == [
        {"id": "p1", "name": "OG Kush 3.5 g", "brand": 'The "Row"', "category": "flower", "strainId": "s1"}
    ]
    assert held(sesh, "product")["product:p1"]["strainId"] == "s1"
    assert held(sesh, "search_products").keys() == {f"search:products:{term}" for term in ("3.5", "g", "kush", "og")}
    (listed,) = held(sesh, "dispensaries_list")["dispensaries:list"]
    assert (listed["id"], listed["city"]) == ("d1", "Oakland")
    assert held(sesh, "dispensary")["dispensary:d1"]["openingHours"] == {"mon": "9-5"}


def test_a_users_own_values_say_whose_they_are(sesh: D1) -> None:
    for user, layout in (("u1", '{"columns": 2}'), ("u:2", None)):
        put(sesh, "users", id=user)
        put(sesh, "user_preferences", userId=user, preferences='{"theme": "dark"}', dashboardLayout=layout)
    assert rows(sesh, "user_preferences") == [
        {"id": user, "value": '{"theme":"dark"}', "tenant": user} for user in ("u1", "u:2")
    ]
    assert rows(sesh, "dashboard_layout") == [{"id": "u1", "value": '{"columns":2}', "tenant": "u1"}]
    assert held(sesh, "user_preferences").keys() == {"user:u1:preferences", "user:u%3A2:preferences"}


def test_nothing_is_wanted_of_empty_tables(sesh: D1) -> None:
    assert {name: rows(sesh, name) for name in FAMILIES} == {name: [] for name in FAMILIES}


@pytest.mark.parametrize("page", [1, 2, 3])
def test_pages_of_any_size_give_the_same_rows_in_the_same_order(sesh: D1, page: int) -> None:
    for number in range(7):
        put(sesh, "strains", id=f"s{number}", name=f"Kush {number % 2}")
        put(sesh, "products", id=f"p{number}", name=f"Kush {number % 2}")
        put(sesh, "dispensaries", id=f"d{number}", name=f"Shop {number % 2}")
        put(sesh, "users", id=f"u{number}")
        put(sesh, "user_preferences", userId=f"u{number}", dashboardLayout="{}")
    for name, family in FAMILIES.items():
        whole = rows(sesh, name)
        assert len(whole) >= 7
        assert rows(sesh, name, page) == whole == sesh.query(read_sql(family.statement))


def test_a_list_may_be_longer_than_any_row_of_d1(sesh: D1) -> None:
    name = "x" * 400
    sesh.upsert("strains", ["id", "name", "type"], ([f"s{n:05}", name, "hybrid"] for n in range(6_000)), ["id"])
    found = rows(sesh, "strains_list")
    assert sum(len(row["value"]) for row in found) > 2_400_000
    assert [row["id"] for row in found] == [f"s{n:05}" for n in range(6_000)]


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["insert or replace", "upsert"]), st.integers(0, 3), NAMES, st.integers(0, 1)),
        st.tuples(st.just("rename"), st.integers(0, 3), NAMES, st.just(1)),
        st.tuples(st.just("hide or show"), st.integers(0, 3), st.just(""), st.integers(0, 1)),
        st.tuples(st.just("another id"), st.integers(0, 3), st.just(""), st.integers(4, 9)),
        st.tuples(st.just("delete"), st.integers(0, 9), st.just(""), st.just(1)),
    ),
    max_size=10,
)


@settings(max_examples=60)
@given(changes=CHANGES)
@pytest.mark.parametrize("table", ["strains", "products"])
def test_terms_are_those_of_the_active_names_whatever_happens_to_them(
    one_sesh: D1, table: str, changes: list[tuple[str, int, str, int]]
) -> None:
    one_sesh.execute(f"delete from {table}")
    for what, number, name, last in changes:
        row = f"r{number}"
        if what == "insert or replace":
            put(one_sesh, table, what, id=row, name=name, isActive=last)
        elif what == "upsert":
            kind = {"strains": "type", "products": "category"}[table]
            one_sesh.upsert(table, ["id", "name", "isActive", kind], [[row, name, last, "hybrid"]], ["id"])
        elif what == "rename":
            one_sesh.execute(f"update {table} set name = ? where id = ?", [name, row])
        elif what == "hide or show":
            one_sesh.execute(f"update {table} set isActive = ? where id = ?", [last, row])
        elif what == "another id":
            one_sesh.execute(f"update or replace {table} set id = ? where id = ?", [f"r{last}", row])
        else:
            one_sesh.execute(f"delete from {table} where id = ?", [row])
    active = one_sesh.query(f"select id, name from {table} where isActive = 1")
    assert {(row["term"], row["id"]) for row in rows(one_sesh, f"search_{table}")} == {
        (word, row["id"]) for row in active for word in words(row["name"])
    }


@pytest.fixture(scope="module")
def one_sesh(tmp_path_factory: pytest.TempPathFactory) -> D1:
    """One D1 for all the examples of a property, which empty it."""
    return migrated(tmp_path_factory.mktemp("sesh") / "sesh.sqlite")
