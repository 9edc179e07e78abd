"""Consignment: people organise sales, and consignors bring what is sold there."""

from assets.apps.app import App
from assets.apps.consignment_lifecycles import LIFECYCLES
from assets.apps.consignment_personal import PERSONAL
from assets.apps.consignment_queries import QUERIES
from assets.apps.model import CacheAside, CacheFamily, IntegrityRule, LoggedTable, SearchIndex, Table

_TABLES = (
    Table("consignors", "People who bring items to events"),
    Table("events", "Sales, with the times of drop-off and pick-up"),
    Table("inventory_items", "Items that consignors bring to an event"),
)

_CACHE = (
    CacheFamily(
        "open_events",
        "Published events, by their start",
        "events:open",
        "d1",
        "consignment/cache/open_events.sql",
        (("d1", "events"),),
        ("start_date", "id"),
    ),
    CacheFamily(
        "items_by_category",
        "Approved items of published events, by category",
        "items:category:{category}",
        "d1",
        "consignment/cache/items_by_category.sql",
        (("d1", "inventory_items"), ("d1", "events")),
        ("id",),
    ),
    CacheFamily(
        "consignor_items",
        "All items of a consignor",
        "consignor:{user_id}:items",
        "d1",
        "consignment/cache/consignor_items.sql",
        (("d1", "inventory_items"),),
        ("id",),
    ),
)

_CACHE_ASIDE = (
    CacheAside("consignors", ("consignor:{user_id}",)),
    CacheAside("events", ("event:{id}", "organizer:{user_id}:events")),
    CacheAside("inventory_items", ("item:{id}", "event:{event_id}:items", "consignor:{user_id}:sales")),
)

_CHANGES = (
    LoggedTable("consignors", "id", ("id", "user_id"), unique=("user_id",)),
    LoggedTable("events", "id", ("id", "user_id")),
    LoggedTable("inventory_items", "id", ("id", "user_id", "event_id")),
)


_RULES = (
    IntegrityRule(
        "item_has_event",
        "Every item is of an event that is there.",
        "inventory_items",
        "consignment/rules/item_has_event.sql",
    ),
    IntegrityRule(
        "drop_off_in_window",
        "Items are handed in while drop-off of their event is open.",
        "inventory_items",
        "consignment/rules/drop_off_in_window.sql",
        severity="warn",
    ),
    IntegrityRule(
        "price_is_one",
        "Every price is an amount above zero, in whole cents.",
        "inventory_items",
        "consignment/rules/price_is_one.sql",
    ),
    IntegrityRule(
        "consignors_within_limit",
        "No event has items of more consignors than it admits.",
        "events",
        "consignment/rules/consignors_within_limit.sql",
    ),
)

APP = App(
    name="consignment",
    title="Consignment",
    owner="team:consignment-data",
    tables={table.name: table for table in _TABLES},
    d1_migrations="consignment/d1",
    cache=_CACHE,
    cache_aside=_CACHE_ASIDE,
    own_lifecycles=LIFECYCLES,
    personal=PERSONAL,
    changes=_CHANGES,
    rules=_RULES,
    search=(SearchIndex("item_search", "inventory_items"),),
    hot_queries=QUERIES,
)
