"""What the attribution room brings: yesterday's credits by the clock, and again where late data changed their days."""

from collections.abc import Iterator
from datetime import datetime

from dagster import AssetSelection

from assets.apps import App
from assets.attribution import assets
from assets.attribution.late import stale
from assets.capability import Capability, Job, Request, Site, Tick, Watch
from assets.rollups.late import horizon
from assets.windows import DAY, daily_key, midnight


def bring(app: App, site: Site) -> Capability:
    """Empty for an app that lacks an audience or ad accounts."""
    if app.audience is None or app.ad_accounts is None:
        return Capability()
    return Capability(
        assets=assets.build(app, site.calendar),
        jobs=[
            Job(
                "attribution",
                AssetSelection.groups(f"{app.name}_attribution"),
                "Touches and conversions of days, whose clicks they were, and the credits; a range as one run.",
            )
        ],
        ticks=[
            Tick(
                "attribution_daily",
                "55 0 * * *",
                "attribution",
                "At 00:55, yesterday's touches, conversions and credits.",
                _yesterday,
            )
        ],
        watches=[
            Watch(
                "late_attribution",
                ("attribution",),
                "Asks again for the attribution of days that changed.",
                lambda _: _late(site),
            )
        ],
    )


def _yesterday(at: datetime) -> list[Request]:
    key = daily_key((at - DAY).date())
    return [Request(partitions=(key, key))]


def _late(site: Site) -> Iterator[Request | str]:
    rooms, now = site.rooms, site.rooms.clock()
    since = horizon(midnight(site.calendar.start), site.late_horizon, now)
    windows = stale(rooms.postgres, since, now)
    for window in windows:
        first, last = daily_key(window.start.date()), daily_key((window.end - DAY).date())
        # The hour in the key asks again for what an earlier run failed to make.
        yield Request(f"{first}-{last}-{now:%Y-%m-%dT%H}", (first, last))
    if not windows:
        yield "No day that was attributed has changed since."
