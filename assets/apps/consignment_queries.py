"""How each of Consignment's statements finds its rows: the application's own, and those of its cache. Pure."""

from assets.apps.hot_query import HotQuery

_BY_ID = "inventory_items USING INTEGER PRIMARY KEY"
_EVENT = "events USING INTEGER PRIMARY KEY"
_OF_EVENT = "inventory_items USING INDEX items_by_event (event_id=?)"
_STATEMENTS = {
    "change_item": (_BY_ID,),
    "consignor": ("consignors USING INDEX sqlite_autoindex_consignors_1 (user_id=?)",),
    "create_event": (),
    "create_item": (
        _EVENT,
        "consignors USING COVERING INDEX sqlite_autoindex_consignors_1 (user_id=?)",
        "own USING COVERING INDEX items_by_event (event_id=? AND user_id=?)",
        "others USING COVERING INDEX items_by_event (event_id=?)",
    ),
    "drop_off_item": (_BY_ID, _EVENT),
    "event": (_EVENT,),
    "item_by_barcode": ("inventory_items USING INDEX items_by_barcode (event_id=? AND barcode=?)",),
    "items_by_category": ("inventory_items USING INDEX items_by_category (category=? AND id>?)",),
    "items_of_event": (_EVENT, _OF_EVENT),
    "judge_item": (_BY_ID, _EVENT),
    "move_event": (_EVENT,),
    "own_events": ("events USING INDEX sqlite_autoindex_events_1 (user_id=?)",),
    "own_items": ("inventory_items USING INDEX items_by_consignor (user_id=? AND id>?)",),
    "sales_of_event": (_EVENT, _OF_EVENT),
    "search_items": ("item_search VIRTUAL TABLE INDEX", _BY_ID),
    "write_consignor": (),
}

QUERIES = (
    # Search sorts by rank what the words admit.
    *(
        HotQuery(f"consignment/statements/{name}.sql", "d1", reads, sorts=name == "search_items")
        for name, reads in _STATEMENTS.items()
    ),
    HotQuery("consignment/cache/open_events.sql", "d1", ("events USING INDEX events_by_status",)),
    HotQuery("consignment/cache/items_by_category.sql", "d1", ("INDEX items_by_event", "INDEX events_by_"), sorts=True),
    # All of them, in the order of the index.
    HotQuery("consignment/cache/consignor_items.sql", "d1", ("INDEX items_by_consignor",), whole=True),
)
