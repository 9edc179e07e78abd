"""How long Sesh's own tables and prefixes are kept: hot for 3 months, warm for 12, cold beyond. Pure.

What our own stores hold of it: pipelines_lifecycles.py.
"""

from collections.abc import Iterator

from assets.apps.lifecycle import LARGE_SHARE, Archive, Lifecycle, ReadBy, kept, prefix, quarantine

# People are many: their rows share this many buckets of the archive.
USER_BUCKETS = 16
HOT, WARM = 90, 365
_OWN = "a person's own, for as long as they stay; goes with them by erasure"
_DETAIL = ("metrics_*", "metrics_daily", "metrics_weekly", "metrics_monthly")


def _own_tables() -> Iterator[Lifecycle]:
    for table in ("users", "user_preferences", "inventory", "medical_symptoms", "journal_entries"):
        yield kept("d1", table, _OWN)
    for table in ("strains", "products", "dispensaries"):
        yield kept("d1", table, "reference data")
    for table in ("strain_terms", "product_terms"):
        yield kept("d1", table, "goes with what it finds", not_archived="made by triggers from other tables")


def _time_series() -> Iterator[Lifecycle]:
    for name, time, key, parent in (
        ("sessions_*", "timestamp", ("id",), ("series", "partitions")),
        ("points_*", "at", ("sessionId", "seq"), ("points", "ingested")),
    ):
        yield Lifecycle(
            "d1",
            name,
            time,
            key,
            hot_days=HOT,
            warm_days=WARM,
            archive=Archive(WARM, "userId", USER_BUCKETS, "metrics/reopen_hours.sql"),
            delete_after_days=WARM,
            aggregates=_DETAIL,
            requires=("sealed", "reconciled", "summarised"),
            largest_share=LARGE_SHARE,
            parents=(parent,),
        )
    for table in ("metrics_daily", "metrics_weekly", "metrics_monthly"):
        yield kept("d1", table, "all that stays of sessions and points")
    yield Lifecycle(
        "d1",
        "metrics_*",
        "windowStart",
        hot_days=HOT,
        warm_days=WARM,
        not_archived="never deleted",
        kept="hours of sessions and points, in one partition a year once they are cold",
    )


def _machinery() -> Iterator[Lifecycle]:
    yield Lifecycle(
        "d1",
        "change_log",
        "changed_at",
        ("id",),
        hot_days=30,
        warm_days=HOT,
        archive=Archive(HOT, "row_id", USER_BUCKETS),
        delete_after_days=HOT,
        requires=("sealed", "consumed"),
        read_by=ReadBy("d1", "retention/read_changes.sql"),
        largest_share=LARGE_SHARE,
    )
    yield kept("d1", "change_log_readers", "one row a reader")
    yield kept(
        "d1",
        "pruned_sessions",
        "deleted once the media of a pruned session are gone",
        not_archived="a note of what to do",
    )
    for table in ("partitions", "partition_families", "job_places"):
        yield kept("d1", table, "says where the rows of time series lie and how far jobs came")
    yield Lifecycle(
        "d1",
        "stale_metrics",
        "windowStart",
        not_archived="a note of what to do",
        kept="deleted by the job that does it",
    )
    yield kept(
        "d1", "point_objects", "one short row an object: says what was ever taken, so that nothing is taken twice"
    )
    yield Lifecycle(
        "d1",
        "point_quarantine",
        "quarantinedAt",
        not_archived="nobody corrected the line in half a year",
        delete_after_days=180,
    )


def _objects() -> Iterator[Lifecycle]:
    yield prefix(
        "sesh/points/",
        30,
        "D1 holds its points",
        read_by=ReadBy("d1", "retention/read_points.sql"),
        share=LARGE_SHARE,
        readers=(("points", "ingested"),),
    )
    yield quarantine(
        "quarantine/points/",
        180,
        "nobody corrected the line in half a year",
        ReadBy("d1", "retention/unneeded_points.sql"),
    )


LIFECYCLES = (*_own_tables(), *_time_series(), *_machinery(), *_objects())
