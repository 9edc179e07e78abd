"""How long ClearLift's data is kept, table by table. What Postgres holds for all applications is told of here."""

from collections.abc import Iterator

from assets.apps.lifecycle import LARGE_SHARE, Archive, Condition, Lifecycle

_OWN = "goes with its organisation or user, by erasure"
_LEDGER = "one short row a run or object: says what was ever taken, so that nothing is taken twice"
_TOTALS = "all that stays of the events"
_DERIVED = "made again from other tables"
_SHORT_LIVED = "of no use once it is over"
_ROLLUPS = tuple(f"rollups.{grain}" for grain in ("hourly", "daily", "weekly", "monthly"))


def _kept(name: str, why: str, time: str | None = None, not_archived: str = "") -> Lifecycle:
    store = "postgres" if "." in name else "d1"
    return Lifecycle(store, name, time, not_archived=not_archived or "never deleted", kept=why)  # type: ignore[arg-type]


def _going(
    name: str,
    time: str,
    days: int,
    why: str,
    requires: tuple[Condition, ...] = (),
    hot: int | None = None,
    share: float = 0.25,
) -> Lifecycle:
    store = "postgres" if "." in name else "d1"
    return Lifecycle(
        store,  # type: ignore[arg-type]
        name,
        time,
        hot_days=hot,
        warm_days=days if hot else None,
        not_archived=why,
        delete_after_days=days,
        requires=requires,
        largest_share=share,
    )


def _short(name: str, time: str, days: int, why: str, requires: tuple[Condition, ...] = ()) -> Lifecycle:
    return _going(name, time, days, why, requires, share=LARGE_SHARE)


def _lake() -> Iterator[Lifecycle]:
    yield Lifecycle(
        "lake",
        "clearlift.events",
        "timestamp",
        ("org_tag", "event_id"),
        hot_days=30,
        warm_days=90,
        archive=Archive(90, "org_tag"),
        delete_after_days=90,
        aggregates=(*_ROLLUPS, "sessions.daily", "attribution.credits"),
        requires=("sealed", "reconciled"),
        largest_share=LARGE_SHARE,
    )


def _d1() -> Iterator[Lifecycle]:
    for table in ("users", "organizations", "organization_members", "platform_connections", "org_tag_mappings"):
        yield _kept(table, _OWN, "joined_at" if table == "organization_members" else None)
    yield _short("sessions", "created_at", 30, "a signed-in session says nothing once it is over", ("expired",))
    yield _short("invitations", "expires_at", 0, "an invitation says nothing once it is over", ("expired",))


def _postgres() -> Iterator[Lifecycle]:
    for table in ("runs", "batches", "without_consent", "unknown_fields"):
        yield _kept(f"ingest.{table}", _LEDGER)
    yield _going("ingest.quarantine", "runs.started_at", 180, "nobody mended the line in half a year")
    for grain in ("hourly", "daily", "weekly", "monthly"):
        for cut in ("", "_totals", "_pages", "_sources", "_campaigns"):
            yield _kept(f"rollups.{grain}{cut}", _TOTALS)
    for table in ("rollups.windows", "rollups.followed", "sessions.windows", "attribution.windows"):
        yield _kept(table, "says from which commit each window was made")
    yield _going("sessions.daily", "day", 400, "made of events, which are archived", ("reconciled",), hot=90)
    for table in ("touches", "conversions"):
        yield _going(f"attribution.{table}", "day", 400, "made of events, which are archived", ("reconciled",), hot=90)
    yield _kept("attribution.credits", "what campaigns brought, of which the events are gone")
    for table in ("organizations", "labels"):
        yield _kept(f"attribution.{table}", "a mirror, as long as what it mirrors")
    yield _going("attribution.click_days", "day", 120, "the platform tells of a click for 90 days")
    yield _kept("attribution.clicks", "one short row a click, by which credits are made again")
    yield from _ads()
    yield _short("cache.entries", "expires_at", 0, "an index of KV, whose entries expire", ("expired",))
    yield _short("cache.reads", "day", 8, "ranks keys by how often they were read of late")
    yield _short("cache.access_objects", "ingested_at", 8, _SHORT_LIVED, ("consumed",))
    yield _short("cache.access_refusals", "access_objects.ingested_at", 8, _SHORT_LIVED)
    yield _kept("archive.revisions", "says what is archived")
    yield _kept("archive.tombstones", "who was erased stays erased")
    yield _kept("retention.deletions", "says what was deleted, when, and what proved that it may be")
    yield _kept("retention.pruned_days", "says which days of the lake are archived only")
    yield _kept("pipelines.migrations", "says what the schema is")
    yield _kept("lake.*", "the catalog of the lake; its own upkeep expires snapshots")


def _ads() -> Iterator[Lifecycle]:
    for table in ("ad_accounts", "campaigns", "ad_groups", "keywords"):
        yield _kept(f"ads.{table}", _OWN)
    for table in ("campaign_metrics_daily", "ad_group_metrics_daily", "keyword_metrics_daily"):
        yield _kept(f"ads.{table}", "one row a day, compared with years before", "date")
    yield _kept("ads.sync_state", "one row a stream: how far it was synced")
    for table, time in (("sync_runs", "started_at"), ("sync_slices", "observed_at")):
        yield _going(f"ads.{table}", time, 400, "says how a sync went; what it brought lies elsewhere", ("settled",))
    yield Lifecycle(
        "postgres",
        "ads.restatements",
        "seen_at",
        ("id",),
        hot_days=90,
        warm_days=365,
        archive=Archive(365, "org_id"),
        delete_after_days=730,
        requires=("sealed",),
        largest_share=LARGE_SHARE,
    )


def _objects() -> Iterator[Lifecycle]:
    """R2, by prefix; ages count from when an object was written."""

    def prefix(name: str, days: int, why: str, requires: tuple[Condition, ...] = (), share: float = 0.25) -> Lifecycle:
        return Lifecycle(
            "r2", name, "written", not_archived=why, delete_after_days=days, requires=requires, largest_share=share
        )

    yield prefix("landing/events/", 30, "the lake holds its events", ("consumed",), LARGE_SHARE)
    yield prefix("quarantine/events/", 180, "nobody mended the line in half a year")
    yield prefix("raw/ads/", 90, "three look-backs of 30 days; its facts are in Postgres", ("consumed",))
    yield prefix(
        "access/clearlift/", 8, "counted; ranks keys by how often they were read of late", ("consumed",), LARGE_SHARE
    )
    yield prefix("quarantine/access/clearlift/", 8, "its lines no longer rank a key", share=LARGE_SHARE)
    yield Lifecycle("r2", "data/", None, not_archived="files of lake tables", kept="upkeep removes what nothing names")
    yield Lifecycle("r2", "lake/", None, not_archived="metadata of the lake", kept="upkeep removes what nothing names")
    yield Lifecycle("r2", "archive/", None, not_archived="it is the archive", kept="for whoever must look back")


LIFECYCLES = (*_lake(), *_d1(), *_postgres(), *_objects())
