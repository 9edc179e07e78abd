"""How long Consignment's own tables are kept. What our own stores hold of it: pipelines_lifecycles.py. Pure."""

from assets.apps.lifecycle import LARGE_SHARE, Archive, Lifecycle, ReadBy, kept

# The log is of many rows: their ids share this many buckets of the archive.
LOG_BUCKETS = 16
HOT, WARM = 30, 90
_INDEX = ("item_search", *(f"item_search_{part}" for part in ("data", "idx", "docsize", "config")))

LIFECYCLES = (
    kept("d1", "consignors", "a person's own, for as long as they stay; goes with them by erasure"),
    kept("d1", "events", "says what was sold where, and when"),
    kept("d1", "inventory_items", "goes with its consignor, by erasure"),
    *(kept("d1", table, "goes with what it finds", not_archived="made by triggers from items") for table in _INDEX),
    Lifecycle(
        "d1",
        "change_log",
        "changed_at",
        ("id",),
        hot_days=HOT,
        warm_days=WARM,
        archive=Archive(WARM, "row_id", LOG_BUCKETS),
        delete_after_days=WARM,
        requires=("sealed", "consumed"),
        read_by=ReadBy("d1", "retention/read_changes.sql"),
        largest_share=LARGE_SHARE,
    ),
    kept("d1", "change_log_readers", "one row a reader"),
)
