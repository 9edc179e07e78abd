"""What is kept warm of Consignment, as its rows say; and every key that hangs on a changed item goes."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.apps.consignment import APP
from assets.cache import keys
from assets.database import plans
from resources.d1 import D1, Param
from resources.kv import EmbeddedKV
from resources.sql_files import list_sql, read_sql
from sandbox import sample_consignment
from tests.assets.cache.any_changes import Shape, Step, leaves_just_what_hangs_on_nothing_changed, steps
from tests.assets.cache.cache_aside_stores import NOW, CacheAsideStores
from tests.sql.consignment.database import KEYS, inserted, migrated, put

FAMILIES = {family.name: family for family in APP.cache}
UNTIL = datetime(2026, 11, 1, 12, tzinfo=UTC)


def held(d1: D1, name: str, page: int = 1000) -> dict[str, list[Any]]:
    """Key → values of a family, as its warming pages through them."""
    family, found = FAMILIES[name], defaultdict(list)
    order = [*keys.fields(family.key), *family.gathered_by]
    for part in d1.stream(read_sql(family.statement), order, page=page):
        for row in part:
            found[keys.filled(family.key, row)].append(json.loads(row["value"]))
    return dict(found)


def test_the_pages_are_those_of_the_rows(consignment: D1) -> None:
    sample_consignment.fill(consignment, UNTIL)
    events = {row["id"]: row for row in consignment.query("select * from events order by start_date, id")}
    items = consignment.query("select * from inventory_items order by id")
    is_open = [row for row in events.values() if row["status"] == "published"]
    assert [event["id"] for event in held(consignment, "open_events")["events:open"]] == [row["id"] for row in is_open]
    shown = [row for row in items if row["status"] == "approved" and events[row["event_id"]] in is_open]
    by_category = held(consignment, "items_by_category")
    assert by_category.keys() == {f"items:category:{row['category']}" for row in shown}
    assert sorted(item["id"] for found in by_category.values() for item in found) == [row["id"] for row in shown]
    own = held(consignment, "consignor_items")
    assert {key: [item["id"] for item in found] for key, found in own.items()} == {
        f"consignor:{user}:items": [row["id"] for row in items if row["user_id"] == user]
        for user in {row["user_id"] for row in items}
    }


def test_a_page_that_anybody_reads_says_nothing_of_whose_items_they_are(consignment: D1) -> None:
    put(consignment, "consignors", user_id="secret", name="Secret", email="secret@consignment.example")
    put(consignment, "events", id=1, user_id="secret-owner", status="published")
    put(consignment, "inventory_items", user_id="secret", event_id=1, status="approved", barcode="secret")
    for name in ("open_events", "items_by_category"):
        found = held(consignment, name)
        assert found
        assert "secret" not in json.dumps(found)
    rows = consignment.query(read_sql(FAMILIES["consignor_items"].statement))
    assert [(row["user_id"], row["tenant"]) for row in rows] == [("secret", "secret")]


@pytest.mark.parametrize("page", [1, 3])
def test_pages_of_any_size_give_the_same(consignment: D1, page: int) -> None:
    sample_consignment.fill(consignment, UNTIL)
    for name in FAMILIES:
        assert held(consignment, name, page) == held(consignment, name) != {}


def test_every_statement_is_used_and_no_two_templates_can_make_the_same_key() -> None:
    assert {f"consignment/cache/{name}" for name in list_sql("consignment/cache")} == {f.statement for f in APP.cache}
    templates = [f.key for f in APP.cache] + [key for aside in APP.cache_aside for key in aside.keys]
    assert not [(one, other) for n, one in enumerate(templates) for other in templates[:n] if keys.overlap(one, other)]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_sorts_by_an_index_or_in_the_order_of_its_key(consignment: D1, name: str) -> None:
    family = FAMILIES[name]
    order = ", ".join([*keys.fields(family.key), *family.gathered_by])
    text = read_sql(family.statement)
    assert text.rstrip().endswith(f"order by {order}")
    (query,) = (query for query in APP.hot_queries if query.statement == family.statement)
    assert plans.of_d1(consignment, query) == []


def field(name: str, number: int) -> Param:
    return f"u{number}" if name == "user_id" else number + 1


def owned(table: str, owner: int) -> dict[str, Param]:
    event: dict[str, Param] = {"event_id": owner + 1} if table == "inventory_items" else {}
    return {"user_id": f"u{owner}", **event}


SHAPE = Shape(
    app=APP,
    keys=KEYS,
    touched="updated_at",
    inserted=inserted,
    field=field,
    owned=owned,
    renamed=frozenset({"consignors", "events", "inventory_items"}),
    # An item is never replaced: its words would stay in the index.
    replaced=frozenset({"consignors", "events"}),
)


@pytest.fixture(scope="module")
def cache_aside_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CacheAsideStores]:
    """Consignment's database and namespace, for all the examples of a property."""
    folder: Path = tmp_path_factory.mktemp("consignment")
    kv = EmbeddedKV(folder / "kv.sqlite", clock=NOW.timestamp)
    found = CacheAsideStores(migrated(folder / "consignment.sqlite"), kv, APP)
    yield found
    found.held.close()
    found.d1.close()


@settings(max_examples=60)
@given(made=steps(SHAPE), page=st.integers(1, 4))
def test_no_stale_key_is_left_and_no_other_is_gone(
    cache_aside_stores: CacheAsideStores, made: list[Step], page: int
) -> None:
    others = {"events:open", "items:category:toys", "consignor:u0:items"}
    leaves_just_what_hangs_on_nothing_changed(SHAPE, cache_aside_stores, made, page, others)
