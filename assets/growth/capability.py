"""What the room of growth brings: events taken every 5 minutes, sessions ended every 10, windows hourly, reports daily.

What belongs here: jobs and their times. What does not: the work itself.
"""

from collections.abc import Iterator
from datetime import timedelta

from dagster import MaterializeResult

from assets.apps import App, Growth
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, Watch, assets_of
from assets.growth import event_assets, health, inactive, messaging_assets, people_assets, report_assets
from assets.growth.pending import BATCHES_AT_ONCE, PendingEvents


def bring(app: App, site: Site) -> Capability:
    """Empty for an app whose Postgres holds no events, leads and onboarding."""
    growth = app.growth
    if growth is None:
        return Capability()
    return Capability(
        assets=[
            *event_assets.build(app, growth),
            *people_assets.build(app, growth),
            *report_assets.build(app, growth),
            *messaging_assets.build(app, growth),
        ],
        jobs=_jobs(app),
        ticks=[
            Tick(
                "aggregate",
                "10 * * * *",
                "aggregate",
                "At hh:10, hours and days in which events were counted since, and metrics of days that have ended.",
                AfterGap.LATEST,
            ),
            Tick("phones", "25 * * * *", "phones", "At hh:25, phone numbers that came or changed.", AfterGap.LATEST),
            Tick(
                "reports",
                "10 6 * * *",
                "reports",
                "Daily at 06:10: the funnel of leads, the drop-off of onboarding, what account owners must do.",
                AfterGap.LATEST,
            ),
        ],
        watches=[
            Watch(
                "pending_events",
                ("pending_events",),
                "Takes pending events into the aggregations, without a run; asks for one where many wait.",
                lambda _: _pending(app, growth, site),
                seconds=300,
            ),
            Watch(
                "inactive_sessions",
                (),
                "Ends inactive onboarding sessions, without a run.",
                lambda _: _inactive(app, growth, site),
                seconds=600,
            ),
        ],
        health=health.checks(app, growth, site),
    )


def _jobs(app: App) -> list[Job]:
    return [
        Job(
            "pending_events",
            assets_of(app, ("analytics", "pending")),
            "Take pending events into the aggregations until none is left.",
            timedelta(hours=2),
        ),
        Job(
            "inactive_sessions",
            assets_of(app, ("onboarding", "inactive")),
            "End inactive onboarding sessions.",
            timedelta(minutes=30),
        ),
        Job(
            "aggregate",
            assets_of(app, ("analytics", "aggregations"), ("analytics", "metrics")),
            "Make aggregations and metrics of windows that changed again.",
            timedelta(hours=2),
        ),
        Job("phones", assets_of(app, ("leads", "phones")), "Read phone numbers of leads.", timedelta(hours=1)),
        Job(
            "reports",
            assets_of(app, ("leads", "funnel"), ("onboarding", "drop_off"), ("messaging", "accounts")),
            "Make the reports, and look what owners of messaging accounts must do.",
            timedelta(minutes=30),
        ),
    ]


def _pending(app: App, growth: Growth, site: Site) -> Iterator[Request | MaterializeResult[None]]:
    taken = PendingEvents.of(site.rooms, app, growth).run(BATCHES_AT_ONCE)
    yield event_assets.pending_result(app, taken)
    if taken.left and taken.batches == BATCHES_AT_ONCE:
        yield Request(state=str(taken.left))


def _inactive(app: App, growth: Growth, site: Site) -> Iterator[MaterializeResult[None]]:
    done = inactive.end(site.rooms.app_postgres(app), growth, site.rooms.clock())
    yield people_assets.inactive_result(app, done)
