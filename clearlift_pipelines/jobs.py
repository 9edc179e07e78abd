"""Jobs: which assets are made together. When they run is in schedules.py and sensors.py."""

from dagster import AssetSelection, define_asset_job
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

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
CACHE = AssetSelection.groups("clearlift_cache")
ADS = AssetSelection.groups("clearlift_ads")


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
            DAYS | CACHE,
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
            "tidy", TIDY, description="Rewrite the lake's manifests where it pays, expire its snapshots.", tags=RETRIES
        ),
        define_asset_job(
            "remove_files", FILES, description="Remove files of the lake that nothing names any more.", tags=RETRIES
        ),
        define_asset_job("warm", CACHE, description="Bring the caches up to date.", tags=RETRIES),
    ]
    return {job.name: job for job in jobs}
