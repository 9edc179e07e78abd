"""Late data: which windows the lake's commits reopen, and that none is forgotten."""

from datetime import date, timedelta

import pytest

from assets.rollups import late
from assets.rollups.definition import VERSION, Grain
from assets.rollups.follow import follow as follow_commits
from assets.rollups.periods import Period
from assets.windows import DAY, HOUR, Window
from clearlift_pipelines.stores import Stores
from tests.assets.rollups.lakeside import NOW, Lakeside, at, event, hour_of

SINCE = at(1) - 35 * DAY


def follow(lakeside: Lakeside) -> int:
    return follow_commits(lakeside.app, lakeside.events, lakeside.postgres, lakeside.clock)


def stale(lakeside: Lakeside) -> late.StaleWindows:
    return late.stale(lakeside.app, lakeside.postgres, SINCE, lakeside.now)


def built(lakeside: Lakeside) -> None:
    """Four days of an event an hour, rolled up and followed to the end."""
    lakeside.append(*(event(timestamp=at(day, hour)) for day in range(1, 5) for hour in range(24)))
    follow(lakeside)
    lakeside.roll_up_days(date(2026, 3, 1), 4)
    assert not stale(lakeside)


def test_a_first_commit_asks_for_all_of_its_hours_and_days(lakeside: Lakeside) -> None:
    lakeside.append(
        event(timestamp=at(1, 22)), event(timestamp=at(1, 23, 59)), event(timestamp=at(2)), event(timestamp=at(4, 5))
    )
    assert follow(lakeside) == 1
    found = stale(lakeside)
    assert found.hours == (Window(at(1, 22), at(2, 1)), hour_of(4, 5))
    assert found.days == (Window(at(1), at(3)), Window(at(4), at(5)))
    assert found.commit == 1


def test_a_late_event_reopens_exactly_its_hour_and_day(lakeside: Lakeside) -> None:
    built(lakeside)
    lakeside.append(event(timestamp=at(2, 3, 59)))
    assert follow(lakeside) == 1
    assert stale(lakeside) == late.StaleWindows((hour_of(2, 3),), (Window(at(2), at(3)),), 2)

    lakeside.roll_up(Grain.HOURLY, at(2, 3), at(2, 4))
    assert stale(lakeside) == late.StaleWindows((), (Window(at(2), at(3)),), 2)
    lakeside.roll_up(Grain.DAILY, at(2), at(3))
    assert stale(lakeside) == late.StaleWindows((), (), 2, weeks=(Window(at(2), at(9)),))
    lakeside.roll_up_periods(Period.WEEKLY, at(2), at(9))
    assert not stale(lakeside)


def test_a_roll_up_that_has_seen_the_commit_already_is_not_made_again(lakeside: Lakeside) -> None:
    built(lakeside)
    lakeside.append(event(timestamp=at(2, 3)))
    lakeside.roll_up_days(date(2026, 3, 2), 1)
    assert follow(lakeside) == 1
    assert not stale(lakeside)


def test_one_organisations_roll_up_does_not_close_a_window(lakeside: Lakeside) -> None:
    built(lakeside)
    lakeside.append(event(timestamp=at(2, 3)), event(timestamp=at(2, 3), org_tag="b8e9d1"))
    follow(lakeside)
    lakeside.roll_up_days(date(2026, 3, 2), 1, org="a3f7c2")
    assert stale(lakeside).hours == (hour_of(2, 3),)


def test_a_restart_forgets_nothing_and_follows_nothing_twice(lakeside: Lakeside) -> None:
    built(lakeside)
    lakeside.append(event(timestamp=at(2, 3)))
    follow(lakeside)
    lakeside.append(event(timestamp=at(3, 4)))
    again = Stores(lakeside.stores.settings)
    try:
        restarted = Lakeside(again)
        assert stale(restarted).hours == (hour_of(2, 3),)
        assert follow(restarted) == 1
        assert follow(restarted) == 0
        assert stale(restarted).hours == (hour_of(2, 3), hour_of(3, 4))
    finally:
        again.close()


def test_a_kill_while_following_follows_the_same_again(lakeside: Lakeside) -> None:
    built(lakeside)
    lakeside.append(event(timestamp=at(2, 3)))

    def dying() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow_commits(lakeside.app, lakeside.events, lakeside.postgres, dying)  # type: ignore[arg-type]
    assert not stale(lakeside)
    assert follow(lakeside) == 1
    assert stale(lakeside).hours == (hour_of(2, 3),)


def test_a_long_standstill_is_followed_in_parts_oldest_first(lakeside: Lakeside) -> None:
    for hour in range(5):
        lakeside.append(event(timestamp=at(1, hour)))
    parts = []
    while follow_commits(lakeside.app, lakeside.events, lakeside.postgres, lakeside.clock, commits=2):
        parts.append(stale(lakeside).hours[-1].end)
    assert parts == [at(1, 2), at(1, 4), at(1, 5)]


def test_another_writers_commit_is_seen(lakeside: Lakeside) -> None:
    built(lakeside)
    lakeside.append_as_foreigner(
        event(timestamp=at(2, 3)), event(timestamp=at(4, 23, 30), org_tag="b8e9d1"), event(timestamp=at(4, 23, 40))
    )
    follow(lakeside)
    found = stale(lakeside)
    assert found.hours == (hour_of(2, 3), hour_of(4, 23))
    assert found.days == (Window(at(2), at(3)), Window(at(4), at(5)))


def test_compaction_changes_no_window(lakeside: Lakeside) -> None:
    built(lakeside)
    for minute in range(8):
        lakeside.append(event(timestamp=at(2, 3, minute)))
    follow(lakeside)
    lakeside.roll_up_days(date(2026, 3, 2), 1)
    files = len(lakeside.events.files())
    assert lakeside.compact() == 0
    assert len(lakeside.events.files()) < files
    assert follow(lakeside) == 1
    assert not stale(lakeside)


def test_compaction_that_dropped_doubles_reopens_their_hours(lakeside: Lakeside) -> None:
    built(lakeside)
    double = event(timestamp=at(2, 3), event_id="twice")
    for minute in range(8):
        lakeside.append_as_foreigner({**double, "timestamp": at(2, 3 + minute)})
    follow(lakeside)
    lakeside.roll_up_days(date(2026, 3, 2), 1)
    assert not stale(lakeside)
    assert lakeside.compact() == 7
    follow(lakeside)
    reopened = {start for w in stale(lakeside).hours for start in w.steps(HOUR)}
    assert {at(2, 3 + n) for n in range(8)} <= reopened
    assert stale(lakeside).days == (Window(at(2), at(3)),)

    lakeside.roll_up_days(date(2026, 3, 2), 1)
    hourly = lakeside.postgres.fetch(
        "select sum(events) as n from rollups.hourly where hour between %(a)s and %(b)s", {"a": at(2), "b": at(2, 23)}
    )
    daily = lakeside.postgres.fetch("select sum(events) as n from rollups.daily where day = '2026-03-02'")
    assert hourly[0]["n"] == daily[0]["n"] == 25


def test_a_removed_file_reopens_its_hours(lakeside: Lakeside) -> None:
    built(lakeside)
    lakeside.append(event(timestamp=at(3, 5), org_tag="gone"), event(timestamp=at(3, 7, 30), org_tag="gone"))
    follow(lakeside)
    lakeside.roll_up_days(date(2026, 3, 3), 1)
    lakeside.events.load().delete("org_tag == 'gone'")
    follow(lakeside)
    found = stale(lakeside)
    assert found.hours == (Window(at(3, 5), at(3, 8)),)
    assert found.days == (Window(at(3), at(4)),)


def test_rows_removed_from_a_file_that_is_written_anew_reopen_their_hours(lakeside: Lakeside) -> None:
    built(lakeside)
    lakeside.events.load().delete(f"timestamp == '{at(2, 9).isoformat()}'")
    while follow(lakeside):
        pass
    assert hour_of(2, 9).clipped(stale(lakeside).hours[0]) == hour_of(2, 9)
    assert stale(lakeside).days == (Window(at(2), at(3)),)


def test_a_build_that_fails_leaves_its_window_stale(lakeside: Lakeside, monkeypatch: pytest.MonkeyPatch) -> None:
    built(lakeside)
    lakeside.append(event(timestamp=at(2, 3)))
    follow(lakeside)
    before = stale(lakeside)
    with monkeypatch.context() as patch:
        patch.setattr("assets.rollups.build.copy_in", _refuse)
        with pytest.raises(OSError, match="disk"):
            lakeside.roll_up(Grain.HOURLY, at(2, 3), at(2, 4))
    assert stale(lakeside) == before


def _refuse(*_: object) -> None:
    raise OSError("disk full")


def test_a_commit_that_lands_while_a_window_is_built_keeps_it_stale(
    lakeside: Lakeside, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(lakeside)
    lakeside.append(event(timestamp=at(2, 3)))
    head = lakeside.events.head()
    monkeypatch.setattr(lakeside.events, "head", lambda: head)  # what the builder saw before the next one landed
    lakeside.append(event(timestamp=at(2, 3, 1)))
    lakeside.roll_up(Grain.HOURLY, at(2, 3), at(2, 4))
    follow(lakeside)
    assert stale(lakeside).hours == (hour_of(2, 3),)


@pytest.mark.parametrize(
    ("now", "hours", "days"),
    [
        (at(2, 10, 59), False, False),  # the hour is in progress
        (at(2, 11, 14), False, False),  # its schedule comes at hh:10 and needs a moment
        (at(2, 11, 15), True, False),
        (at(3, 0, 44), True, False),
        (at(3, 0, 45), True, True),
    ],
)
def test_windows_in_progress_or_just_over_are_left_to_their_schedules(
    lakeside: Lakeside, now: object, hours: bool, days: bool
) -> None:
    lakeside.append(event(timestamp=at(2, 10, 30)))
    follow(lakeside)
    lakeside.now = now  # type: ignore[assignment]
    found = stale(lakeside)
    assert (bool(found.hours), bool(found.days)) == (hours, days)


def test_windows_before_the_horizon_are_left_alone(lakeside: Lakeside) -> None:
    lakeside.append(event(timestamp=at(1, 5)), event(timestamp=at(9, 5)))
    follow(lakeside)
    assert late.stale(lakeside.app, lakeside.postgres, at(2), NOW).hours == (hour_of(9, 5),)


def test_windows_of_another_version_are_stale_once_built(lakeside: Lakeside, monkeypatch: pytest.MonkeyPatch) -> None:
    lakeside.append(event(timestamp=at(2, 3)))
    follow(lakeside)
    lakeside.roll_up(Grain.HOURLY, at(2, 3), at(2, 5))
    lakeside.roll_up(Grain.DAILY, at(2), at(3))
    lakeside.roll_up_periods(Period.WEEKLY, at(2), at(3))
    assert not stale(lakeside)
    monkeypatch.setattr(late, "VERSION", VERSION + 1)
    assert stale(lakeside).hours == (Window(at(2, 3), at(2, 5)),)
    assert stale(lakeside).days == (Window(at(2), at(3)),)
    monkeypatch.setattr("assets.rollups.build.VERSION", VERSION + 1)
    lakeside.roll_up(Grain.HOURLY, at(2, 3), at(2, 5))
    assert stale(lakeside).hours == ()


def test_an_empty_lake_asks_for_nothing(lakeside: Lakeside) -> None:
    assert follow(lakeside) == 0
    assert stale(lakeside) == late.StaleWindows((), (), -1)
    assert timedelta(0) < late.SETTLING[Grain.HOURLY] < late.SETTLING[Grain.DAILY]
