"""Weeks and months: against a recount of the same events, against kills, and that a day made again reopens them."""

import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.events.pruned import PrunedDays
from assets.rollups import build_periods, late
from assets.rollups.definition import Grain
from assets.rollups.periods import Period
from assets.windows import DAY, Window, midnight
from tests.assets.rollups.event_lake import Event, EventLake, Rows, at, event
from tests.assets.rollups.recount import cuts, day_of, sketch_of
from tests.assets.rollups.test_late import follow, stale
from tests.examples import examples

FEB_23, MARCH_2, MARCH_9 = at(1) - 6 * DAY, at(2), at(9)


def first_of(period: Period, day: date) -> date:
    return day.replace(day=1) if period is Period.MONTHLY else date.fromisocalendar(*day.isocalendar()[:2], 1)


def recount(events: Iterable[Event]) -> Rows:
    """Rows of the ten tables from the events themselves: distinct counts by set, day by day where they add up."""
    found: Rows = {}
    events = list(events)
    for period in Period:
        for suffix, dimensions in cuts(events, day_of).items():
            groups: dict[tuple[Any, ...], list[Event]] = defaultdict(list)
            for e in events:
                cut = dimensions(e)
                if cut is not None:
                    groups[e["org_tag"], first_of(period, e["timestamp"].date()), *cut].append(e)
            found[f"rollups.{period.value}{suffix}"] = sorted(
                (*key, *_measures(members, whole=suffix == "_totals")) for key, members in groups.items()
            )
    return found


def _measures(members: list[Event], *, whole: bool) -> tuple[Any, ...]:
    value = sum((Decimal(repr(e["event_value"] or 0.0)) for e in members), Decimal(0))
    if whole:
        visitors, sessions = ({e[name] for e in members} for name in ("anonymous_id", "session_id"))
        return (len(members), len(visitors), len(sessions), True, value, sketch_of(visitors), sketch_of(sessions))
    daily = ({(e["timestamp"].date(), e[name]) for e in members} for name in ("anonymous_id", "session_id"))
    return (len(members), *map(len, daily), value)


events = st.builds(
    event,
    org_tag=st.sampled_from(["a3f7c2", "b8e9d1"]) | st.integers(0, 40).map("org{}".format),
    timestamp=st.sampled_from([-6, -1, 0, 1, 2, 7, 8]).map(lambda days: at(1) + timedelta(days=days, hours=days % 5)),
    session_id=st.sampled_from(["s1", "s2", "s3"]),
    anonymous_id=st.sampled_from(["v1", "v2", "v3"]),
    event_type=st.sampled_from(["page_view", "click"]),
    event_value=st.none() | st.integers(-(10**6), 10**6).map(lambda cents: cents / 100),
    utm_source=st.none() | st.sampled_from(["google", "ｇ"]),
    utm_campaign=st.none() | st.sampled_from(["spring", ""]),
    page_path=st.sampled_from(["/", "/a"]),
    referrer_domain=st.none() | st.just("news.example"),
)


@examples(4, 40)
@given(landed=st.lists(events, max_size=40))
def test_every_table_equals_a_recount(event_lake: EventLake, landed: list[dict[str, Any]]) -> None:
    event_lake.clear()
    event_lake.append(*landed)
    for day in {e["timestamp"].date() for e in landed}:
        event_lake.roll_up(Grain.DAILY, midnight(day), midnight(day) + DAY)
    for period in Period:
        event_lake.roll_up_periods(period, FEB_23, at(10))
    assert event_lake.period_rows() == recount(landed)


def test_a_period_is_whole(event_lake: EventLake) -> None:
    for period, start, end in ((Period.WEEKLY, at(3), MARCH_9), (Period.MONTHLY, at(1), at(31))):
        with pytest.raises(ValueError, match=f"{period.value} roll-ups are made of whole windows"):
            build_periods.PeriodRollUp(event_lake.app, period, event_lake.postgres, event_lake.clock).run(
                Window(start, end)
            )


def made(event_lake: EventLake) -> None:
    event_lake.append(event(timestamp=at(3)), event(timestamp=at(4), org_tag="b8e9d1"), event(timestamp=at(10)))
    while follow(event_lake):
        pass
    event_lake.roll_up_days(date(2026, 3, 3), 2)
    event_lake.roll_up_days(date(2026, 3, 10), 1)
    for hours in stale(event_lake).hours:
        event_lake.roll_up(Grain.HOURLY, hours.start, hours.end)
    assert not stale(event_lake)


def test_a_week_waits_for_its_stale_days_and_no_other_week_does(event_lake: EventLake) -> None:
    made(event_lake)
    event_lake.append(event(timestamp=at(3, 5)), event(timestamp=at(10, 5)))
    follow(event_lake)
    assert not stale(event_lake).weeks
    event_lake.roll_up(Grain.DAILY, at(10), at(11))
    assert (stale(event_lake).weeks, stale(event_lake).days) == ((Window(MARCH_9, at(16)),), (Window(at(3), at(4)),))
    assert stale(event_lake).ready(Period.WEEKLY) == (Window(MARCH_9, at(16)),)
    event_lake.append(event(timestamp=at(11)))
    follow(event_lake)
    assert stale(event_lake).ready(Period.WEEKLY) == ()
    event_lake.now += 30 * DAY
    assert stale(event_lake).months == (Window(at(1), at(32)),)
    assert stale(event_lake).ready(Period.MONTHLY) == ()


def test_one_organisations_day_reopens_the_week_and_its_week_does_not_close_it(event_lake: EventLake) -> None:
    made(event_lake)
    event_lake.roll_up(Grain.DAILY, at(3), at(4), org="b8e9d1")
    assert stale(event_lake).weeks == (Window(MARCH_2, MARCH_9),)
    event_lake.postgres.execute("update rollups.weekly_totals set events = 99")
    event_lake.roll_up_periods(Period.WEEKLY, MARCH_2, MARCH_9, org="b8e9d1")
    assert [row[2] for row in event_lake.table("rollups.weekly_totals")] == [99, 99, 1]
    assert stale(event_lake).weeks == (Window(MARCH_2, MARCH_9),)


def test_another_definition_of_periods_reopens_them_and_no_day(
    event_lake: EventLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(event_lake)
    monkeypatch.setattr(late, "PERIOD_VERSION", 2)
    assert stale(event_lake) == late.StaleWindows((), (), weeks=(Window(MARCH_2, at(16)),))
    monkeypatch.setattr(build_periods, "VERSION", 2)
    event_lake.roll_up_periods(Period.WEEKLY, MARCH_2, at(16))
    assert not stale(event_lake)


@pytest.mark.parametrize("period", list(Period))
@pytest.mark.parametrize("point", ["_sums", "_totals", "clock"])
def test_a_build_that_is_killed_leaves_the_old_rows_and_the_period_stale(
    event_lake: EventLake, monkeypatch: pytest.MonkeyPatch, period: Period, point: str
) -> None:
    made(event_lake)
    event_lake.append(event(timestamp=at(3, 5), utm_campaign="late"))
    follow(event_lake)
    event_lake.roll_up(Grain.DAILY, at(3), at(4))
    event_lake.now += 30 * DAY
    before, open_ = event_lake.period_rows(), stale(event_lake)

    def dying(*_: object) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        owner: object = event_lake if point == "clock" else build_periods.PeriodRollUp
        patch.setattr(owner, point, dying)
        with pytest.raises(KeyboardInterrupt):
            event_lake.roll_up_periods(period, at(3), at(4))
    assert (event_lake.period_rows(), stale(event_lake)) == (before, open_)

    event_lake.roll_up_periods(period, at(3), at(4))
    assert sum(row[2] for row in event_lake.table(f"rollups.{period.value}_totals")) == 4


def test_a_day_made_while_its_week_is_made_reopens_it(event_lake: EventLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The week has read its days when one of them is made again: its row waits, and is opened after it was closed."""
    made(event_lake)
    event_lake.append(event(timestamp=at(3, 5)))
    builder = threading.Thread(target=lambda: event_lake.roll_up(Grain.DAILY, at(3), at(4)))
    sums = build_periods.PeriodRollUp._sums

    def slow(*arguments: Any) -> int:
        rows = sums(*arguments)
        if not builder.ident:
            builder.start()
            builder.join(0.3)
        return rows

    monkeypatch.setattr(build_periods.PeriodRollUp, "_sums", slow)
    event_lake.roll_up_periods(Period.WEEKLY, MARCH_2, MARCH_9)
    builder.join()
    assert stale(event_lake).weeks == (Window(MARCH_2, MARCH_9),)
    event_lake.roll_up_periods(Period.WEEKLY, MARCH_2, MARCH_9)
    assert sum(row[2] for row in event_lake.table("rollups.weekly_totals")) == 4


def test_what_is_beyond_the_horizon_is_counted_and_reported_with_its_command(event_lake: EventLake) -> None:
    made(event_lake)
    assert not late.beyond(event_lake.app, event_lake.postgres, FEB_23, at(8))
    event_lake.append(*(event(timestamp=at(3, 5, n)) for n in range(3)), event(timestamp=at(5)), event(timestamp=at(8)))
    follow(event_lake)
    found = late.beyond(event_lake.app, event_lake.postgres, FEB_23, at(8))
    assert found == late.LateDays(
        PrunedDays(event_lake.app), (Window(at(3), at(4)), Window(at(5), at(6))), {at(3): 3, at(5): 1}
    )
    assert str(found) == (
        "4 late events in 2 days, too old to be rolled up automatically: "
        "clearlift backfill rollups --from 2026-03-03 --to 2026-03-04; "
        "clearlift backfill rollups --from 2026-03-05 --to 2026-03-06; "
        "then clearlift backfill attribution of the same days"
    )
    assert late.stale(event_lake.app, event_lake.postgres, at(8), event_lake.now).days == (Window(at(8), at(9)),)
    event_lake.roll_up_days(date(2026, 3, 3), 1)
    assert late.beyond(event_lake.app, event_lake.postgres, FEB_23, at(8)).events == 1
    assert late.horizon(FEB_23, 35 * DAY, event_lake.now) == FEB_23
    assert late.horizon(FEB_23, 12 * DAY, at(20, 13)) == at(8)
