"""Jobs: which assets are made together. When they run is in schedules.py and sensors.py."""

from dagster import AssetSelection, define_asset_job
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

RETRIES = {"dagster/max_retries": "2"}
INGEST = AssetSelection.assets(["clearlift", "events", "ingested"])
COMPACT = AssetSelection.assets(["clearlift", "events", "compacted"])
HOURS = AssetSelection.assets(["clearlift", "rollups", "hourly"])
DAYS = AssetSelection.assets(["clearlift", "rollups", "daily"])
CACHE = AssetSelection.groups("clearlift_cache")


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
        define_asset_job("warm", CACHE, description="Bring the caches up to date.", tags=RETRIES),
    ]
    return {job.name: job for job in jobs}
