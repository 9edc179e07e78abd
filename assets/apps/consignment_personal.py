"""Whose data Consignment's own tables and keys hold, and what an erasure does to it. Data only."""

from assets.apps.personal import Holding, Sealed, Subject, registry

_OWN: tuple[Subject, ...] = (("user", "user_id"),)
_WORDS = "words of items; made again from the items that stay, because an index keeps deleted words until it merges"

_D1 = (
    Holding(
        "d1",
        "consignors",
        _OWN,
        personal="name email phone address preferred_contact",
        emails="email",
        identifying="phone",
        traces="phone_encrypted address_encrypted",
        sealed=(Sealed("phone_encrypted", "phone"), Sealed("address_encrypted", "address")),
        erasure="delete",
    ),
    Holding(
        "d1",
        "events",
        mentions=_OWN,
        erasure="blank",
        reason="the sale and its consignors' items stay; only who organised it goes",
    ),
    Holding(
        "d1",
        "inventory_items",
        _OWN,
        personal="name description size price barcode dropped_off_at",
        erasure="delete",
        reason="a reference deletes it with its consignor",
    ),
    Holding("d1", "item_search", traces="name description category", erasure="remake", reason=_WORDS),
    Holding("d1", "item_search_data", traces="block", erasure="remake", reason=_WORDS),
    Holding("d1", "item_search_idx", traces="term", erasure="remake", reason=_WORDS),
    Holding(
        "d1",
        "change_log",
        subjects=(("user", "old_keys.user_id"), ("user", "new_keys.user_id")),
        personal="old_keys new_keys",
        erasure="delete",
        reason="last, once all readers are past it: a deletion of a person's rows writes their ids here again",
        doc="A change of a row of a consignor: which row and when, without what was changed",
    ),
)

_R2 = (
    Holding(
        "r2",
        "access/consignment/",
        traces="content",
        erasure="keep",
        reason="counts the reads of keys, some of which name a person; deleted after 8 days",
    ),
    Holding(
        "r2",
        "quarantine/access/consignment/",
        traces="content",
        erasure="keep",
        reason="refused lines of the access log; deleted after 9 days",
    ),
)

_KV = (
    *(
        Holding("kv", family, (("user", "key.user_id"),), personal="value", erasure="delete")
        for family in (
            "consignor_items",
            "consignor:{user_id}",
            "consignor:{user_id}:sales",
            "organizer:{user_id}:events",
        )
    ),
    Holding("kv", "items_by_category", traces="value", erasure="remake", reason="lists items, not whose they are"),
    *(
        Holding("kv", key, personal="value", erasure="delete", reason="by the ids of the person's items and events")
        for key in ("item:{id}", "event:{event_id}:items")
    ),
)

PERSONAL = registry(
    *_D1,
    *_R2,
    *_KV,
    impersonal={
        "d1": """
            consignors: id created_at updated_at
            events: id name description start_date end_date location max_consignors drop_off_start drop_off_end
                pick_up_start pick_up_end status created_at updated_at
            inventory_items: id event_id category condition status created_at updated_at
            item_search_data: id
            item_search_idx: segid pgno
            item_search_docsize: id sz
            item_search_config: k v
            change_log: id table_name row_id operation changed_at
            change_log_readers: reader last_id read_at
        """,
        "r2": "access/consignment/ quarantine/access/consignment/: key",
        "kv": """
            open_events event:{id}: key value
            items_by_category item:{id} event:{event_id}:items: key
        """,
    },
)
