"""How long Growth's own tables are kept. What our own stores hold of it: pipelines_lifecycles.py. Pure.

The database has a function `cleanup_old_data` for those who run it without these pipelines. What needs no archive goes
by the one that comes first; a test holds that they mean the same rows.
"""

from assets.apps.lifecycle import LARGE_SHARE, Archive, Lifecycle, Rule, kept, prefix
from assets.apps.pipelines_lifecycles import ANSWERED

BUCKETS = 16
DAYS = 90


def _short(
    name: str,
    time: str,
    not_archived: str,
    *,
    days: int = DAYS,
    aggregates: tuple[str, ...] = (),
    rule: Rule | None = None,
    share: float = LARGE_SHARE,
) -> Lifecycle:
    return Lifecycle(
        "app_postgres",
        name,
        time,
        not_archived=not_archived,
        delete_after_days=days,
        aggregates=aggregates,
        rule=rule,
        largest_share=share,
    )


LIFECYCLES = (
    kept("app_postgres", "marketing.leads", "a lead stays until it asks to go, by erasure", time="created_at"),
    kept("app_postgres", "marketing.lead_interactions", "goes with its lead", time="occurred_at"),
    _short(
        "onboarding.sessions",
        "abandoned_at",
        "who gave up so long ago says nothing; completed ones have no such time, and stay",
    ),
    _short("onboarding.step_activities", "occurred_at", "how one person filled in a form so long ago says nothing"),
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
        readers=(("analytics", "aggregations"), ("analytics", "metrics")),
    ),
    _short(
        "analytics.event_aggregations",
        "window_start",
        "days stay, and hours cannot be counted again once their events are gone",
        aggregates=("analytics.event_aggregations",),
        rule=Rule("growth/old_hours.sql"),
    ),
    kept("app_postgres", "analytics.metrics", "all that stays of events", time="day"),
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
    kept("app_postgres", "pipelines.audit_log", "proves who changed what, also when it is gone", time="changed_at"),
    # On a day without requests all of them are old.
    *(
        kept("app_postgres", table, ANSWERED, time="requested_at")
        for table in ("pipelines.erasure_requests", "pipelines.export_requests")
    ),
    _short("pipelines.rate_limits", "minute", "a count of one minute", days=1, share=1.0),
    kept("app_postgres", "pipelines.settings", "one row of settings"),
    kept("app_postgres", "pipelines.migrations", "one row a migration"),
    prefix("reports/growth/", 365, "counts of days, which say nothing about a person"),
)
