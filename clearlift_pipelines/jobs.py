"""Jobs: which assets are made together. When they run is in schedules.py and sensors.py."""

from dagster import AssetSelection, define_asset_job
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from assets.apps import APPS
from assets.retention.engine import PARTS, entries

RETRIES = {"dagster/max_retries": "2"}
INGEST = AssetSelection.assets(["clearlift", "events", "ingested"])
COMPACT = AssetSelection.assets(["clearlift", "events", "compacted"])
HOURS = AssetSelection.assets(["clearlift", "rollups", "hourly"])
DAYS = AssetSelection.assets(["clearlift", "rollups", "daily"])
WEEKS = AssetSelection.assets(["clearlift", "rollups", "weekly"])
MONTHS = AssetSelection.assets(["clearlift", "rollups", "monthly"])
TIDY = AssetSelection.assets(["clearlift", "upkeep", "manifests"], ["clearlift", "upkeep", "snapshots"])
FILES = AssetSelection.assets(["clearlift", "upkeep", "files"])
SESSIONS = AssetSelection.groups("clearlift_sessions")
INVALIDATED = AssetSelection.assets(["sesh", "cache", "invalidated"])
CACHE = AssetSelection.groups("clearlift_cache", "sesh_cache") - INVALIDATED
DASHBOARDS = DAYS.downstream(depth=1) & AssetSelection.groups("clearlift_cache")
ADS = AssetSelection.groups("clearlift_ads")
MEDIA = AssetSelection.assets(["sesh", "media", "variants"])
PARTITIONS = AssetSelection.assets(*(["sesh", "sesh", name] for name in ("partitions", "folded")))
COLUMNS = AssetSelection.assets(["sesh", "sesh", "columns"])
METRICS = AssetSelection.assets(
    *(["sesh", "sesh", f"metrics_{grain}"] for grain in ("hourly", "daily", "weekly", "monthly"))
)
POINTS = AssetSelection.assets(["sesh", "sesh", "points"]) | METRICS
POLICY = AssetSelection.assets(*([app.name, "archive", "policy"] for app in APPS))
ARCHIVE = AssetSelection.groups(*(f"{app.name}_archive" for app in APPS)) - POLICY
RETENTION = AssetSelection.assets(
    *([app.name, "retention", part] for app in APPS for part in PARTS.values() if entries(app, part))
)
PRUNING = AssetSelection.assets(["sesh", "retention", "pruning"])
ATTRIBUTION = AssetSelection.groups("clearlift_attribution")


def build() -> dict[str, UnresolvedAssetJobDefinition]:
    """Every job by its name."""
    jobs = [
        define_asset_job("ingest", INGEST, description="Take what has landed into the lake.", tags=RETRIES),
        define_asset_job("compact", COMPACT, description="Merge the lake's small files.", tags=RETRIES),
        define_asset_job(
            "hourly",
            COMPACT | HOURS,
            description="Compact the lake, then roll up an hour.",
            tags=RETRIES,
        ),
        define_asset_job(
            "roll_up_hours",
            HOURS,
            description="Roll up hours again: late data and backfills, a range as one run.",
            tags=RETRIES,
        ),
        define_asset_job(
            "roll_up_days",
            DAYS | DASHBOARDS,
            description="Roll up days, then bring the caches made of them up to date; a range as one run.",
            tags=RETRIES,
        ),
        define_asset_job(
            "roll_up_weeks",
            WEEKS,
            description="Roll up weeks of their days; a range as one run.",
            tags=RETRIES,
        ),
        define_asset_job(
            "roll_up_months",
            MONTHS,
            description="Roll up months of their days; a range as one run.",
            tags=RETRIES,
        ),
        define_asset_job(
            "sessions",
            SESSIONS,
            description="Make the sessions of days; a range as one run.",
            tags=RETRIES,
        ),
        define_asset_job(
            "ads",
            ADS,
            description="Sync ad platforms, then count what lies in Postgres; a range of metric days as one run.",
            tags=RETRIES,
        ),
        define_asset_job(
            "attribution",
            ATTRIBUTION,
            description="Touches and conversions of days, whose clicks they were, and the credits; a range as one run.",
            tags=RETRIES,
        ),
        define_asset_job(
            "tidy", TIDY, description="Rewrite the lake's manifests where it pays, expire its snapshots.", tags=RETRIES
        ),
        define_asset_job(
            "remove_files", FILES, description="Remove files of the lake that nothing names any more.", tags=RETRIES
        ),
        define_asset_job(
            "warm", CACHE, description="Count the access logs, then bring every cache up to date.", tags=RETRIES
        ),
        define_asset_job(
            "invalidate", INVALIDATED, description="Delete cached keys that hang on changed rows.", tags=RETRIES
        ),
        define_asset_job(
            "partitions",
            PARTITIONS,
            description="Make next month's partitions, fold months older than a year.",
            tags=RETRIES,
        ),
        define_asset_job(
            "columns", COLUMNS, description="Fill columns whose values were fields of JSON.", tags=RETRIES
        ),
        define_asset_job(
            "points", POINTS, description="Take points that were flushed, then make stale metrics.", tags=RETRIES
        ),
        define_asset_job(
            "archive",
            ARCHIVE,
            description="Archive quarters that are old enough, and what came late for them; a range as one run.",
            tags=RETRIES,
        ),
        define_asset_job(
            "retention",
            RETENTION,
            description="Delete what is old enough and proved; a dry run unless it is told otherwise.",
            tags=RETRIES,
        ),
        define_asset_job(
            "pruning",
            PRUNING,
            description="Prune Sesh's detail beyond a year that is sealed; a dry run unless it is told otherwise.",
            tags=RETRIES,
        ),
        define_asset_job("policy", POLICY, description="Show how long what is kept."),
        define_asset_job(
            "media", MEDIA, description="Make the variants of uploaded images; refuse what is none.", tags=RETRIES
        ),
    ]
    return {job.name: job for job in jobs}
