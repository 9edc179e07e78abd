"""A recount of a random hour finds each difference, and is never green where nothing was compared."""

import pytest

from assets.growth.drift import Drift, measure
from assets.growth.pending import PendingEvents
from assets.growth.windows import StaleWindows
from assets.windows import HOUR, Window, floor_hour
from resources.postgres import Postgres
from tests.assets.growth.app_database import GROWTH, NOW, events, hours_before, insert, last

SEEDS = [n / 40 for n in range(40)]


@pytest.fixture
def counted(own: Postgres) -> Postgres:
    """A database with events of the last day and their aggregations."""
    insert(own, events(400, last(24)))
    PendingEvents(own, GROWTH, lambda: NOW).run()
    StaleWindows(own, GROWTH, lambda: NOW).make("hour")
    return own


def test_every_hour_agrees_and_each_may_be_the_one(counted: Postgres) -> None:
    seen = [measure(counted, GROWTH, NOW, seed) for seed in SEEDS]
    assert all(drift.passed for drift in seen)
    assert {drift.hour for drift in seen} == {floor_hour(NOW) - n * HOUR for n in range(1, 25)}
    assert all(drift.events for drift in seen)


def test_nothing_to_compare_proves_nothing(own: Postgres) -> None:
    assert measure(own, GROWTH, NOW, 0.5) == Drift(None)
    assert not Drift(None).passed
    # The hour in progress, and events older than a week, are not compared.
    insert(own, [*events(3, last(0.4)), *events(3, Window(hours_before(200), hours_before(190)))])
    assert measure(own, GROWTH, NOW, 0.5) == Drift(None)


@pytest.mark.parametrize(
    ("fault", "lost"),
    [
        ("update analytics.event_aggregations set events = events + 1", True),
        ("update analytics.event_aggregations set events = events - 1", False),
        ("update analytics.event_aggregations set sessions = sessions + 1", False),
        ("update analytics.event_aggregations set users = null", False),
        ("delete from analytics.event_aggregations", False),
        ("delete from analytics.events", True),
        ("update analytics.events set country = 'FR'", False),
    ],
)
def test_each_difference_is_found(counted: Postgres, fault: str, lost: bool) -> None:
    counted.execute(fault)
    drift = measure(counted, GROWTH, NOW, 0.3)
    assert not drift.passed
    assert len(drift.differing) >= drift.groups * 0.5
    assert drift.lost == lost


def test_pending_events_and_windows_to_be_made_are_no_difference(counted: Postgres) -> None:
    insert(counted, events(200, last(24), seed=1))
    assert all(measure(counted, GROWTH, NOW, seed).passed for seed in SEEDS)
    PendingEvents(counted, GROWTH, lambda: NOW).run()
    # Their numbers of events are compared, the distinct counts only where the hour is made.
    assert all(measure(counted, GROWTH, NOW, seed).passed for seed in SEEDS)


def test_a_difference_names_no_event(own: Postgres) -> None:
    insert(own, [{**event, "name": "ann@example.com"} for event in events(30, last(3))])
    assert "ann" not in str(measure(own, GROWTH, NOW, 0.5))
    PendingEvents(own, GROWTH, lambda: NOW).run()
    own.execute("update analytics.event_aggregations set events = events + 1")
    drift = measure(own, GROWTH, NOW, 0.5)
    assert drift.differing
    assert "ann" not in str(drift)
