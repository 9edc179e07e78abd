"""Which rows of Postgres may go, table by table, in SQL: how their age is told, and what proves the rest.

What belongs here: one rule a table. What does not: deleting (postgres.py), archived tables (postgres_sealed.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from assets.apps.lifecycle import Condition
from assets.attribution.rules import DEFAULT
from assets.attribution.touches import VERSION as ATTRIBUTION_VERSION
from assets.sessions.definition import AFTER, BEFORE
from assets.sessions.definition import VERSION as SESSIONS_VERSION
from assets.windows import DAY


@dataclass(frozen=True)
class Rule:
    """Conditions on a row `t`, in SQL with the parameter `before` and those of `GIVEN`.

    old: it is old enough. may: what its entry requires is proved of it. first: a file of sql/ whose statement proves
    days of rows, and notes that they go, before any is deleted. proves: the conditions that this proves.
    why_not: why an old row stays. reads: a prefix of R2 whose keys are the parameter `there`.
    """

    old: str
    may: str = "true"
    first: str = ""
    proves: frozenset[Condition] = frozenset()
    why_not: str = ""
    reads: str = ""


GIVEN: Mapping[str, object] = {
    "sessions_version": SESSIONS_VERSION,
    "sessions_before": BEFORE // DAY,
    "sessions_after": AFTER // DAY,
    "attribution_version": ATTRIBUTION_VERSION,
    "default_days": DEFAULT.window_days,
}
_OF_DAY = "t.day < %(before)s::date"
_UNMADE = "their day was not made of all of its events, or does not hold what was written down of it"
_NEEDED = """not exists (
    select from attribution.windows w
    where not w.pruned and w.day >= t.day and w.day <= t.day + 3
        + greatest(%(default_days)s::integer, (select max(o.window_days) from attribution.organizations o))
)"""

RULES: Mapping[str, Rule] = {
    "ingest.quarantine": Rule(
        "exists (select from ingest.runs r where r.ingest_id = t.ingest_id and r.started_at < %(before)s)"
    ),
    "sessions.daily": Rule(
        _OF_DAY,
        "exists (select from sessions.windows w where w.day = t.day and w.pruned)",
        "retention/freeze_sessions.sql",
        frozenset({"reconciled"}),
        _UNMADE,
    ),
    "attribution.conversions": Rule(
        _OF_DAY,
        "exists (select from attribution.windows w where w.day = t.day and w.pruned)",
        "retention/freeze_attribution.sql",
        frozenset({"reconciled"}),
        _UNMADE,
    ),
    # Whatever a later conversion may be credited to stays until that one's credits are final.
    "attribution.touches": Rule(
        _OF_DAY,
        _NEEDED,
        proves=frozenset({"reconciled"}),
        why_not="conversions of days that may be credited again need them",
    ),
    "attribution.click_days": Rule(_OF_DAY),
    "ads.sync_slices": Rule(
        "t.observed_at < %(before)s",
        "t.state in ('merged', 'failed', 'resumed')"
        " and exists (select from ads.sync_runs r where r.id = t.run_id and r.status <> 'running')",
        proves=frozenset({"settled"}),
        why_not="the slice or its run has not ended",
    ),
    # Slices go first: deleting a run would take what is left of them along.
    "ads.sync_runs": Rule(
        "t.started_at < %(before)s",
        "t.status <> 'running' and not exists (select from ads.sync_slices s where s.run_id = t.id)",
        proves=frozenset({"settled"}),
        why_not="the run has not ended, or slices of it stay",
    ),
    # Known until it is gone itself, so that it is counted once.
    "cache.access_objects": Rule(
        "t.ingested_at < %(before)s",
        "t.object <> all(%(there)s::text[])",
        proves=frozenset({"consumed"}),
        why_not="the object is still there",
        reads="access",
    ),
}

# Entries whose rows go by other hands, by which.
ELSEWHERE: Mapping[str, str] = {
    "cache.entries": "by each warming of the cache",
    "cache.reads": "by each counting of the access log",
    "cache.access_refusals": "with cache.access_objects",
}
