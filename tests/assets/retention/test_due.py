"""What is old enough by policy alone, and when a run is stopped for its size."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps import APPS
from assets.apps.lifecycle import Lifecycle
from assets.archive.quarters import Quarter
from assets.retention import share
from assets.retention.deletion import Deletion, DeletionOutcome
from assets.retention.eligible import due
from assets.retention.stores import entries, proved
from assets.windows import midnight
from tests.assets.retention.rolled_up_stores import EVENTS

GOING = [e for app in APPS for e in app.lifecycles if e.delete_after_days is not None]
MOMENTS = st.integers(0, 50_000).map(lambda hours: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hours))
LOGS = Lifecycle("r2", "logs/", "written", not_archived="short-lived", delete_after_days=8)


@given(st.sampled_from(GOING), MOMENTS)
def test_what_may_go_is_whole_days_older_than_its_policy_says(entry: Lifecycle, now: datetime) -> None:
    before = due(entry, now, entry.requires).before
    assert entry.delete_after_days is not None
    assert before == midnight(before.date())
    assert before <= now - timedelta(days=entry.delete_after_days)
    if entry.archive is None:
        assert before > now - timedelta(days=entry.delete_after_days + 1)
    else:
        # Nothing of a quarter that is not archived yet.
        youngest = Quarter.of((before - timedelta(microseconds=1)).date())
        assert youngest.is_due(now, entry.archive.after_days)


def test_a_condition_that_nothing_proves_keeps_everything() -> None:
    found = due(EVENTS, datetime(2026, 7, 1, tzinfo=UTC), {"sealed"})
    assert found.unproved == ("reconciled",)
    assert found.why_not == "nobody proves that the aggregates that are kept were compared with the rows and agree"
    assert due(EVENTS, datetime(2026, 7, 1, tzinfo=UTC), {"sealed", "reconciled"}).why_not == ""


def test_what_is_kept_is_never_due() -> None:
    kept = next(e for app in APPS for e in app.lifecycles if e.kept)
    with pytest.raises(ValueError, match="is never deleted"):
        due(kept, datetime(2026, 7, 1, tzinfo=UTC), ())


def test_every_entry_that_goes_daily_has_a_deleter_that_proves_what_it_requires() -> None:
    for app in APPS:
        daily = entries(app)
        assert all(set(entry.requires) <= set(proved(entry)) for entry in daily)
        others = [e for e in app.lifecycles if e.delete_after_days is not None and e not in daily]
        assert all(e.is_series or e.deleted_by for e in others)


@pytest.mark.parametrize(
    ("going", "total", "stops"),
    [(250, 1_000, False), (251, 1_000, True), (999, 999, False), (0, 0, False), (1_000, 1_000, True)],
)
def test_a_larger_share_than_the_policy_expects_stops_a_run(going: int, total: int, stops: bool) -> None:
    deletion = Deletion("sesh", LOGS, datetime(2026, 7, 1, tzinfo=UTC), dry_run=False)
    outcome = DeletionOutcome(deletion, total, going)
    assert share.admitted(outcome) is not stops
    assert bool(outcome.stopped) is stops
    assert share.admitted(DeletionOutcome(replace(deletion, confirmed=True), total, going))
    planned = DeletionOutcome(replace(deletion, dry_run=True), total, going)
    assert not share.admitted(planned)
    assert str(planned.stopped) == str(outcome.stopped)


def test_a_share_is_one() -> None:
    for share_ in (0.0, 1.1):
        with pytest.raises(ValueError, match="a share lies above 0"):
            replace(LOGS, largest_share=share_)
