"""How the statements of Growth that run on a schedule find their rows. Pure."""

from typing import Any

from assets.apps.hot_query import HotQuery

# Words that Postgres reads as times; of a plan only their order matters.
_RANGE = {"since": "yesterday", "until": "today"}


def _scheduled(name: str, *indexes: str, **parameters: Any) -> HotQuery:
    return HotQuery(f"growth/{name}.sql", "postgres", indexes, parameters=parameters)


QUERIES = (
    _scheduled("make_windows", "events_by_time", kind="hour", windows=["yesterday"]),
    _scheduled("make_metrics", "events_by_time", windows=["yesterday"]),
    _scheduled("recount_hour", "events_by_time", **_RANGE, seed=0.5),
    _scheduled("unread_phones", "leads_with_raw_phone", after=None, rows=2_000),
    _scheduled("waiting_phones", "leads_with_raw_phone"),
    _scheduled("lead_funnel", "leads_by_created", **_RANGE),
    _scheduled("count_leads", "leads_by_created", **_RANGE),
    _scheduled("drop_off", "sessions_by_start", **_RANGE),
    _scheduled("count_onboardings", "sessions_by_start", **_RANGE),
    _scheduled("inactive", "sessions_inactive", "sessions_by_step", since="yesterday"),
)
