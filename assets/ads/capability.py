"""What the ads room brings: syncs by the tier of organisations, and a full look-back of every connection daily.

What belongs here: jobs and ticks. What does not: the assets themselves (assets.py).
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from dagster import AssetSelection

from assets.ads import assets, health
from assets.ads.config import SyncConfig
from assets.ads.connections import FREE, PAYING
from assets.ads.plan import SyncMode
from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick
from assets.windows import daily_key
from resources.ad_platforms import PLATFORMS


def bring(app: App, site: Site) -> Capability:
    """What it brings for one app; empty where the app has no ad accounts."""
    graph = assets.build(app, site.calendar)
    if not graph:
        return Capability()

    def asks_for(mode: SyncMode, days: int, tiers: Sequence[str]) -> Callable[[datetime], list[Request]]:
        def requests(at: datetime) -> list[Request]:
            first = max(site.calendar.start, (at - timedelta(days=days)).date())
            # One run a platform, so that a slow one delays no other.
            return [
                Request(
                    platform,
                    (daily_key(first), daily_key(at.date())),
                    {("ads", platform): assets.AdSyncConfig(mode=mode.value, tiers=list(tiers))},
                    [("ads", name) for name in (platform, *assets.TABLES, "restatements")],
                )
                for platform in PLATFORMS
            ]

        return requests

    return Capability(
        assets=graph,
        jobs=[
            Job(
                "ads",
                AssetSelection.groups(f"{app.name}_ads"),
                "Sync ad platforms, then count what lies in Postgres; a range of metric days as one run.",
                timedelta(hours=3),
            )
        ],
        ticks=[
            Tick(
                "ads_hourly",
                "5 * * * *",
                "ads",
                "At hh:05, pro and enterprise connections: yesterday, today, and every missing day before.",
                AfterGap.LATEST,
                asks_for(SyncMode.RECENT, 1, PAYING),
            ),
            Tick(
                "ads_daily",
                "15 3 * * *",
                "ads",
                "At 03:15, the same for free connections.",
                AfterGap.LATEST,
                asks_for(SyncMode.RECENT, 1, FREE),
            ),
            Tick(
                "ads_look_back",
                "45 4 * * *",
                "ads",
                "Daily, the full look-back of every connection: conversions arrive for weeks.",
                AfterGap.LATEST,
                asks_for(SyncMode.LOOKBACK, SyncConfig().lookback_days, []),
            ),
        ],
        health=health.checks(app, app.ad_accounts, site) if app.ad_accounts is not None else (),
    )
