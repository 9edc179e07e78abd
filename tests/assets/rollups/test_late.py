"""Late data: which windows the lake's commits reopen, and that none is forgotten."""

from datetime import date, timedelta

import pytest

from assets.rollups import late
from assets.rollups.definition import VERSION, Grain
from assets.rollups.follow import follow as follow_commits
from assets.rollups.periods import Period
from assets.windows import DAY, HOUR, Window
from clearlift_pipelines.stores import Stores
from tests.assets.rollups.event_lake import NOW, EventLake, at, event, hour_of

SINCE = at(1) - 35 * DAY


def follow(event_lake: EventLake) -> int:
    return follow_commits(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock)


def stale(event_lake: EventLake) -> late.StaleWindows:
    return late.stale(event_lake.app, event_lake.postgres, SINCE, event_lake.now)


def built(event_lake: EventLake) -> None:
    """Four days of an event an hour, rolled up and followed to the end."""
    event_lake.append(*(event(timestamp=at(day, hour)) for day in range(1, 5) for hour in range(24)))
    follow(event_lake)
    event_lake.roll_up_days(date(2026, 3, 1), 4)
    assert not stale(event_lake)


def test_a_first_commit_asks_for_all_of_its_hours_and_days(event_lake: EventLake) -> None:
    event_lake.append(
        event(timestamp=at(1, 22)), event(timestamp=at(1, 23, 59)), event(timestamp=at(2)), event(timestamp=at(4, 5))
    )
    assert follow(event_lake) == 1
    found = stale(event_lake)
    assert found.hours == (Window(at(1, 22), at(2, 1)), hour_of(4, 5))
    assert found.days == (Window(at(1), at(3)), Window(at(4), at(5)))


def test_a_late_event_reopens_exactly_its_hour_and_day(event_lake: EventLake) -> None:
    built(event_lake)
    event_lake.append(event(timestamp=at(2, 3, 59)))
    assert follow(event_lake) == 1
    assert stale(event_lake) == late.StaleWindows((hour_of(2, 3),), (Window(at(2), at(3)),))

    event_lake.roll_up(Grain.HOURLY, at(2, 3), at(2, 4))
    assert stale(event_lake) == late.StaleWindows((), (Window(at(2), at(3)),))
    event_lake.roll_up(Grain.DAILY, at(2), at(3))
    assert stale(event_lake) == late.StaleWindows((), (), weeks=(Window(at(2), at(9)),))
    event_lake.roll_up_periods(Period.WEEKLY, at(2), at(9))
    assert not stale(event_lake)


def test_a_roll_up_that_has_seen_the_commit_already_is_not_made_again(event_lake: EventLake) -> None:
    built(event_lake)
    event_lake.append(event(timestamp=at(2, 3)))
    event_lake.roll_up_days(date(2026, 3, 2), 1)
    assert follow(event_lake) == 1
    assert not stale(event_lake)


def test_one_organisations_roll_up_does_not_close_a_window(event_lake: EventLake) -> None:
    built(event_lake)
    event_lake.append(event(timestamp=at(2, 3)), event(timestamp=at(2, 3), org_tag="b8e9d1"))
    follow(event_lake)
    event_lake.roll_up_days(date(2026, 3, 2), 1, org="a3f7c2")
    assert stale(event_lake).hours == (hour_of(2, 3),)


def test_a_restart_forgets_nothing_and_follows_nothing_twice(event_lake: EventLake) -> None:
    built(event_lake)
    event_lake.append(event(timestamp=at(2, 3)))
    follow(event_lake)
    event_lake.append(event(timestamp=at(3, 4)))
    again = Stores(event_lake.stores.settings)
    try:
        restarted = EventLake(again)
        assert stale(restarted).hours == (hour_of(2, 3),)
        assert follow(restarted) == 1
        assert follow(restarted) == 0
        assert stale(restarted).hours == (hour_of(2, 3), hour_of(3, 4))
    finally:
        again.close()


def test_a_kill_while_following_follows_the_same_again(event_lake: EventLake) -> None:
    built(event_lake)
    event_lake.append(event(timestamp=at(2, 3)))

    def dying() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow_commits(event_lake.app, event_lake.events, event_lake.postgres, dying)  # type: ignore[arg-type]
    assert not stale(event_lake)
    assert follow(event_lake) == 1
    assert stale(event_lake).hours == (hour_of(2, 3),)


def test_a_long_standstill_is_followed_in_parts_oldest_first(event_lake: EventLake) -> None:
    for hour in range(5):
        event_lake.append(event(timestamp=at(1, hour)))
    parts = []
    while follow_commits(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock, commits=2):
        parts.append(stale(event_lake).hours[-1].end)
    assert parts == [at(1, 2), at(1, 4), at(1, 5)]


def test_another_writers_commit_is_seen(event_lake: EventLake) -> None:
    built(event_lake)
    event_lake.append_as_foreigner(
        event(timestamp=at(2, 3)), event(timestamp=at(4, 23, 30), org_tag="b8e9d1"), event(timestamp=at(4, 23, 40))
    )
    follow(event_lake)
    found = stale(event_lake)
    assert found.hours == (hour_of(2, 3), hour_of(4, 23))
    assert found.days == (Window(at(2), at(3)), Window(at(4), at(5)))


def test_compaction_changes_no_window(event_lake: EventLake) -> None:
    built(event_lake)
    for minute in range(8):
        event_lake.append(event(timestamp=at(2, 3, minute)))
    follow(event_lake)
    event_lake.roll_up_days(date(2026, 3, 2), 1)
    files = len(event_lake.events.files())
    assert event_lake.compact() == 0
    assert len(event_lake.events.files()) < files
    assert follow(event_lake) == 1
    assert not stale(event_lake)


def test_compaction_that_dropped_doubles_reopens_their_hours(event_lake: EventLake) -> None:
    built(event_lake)
    double = event(timestamp=at(2, 3), event_id="twice")
    for minute in range(8):
        event_lake.append_as_foreigner({**double, "timestamp": at(2, 3 + minute)})
    follow(event_lake)
    event_lake.roll_up_days(date(2026, 3, 2), 1)
    assert not stale(event_lake)
    assert event_lake.compact() == 7
    follow(event_lake)
    reopened = {start for w in stale(event_lake).hours for start in w.steps(HOUR)}
    assert {at(2, 3 + n) for n in range(8)} <= reopened
    assert stale(event_lake).days == (Window(at(2), at(3)),)

    event_lake.roll_up_days(date(2026, 3, 2), 1)
    hourly = event_lake.postgres.fetch(
        "select sum(events) as n from rollups.hourly where hour between %(a)s and %(b)s", {"a": at(2), "b": at(2, 23)}
    )
    daily = event_lake.postgres.fetch("select sum(events) as n from rollups.daily where day = '2026-03-02'")
    assert hourly[0]["n"] == daily[0]["n"] == 25


def test_a_removed_file_reopens_its_hours(event_lake: EventLake) -> None:
    built(event_lake)
    event_lake.append(event(timestamp=at(3, 5), org_tag="gone"), event(timestamp=at(3, 7, 30), org_tag="gone"))
    follow(event_lake)
    event_lake.roll_up_days(date(2026, 3, 3), 1)
    event_lake.events.load().delete("org_tag == 'gone'")
    follow(event_lake)
    found = stale(event_lake)
    assert found.hours == (Window(at(3, 5), at(3, 8)),)
    assert found.days == (Window(at(3), at(4)),)


def test_rows_removed_from_a_file_that_is_written_anew_reopen_their_hours(event_lake: EventLake) -> None:
    built(event_lake)
    event_lake.events.load().delete(f"timestamp == '{at(2, 9).isoformat()}'")
    while follow(event_lake):
        pass
    assert hour_of(2, 9).clipped(stale(event_lake).hours[0]) == hour_of(2, 9)
    assert stale(event_lake).days == (Window(at(2), at(3)),)


def test_a_build_that_fails_leaves_its_window_stale(event_lake: EventLake, monkeypatch: pytest.MonkeyPatch) -> None:
    built(event_lake)
    event_lake.append(event(timestamp=at(2, 3)))
    follow(event_lake)
    before = stale(event_lake)
    with monkeypatch.context() as patch:
        patch.setattr("assets.rollups.build.copy_in", _refuse)
        with pytest.raises(OSError, match="disk"):
            event_lake.roll_up(Grain.HOURLY, at(2, 3), at(2, 4))
    assert stale(event_lake) == before


def _refuse(*_: object) -> None:
    raise OSError("disk full")


def test_a_commit_that_lands_while_a_window_is_built_keeps_it_stale(
    event_lake: EventLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(event_lake)
    event_lake.append(event(timestamp=at(2, 3)))
    head = event_lake.events.head()
    monkeypatch.setattr(event_lake.events, "head", lambda: head)  # what the builder saw before the next one landed
    event_lake.append(event(timestamp=at(2, 3, 1)))
    event_lake.roll_up(Grain.HOURLY, at(2, 3), at(2, 4))
    follow(event_lake)
    assert stale(event_lake).hours == (hour_of(2, 3),)


@pytest.mark.parametrize(
    ("now", "hours", "days"),
    [
        (at(2, 10, 59), False, False),  # the hour is in progress
        (at(2, 23, 59), False, False),  # it has ended, and hours of today are made as soon as something lands
        (at(3, 0, 44), True, False),
        (at(3, 0, 45), True, True),
    ],
)
def test_windows_in_progress_or_just_over_are_left_to_their_schedules(
    event_lake: EventLake, now: object, hours: bool, days: bool
) -> None:
    event_lake.append(event(timestamp=at(2, 10, 30)))
    follow(event_lake)
    event_lake.now = now  # type: ignore[assignment]
    found = stale(event_lake)
    assert (bool(found.hours), bool(found.days)) == (hours, days)


def test_windows_before_the_horizon_are_left_alone(event_lake: EventLake) -> None:
    event_lake.append(event(timestamp=at(1, 5)), event(timestamp=at(9, 5)))
    follow(event_lake)
    assert late.stale(event_lake.app, event_lake.postgres, at(2), NOW).hours == (hour_of(9, 5),)


def test_windows_of_another_version_are_stale_once_built(
    event_lake: EventLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_lake.append(event(timestamp=at(2, 3)))
    follow(event_lake)
    event_lake.roll_up(Grain.HOURLY, at(2, 3), at(2, 5))
    event_lake.roll_up(Grain.DAILY, at(2), at(3))
    event_lake.roll_up_periods(Period.WEEKLY, at(2), at(3))
    assert not stale(event_lake)
    monkeypatch.setattr(late, "VERSION", VERSION + 1)
    assert stale(event_lake).hours == (Window(at(2, 3), at(2, 5)),)
    assert stale(event_lake).days == (Window(at(2), at(3)),)
    monkeypatch.setattr("assets.rollups.build.VERSION", VERSION + 1)
    event_lake.roll_up(Grain.HOURLY, at(2, 3), at(2, 5))
    assert stale(event_lake).hours == ()


def test_an_empty_lake_asks_for_nothing(event_lake: EventLake) -> None:
    assert follow(event_lake) == 0
    assert stale(event_lake) == late.StaleWindows((), ())
    assert timedelta(0) < late.SETTLING[Grain.HOURLY] < late.SETTLING[Grain.DAILY]
