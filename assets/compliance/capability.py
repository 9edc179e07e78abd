"""What the room of compliance brings: changes in the trail by the hour, the trail's head by the day, reports by month.

What belongs here: jobs and their times. What does not: the assets themselves (assets.py).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from assets.apps import App
from assets.apps.pipelines import PIPELINES
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, assets_of, one_day
from assets.compliance import assets
from assets.windows import DAY, month_of


def bring(app: App, site: Site) -> Capability:
    """What it brings for one app."""
    jobs = [
        Job(
            "compliance",
            assets_of(app, assets.REPORT),
            "The compliance report of a month.",
            timedelta(hours=6),
        )
    ]
    ticks = [
        Tick(
            "compliance",
            "30 7 1 * *",
            "compliance",
            "On the 1st at 07:30, after the day's retention: the report of the month that ended.",
            AfterGap.LATEST,
            _last_month,
        )
    ]
    if not app.changes:
        return Capability([assets.report(app, site.calendar)], jobs, ticks)
    jobs.append(
        Job(
            "changes",
            assets_of(app, assets.CHANGES),
            "Note in the audit trail how many personal rows changed.",
            timedelta(hours=1),
        )
    )
    ticks.append(
        Tick(
            "changes",
            "55 * * * *",
            "changes",
            "Hourly: changes of the application's personal rows, into the audit trail.",
            AfterGap.LATEST,
        )
    )
    return Capability([assets.changed_rows(app), assets.report(app, site.calendar)], jobs, ticks)


def bring_shared() -> Capability:
    """What it brings for the trail, which all apps share."""
    return Capability(
        [assets.trail()],
        [
            Job(
                "trail",
                assets_of(PIPELINES, assets.TRAIL),
                "Verify the audit trail, and put its head in R2.",
                timedelta(hours=2),
            )
        ],
        [
            Tick(
                "trail",
                "20 2 * * *",
                "trail",
                "Daily at 02:20: the audit trail verified, and its head in R2.",
                AfterGap.LATEST,
            )
        ],
    )


def _last_month(at: datetime) -> Iterator[Request]:
    yield one_day(month_of(at.date().replace(day=1) - DAY).start.date())
