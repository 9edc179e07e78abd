"""How long Sesh's data is kept, table by table: hot for 3 months, warm for 12, cold beyond."""

from collections.abc import Iterator

from assets.apps.lifecycle import LARGE_SHARE, Archive, Lifecycle

# People are many: their rows share this many buckets of the archive.
USER_BUCKETS = 16
HOT, WARM = 90, 365
_OWN = "a person's own, for as long as they stay; goes with them by erasure"
_DETAIL = ("metrics_*", "metrics_daily", "metrics_weekly", "metrics_monthly")


def _kept(name: str, why: str, not_archived: str = "never deleted") -> Lifecycle:
    return Lifecycle("d1", name, None, not_archived=not_archived, kept=why)


def _own_tables() -> Iterator[Lifecycle]:
    for table in ("users", "user_preferences", "inventory", "medical_symptoms", "journal_entries"):
        yield _kept(table, _OWN)
    for table in ("strains", "products", "dispensaries"):
        yield _kept(table, "reference data")
    for table in ("strain_terms", "product_terms"):
        yield _kept(table, "goes with what it finds", "made by triggers from other tables")


def _time_series() -> Iterator[Lifecycle]:
    for name, time, key in (("sessions_*", "timestamp", ("id",)), ("points_*", "at", ("sessionId", "seq"))):
        yield Lifecycle(
            "d1",
            name,
            time,
            key,
            hot_days=HOT,
            warm_days=WARM,
            archive=Archive(WARM, "userId", USER_BUCKETS),
            delete_after_days=WARM,
            aggregates=_DETAIL,
            requires=("sealed", "reconciled", "summarised"),
            largest_share=LARGE_SHARE,
        )
    for table in ("metrics_daily", "metrics_weekly", "metrics_monthly"):
        yield _kept(table, "all that stays of sessions and points")
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
        largest_share=LARGE_SHARE,
    )
    yield _kept("change_log_readers", "one row a reader")
    yield _kept("pruned_sessions", "taken away once the media of a pruned session are gone", "a note of what to do")
    for table in ("partitions", "partition_families", "job_places"):
        yield _kept(table, "says where the rows of time series lie and how far jobs came")
    yield Lifecycle(
        "d1",
        "stale_metrics",
        "windowStart",
        not_archived="a note of what to do",
        kept="taken away by the job that does it",
    )
    yield _kept("point_objects", "one short row an object: says what was ever taken, so that nothing is taken twice")
    yield Lifecycle(
        "d1",
        "point_quarantine",
        "quarantinedAt",
        not_archived="nobody mended the line in half a year",
        delete_after_days=180,
    )


def _media() -> Iterator[Lifecycle]:
    """The ledger of images lies in Postgres."""
    for table, why in (("images", "one row an image; goes with it"), ("listings", "says where a listing goes on")):
        yield Lifecycle("postgres", f"media.{table}", None, not_archived="never deleted", kept=why)


def _objects() -> Iterator[Lifecycle]:
    """R2, by prefix; ages count from when an object was written."""
    yield Lifecycle(
        "r2",
        "sesh/points/",
        "written",
        not_archived="D1 holds its points",
        delete_after_days=30,
        requires=("consumed",),
        largest_share=LARGE_SHARE,
    )
    yield Lifecycle(
        "r2",
        "quarantine/points/",
        "written",
        not_archived="nobody mended the line in half a year",
        delete_after_days=180,
    )
    yield Lifecycle(
        "r2",
        "access/sesh/",
        "written",
        not_archived="counted; ranks keys by how often they were read of late",
        delete_after_days=8,
        requires=("consumed",),
        largest_share=LARGE_SHARE,
    )
    yield Lifecycle(
        "r2",
        "quarantine/access/sesh/",
        "written",
        not_archived="its lines no longer rank a key",
        delete_after_days=8,
        largest_share=LARGE_SHARE,
    )
    yield Lifecycle("r2", "user-media/", None, not_archived="a person's own images", kept="goes with its session")
    yield Lifecycle(
        "r2",
        "quarantine/user-media/",
        "written",
        not_archived="refused images, kept for whoever looks into it",
        delete_after_days=180,
    )


LIFECYCLES = (*_own_tables(), *_time_series(), *_machinery(), *_media(), *_objects())
