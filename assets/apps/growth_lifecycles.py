"""How long Growth's own tables are kept. What our own stores hold of it: pipelines_lifecycles.py. Pure.

Events go when a sealed archive holds them. What needs no archive goes by the database's own `cleanup_old_data`, which
takes the days from here.
"""

from assets.apps.lifecycle import LARGE_SHARE, Archive, Lifecycle, kept, prefix

BUCKETS = 16
DAYS = 90
CLEAN_UP = "cleanup_old_data, in the app's own database"


def _cleaned(
    name: str, time: str, not_archived: str, *, days: int = DAYS, aggregates: tuple[str, ...] = ()
) -> Lifecycle:
    return Lifecycle(
        "app_postgres",
        name,
        time,
        not_archived=not_archived,
        delete_after_days=days,
        aggregates=aggregates,
        deleted_by=CLEAN_UP,
        largest_share=LARGE_SHARE,
    )


LIFECYCLES = (
    kept("app_postgres", "marketing.leads", "a lead stays until it asks to go, by erasure", time="created_at"),
    kept("app_postgres", "marketing.lead_interactions", "goes with its lead", time="occurred_at"),
    _cleaned(
        "onboarding.sessions",
        "abandoned_at",
        "who gave up says nothing after the days; completed ones stay",
        aggregates=("analytics.metrics",),
    ),
    _cleaned(
        "onboarding.step_activities",
        "occurred_at",
        "how one person filled in a form says nothing after the days",
        aggregates=("analytics.metrics",),
    ),
    Lifecycle(
        "app_postgres",
        "analytics.events",
        "created_at",
        ("id",),
        hot_days=30,
        warm_days=DAYS,
        archive=Archive(DAYS, "session_id", BUCKETS),
        delete_after_days=DAYS,
        aggregates=("analytics.event_aggregations", "analytics.metrics"),
        requires=("sealed",),
        largest_share=LARGE_SHARE,
    ),
    _cleaned(
        "analytics.event_aggregations",
        "window_start",
        "days stay; hours cannot be counted again once their events are gone",
        aggregates=("analytics.event_aggregations",),
    ),
    kept("app_postgres", "analytics.metrics", "all that stays of events and onboarding", time="day"),
    kept("app_postgres", "experiments.experiments", "says what was tested and how it was decided", time="created_at"),
    kept(
        "app_postgres",
        "experiments.assignments",
        "who saw what stays as long as its experiment, whose verdict it explains",
        time="assigned_at",
    ),
    kept("app_postgres", "whatsapp.accounts", "a customer's own, for as long as they stay", time="created_at"),
    kept("app_postgres", "whatsapp.templates", "goes with its account", time="created_at"),
    kept(
        "app_postgres",
        "pipelines.pending_events",
        "goes when its event is processed",
        not_archived="a note of what to do",
        time="occurred_at",
    ),
    kept(
        "app_postgres",
        "pipelines.stale_windows",
        "goes when its window is made again",
        not_archived="a note of what to do",
        time="window_start",
    ),
    _cleaned("pipelines.rate_limits", "minute", "a count of one minute", days=1),
    kept("app_postgres", "pipelines.settings", "one row a setting"),
    kept("app_postgres", "pipelines.migrations", "one row a migration"),
    prefix("reports/growth/", 365, "counts of days, which say nothing about a person"),
)
