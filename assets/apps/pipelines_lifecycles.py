"""How long what our own stores hold of an app is kept: the entries follow from what the app has. Pure.

What belongs here: tables of our own Postgres, which apps share, the lake's table of an audience, and prefixes of R2
that our jobs write or read. What does not: tables of an app's own databases, which lie beside the app.
"""

from collections.abc import Iterator

from assets.apps.lifecycle import (
    LARGE_SHARE,
    Archive,
    Asset,
    Condition,
    Lifecycle,
    ReadBy,
    Rule,
    kept,
    prefix,
    quarantine,
)
from assets.apps.model import AdAccounts, Audience, CacheAside, CacheFamily, Experiments, Media

LONGEST_EXPORT_DAYS = 7
GRAINS = ("hourly", "daily", "weekly", "monthly")
_OWN = "goes with its organisation or user, by erasure"
_RECORD = "one short row a run or object: says what was ever taken, so that nothing is taken twice"
_OF_EVENTS = "made of events, which are archived"
_SHORT_LIVED = "of no use once it is over"
_READS = "counted; ranks keys by how often they were read lately"
_UNCORRECTED = "nobody corrected the line in half a year"
_UPKEEP = "upkeep removes what nothing names"
_RECORDS = {
    "archive.revisions": "says what is archived",
    "archive.tombstones": "who was erased stays erased",
    "privacy.requests": "proves when a request was carried out; nothing in it leads to the person",
    "privacy.steps": "proves in which stores a request was carried out",
    "privacy.secrets": "keys the hashes of people who were erased",
    "sealing.keys": "says how old each key is, and since when nothing live refers to it",
    "retention.deletions": "says what was deleted, when, and what proved that it may be",
    "audit.entries": "a chain that loses its beginning proves nothing",
    "audit.followed": "one row a change log",
    "analysts.readers": "one row a login and organisation",
    "health.looks": "one row a health check",
    "health.findings": "each look deletes what ended a month ago",
    "health.alerts": "each look deletes what was sent a month ago",
    "health.requests": "one short row a store, class and day",
    "health.samples": "each look deletes what is older than a year, and the times of looks after a month",
    "pacing.buckets": "one row an ad platform",
    "pipelines.migrations": "says what the schema is",
}
_AGREED: tuple[Condition, ...] = ("reconciled",)


ANSWERED = "says what became of a request; it names nobody then"


def lifecycles_of(
    name: str,
    *,
    audience: Audience | None,
    ad_accounts: AdAccounts | None,
    media: Media | None,
    cache: tuple[CacheFamily, ...],
    cache_aside: tuple[CacheAside, ...],
    experiments: Experiments | None,
    d1: bool,
) -> Iterator[Lifecycle]:
    """The entries of an app, by its name and its parts, for our own stores."""
    if audience is not None:
        yield from _events(audience)
    if ad_accounts is not None:
        yield from _ads(ad_accounts.raw)
    if cache or cache_aside:
        yield from _cache(name)
    if media is not None:
        yield from _media(media.root)
    if experiments is not None:
        for table in ("looks", "results"):
            yield kept(
                "postgres", f"experiments.{table}", "how an experiment was decided; its events are gone", time="day"
            )
    if d1:
        yield kept("d1", "backup_log", "each backup deletes what a verified one holds", time="changed_at")
        yield kept("d1", "erasure_requests", ANSWERED, time="requested_at")
        yield kept("d1", "export_requests", ANSWERED, time="requested_at")
        yield kept("d1", "backup_noted", "empty but for rows that a refused statement noted")
    for table, why in _RECORDS.items():
        yield kept("postgres", table, why)
    yield kept("r2", "audit/", "one short object a day: proves that the audit trail is the one that was written")
    yield kept("r2", "privacy/receipts/", "proves that a request was carried out; it names nobody")
    yield kept("r2", "compliance/", "one report a month: shows what was done")
    yield kept("r2", "pages/", "one file, made again every few minutes", not_archived="made of what the stores hold")
    yield kept("r2", "archive/", "for those who must look back", not_archived="it is the archive")
    yield prefix("exports/", LONGEST_EXPORT_DAYS, "made again when it is asked for", share=1)
    yield prefix("search/", 1, _SHORT_LIVED, share=1)
    for family in (*(family.name for family in cache), *(key for aside in cache_aside for key in aside.keys)):
        until = "for as long as it is wanted: each key expires by its own lifetime"
        yield kept("kv", family, until, not_archived="made again from its tables", time="written")


def _going(
    name: str,
    time: str,
    days: int,
    not_archived: str,
    *,
    requires: tuple[Condition, ...] = (),
    rule: Rule | None = None,
    hot: int | None = None,
    share: float = 0.25,
    expires: str = "",
    deleted_by: str = "",
    readers: tuple[Asset, ...] = (),
) -> Lifecycle:
    """A table of our Postgres whose rows are deleted by age, without an archive."""
    return Lifecycle(
        "postgres",
        name,
        time,
        app_column="namespace" if name.startswith("cache.") else "app",
        hot_days=hot,
        warm_days=days if hot else None,
        not_archived=not_archived,
        delete_after_days=days,
        requires=requires,
        rule=rule,
        largest_share=share,
        expires=expires,
        deleted_by=deleted_by,
        readers=readers,
    )


def _events(audience: Audience) -> Iterator[Lifecycle]:
    yield Lifecycle(
        "lake",
        audience.table,
        "timestamp",
        ("org_tag", "event_id"),
        hot_days=30,
        warm_days=90,
        archive=Archive(90, "org_tag"),
        delete_after_days=90,
        aggregates=(*(f"rollups.{grain}" for grain in GRAINS), "sessions.daily", "attribution.credits"),
        requires=("sealed", "reconciled"),
        largest_share=LARGE_SHARE,
        parents=(("events", "compacted"),),
        readers=(*(("rollups", grain) for grain in GRAINS), ("sessions", "daily"), ("attribution", "daily")),
    )
    for table in ("runs", "batches", "without_consent", "unknown_fields", "streamed"):
        yield kept("postgres", f"ingest.{table}", _RECORD)
    yield _going("ingest.quarantine", "runs.started_at", 180, _UNCORRECTED, rule=Rule("retention/old_quarantine.sql"))
    for grain in GRAINS:
        for cut in ("", "_totals", "_pages", "_sources", "_campaigns"):
            yield kept("postgres", f"rollups.{grain}{cut}", "all that stays of the events")
    for table in ("rollups.windows", "rollups.followed", "sessions.windows", "attribution.windows"):
        yield kept("postgres", table, "says from which commit each window was made")
    # Conversions go before touches, because their rule records the days whose credits are final.
    for table, rule, reader in (
        ("sessions.daily", Rule("retention/old_sessions.sql", _AGREED, "retention/freeze_sessions.sql"), "sessions"),
        (
            "attribution.conversions",
            Rule("retention/old_conversions.sql", _AGREED, "retention/freeze_attribution.sql"),
            "attribution",
        ),
        ("attribution.touches", Rule("retention/old_touches.sql", _AGREED), "attribution"),
        ("attribution.sign_ins", Rule("retention/old_sign_ins.sql", _AGREED), "attribution"),
    ):
        yield _going(table, "day", 400, _OF_EVENTS, requires=_AGREED, rule=rule, hot=90, readers=((reader, "daily"),))
    yield kept("postgres", "consent.choices", "a refusal holds until its person agrees again")
    yield kept("postgres", "attribution.credits", "what campaigns brought, of which the events are gone")
    for table in ("organizations", "labels", "ad_labels"):
        yield kept("postgres", f"attribution.{table}", "a mirror, as long as what it mirrors")
    for table in ("models", "exchange_rates"):
        yield kept("postgres", f"attribution.{table}", "an operator's own choice")
    yield _going("attribution.click_days", "day", 120, "the platform reports a click for 90 days")
    yield kept("postgres", "attribution.clicks", "one short row a click, by which credits are made again")
    yield kept("postgres", "retention.pruned_days", "says which days of the lake are archived only")
    yield kept("postgres", "lake.*", "the catalog of the lake; its own upkeep expires snapshots")
    yield prefix(
        audience.landing,
        30,
        "the lake holds its events",
        read_by=ReadBy("postgres", "retention/read_batches.sql"),
        share=LARGE_SHARE,
        readers=(("events", "ingested"),),
    )
    yield quarantine(audience.quarantine, 180, _UNCORRECTED, ReadBy("postgres", "retention/unneeded_batches.sql"))
    yield kept("r2", "data/", _UPKEEP, not_archived="files of lake tables")
    yield kept("r2", "lake/", _UPKEEP, not_archived="metadata of the lake")


def _ads(raw: str) -> Iterator[Lifecycle]:
    for table in ("ad_accounts", "campaigns", "campaign_names", "ad_groups", "ads", "keywords"):
        yield kept("postgres", f"ads.{table}", _OWN)
    metrics = (f"{level}_metrics_daily" for level in ("campaign", "ad_group", "ad", "keyword"))
    for table in (*metrics, "conversions_daily"):
        yield kept("postgres", f"ads.{table}", "one row a day, compared with years before", time="date")
    yield kept("postgres", "ads.sync_state", "one row a stream: how far it was synced")
    yield kept("postgres", "ads.sync_ranges", "one row a stream: what its platform could answer at once")
    # Slices go before their runs, because the deletion of a run would take its slices along.
    for table, time in (("sync_slices", "observed_at"), ("sync_runs", "started_at")):
        yield _going(
            f"ads.{table}",
            time,
            400,
            "says how a sync went; what it brought lies elsewhere",
            requires=("settled",),
            rule=Rule(f"retention/old_{table}.sql", ("settled",)),
        )
    yield Lifecycle(
        "postgres",
        "ads.restatements",
        "seen_at",
        ("id",),
        app_column="app",
        hot_days=90,
        warm_days=365,
        archive=Archive(365, "org_id"),
        delete_after_days=730,
        requires=("sealed",),
        largest_share=LARGE_SHARE,
        parents=(("ads", "restatements"),),
    )
    yield prefix(
        raw,
        90,
        "three look-backs of 30 days; its facts are in Postgres",
        read_by=ReadBy("postgres", "retention/read_pages.sql"),
        readers=(("ads", "campaign_metrics_daily"),),
    )


def _cache(app: str) -> Iterator[Lifecycle]:
    yield _going(
        "cache.entries",
        "expires_at",
        0,
        "an index of KV, whose entries expire",
        requires=("expired",),
        share=LARGE_SHARE,
        expires="expires_at",
        deleted_by="each warming of the cache",
    )
    yield _going(
        "cache.reads",
        "day",
        8,
        "ranks keys by how often they were read lately",
        share=LARGE_SHARE,
        deleted_by="each count of the access log",
    )
    # A counted object is known until it is gone itself, so that it is counted once.
    yield _going(
        "cache.access_objects",
        "ingested_at",
        8,
        _SHORT_LIVED,
        requires=("consumed",),
        rule=Rule("retention/old_access_objects.sql", ("consumed",), listed=f"access/{app}/"),
        share=LARGE_SHARE,
    )
    yield _going(
        "cache.access_refusals",
        "access_objects.ingested_at",
        8,
        _SHORT_LIVED,
        share=LARGE_SHARE,
        deleted_by="cache.access_objects, whose rows take these along",
    )
    yield prefix(
        f"access/{app}/",
        8,
        _READS,
        read_by=ReadBy("postgres", "retention/read_access_logs.sql"),
        share=LARGE_SHARE,
    )
    yield quarantine(
        f"quarantine/access/{app}/",
        8,
        "its lines no longer rank a key",
        ReadBy("postgres", "retention/unneeded_access_logs.sql"),
        share=LARGE_SHARE,
    )


def _media(root: str) -> Iterator[Lifecycle]:
    yield kept("postgres", "media.images", "one row an image; goes with it")
    yield kept("postgres", "media.listings", "says where a listing goes on")
    yield kept("r2", f"{root}/", "goes with its session", not_archived="a person's own images")
    yield prefix(f"quarantine/{root}/", 180, "refused images, kept for those who look into the reason")
