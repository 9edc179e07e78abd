"""Weeks and months: against a recount of the same events, against kills, and that a day made again reopens them."""

import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from assets.events.pruned import PrunedDays
from assets.rollups import build_periods, late
from assets.rollups.definition import Grain
from assets.rollups.periods import Period
from assets.windows import DAY, Window, midnight
from tests.assets.rollups.lakeside import Event, Lakeside, Rows, at, event
from tests.assets.rollups.recount import CUTS, sketch_of
from tests.assets.rollups.test_late import follow, stale

FEB_23, MARCH_2, MARCH_9 = at(1) - 6 * DAY, at(2), at(9)


def first_of(period: Period, day: date) -> date:
    return day.replace(day=1) if period is Period.MONTHLY else date.fromisocalendar(*day.isocalendar()[:2], 1)


def recount(events: Iterable[Event]) -> Rows:
    """Rows of the ten tables from the events themselves: distinct counts by set, day by day where they add up."""
    found: Rows = {}
    for period in Period:
        for suffix, dimensions in CUTS.items():
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


@settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],
)
@given(landed=st.lists(events, max_size=40))
def test_every_table_equals_a_recount(lakeside: Lakeside, landed: list[dict[str, Any]]) -> None:
    lakeside.clear()
    lakeside.append(*landed)
    for day in {e["timestamp"].date() for e in landed}:
        lakeside.roll_up(Grain.DAILY, midnight(day), midnight(day) + DAY)
    for period in Period:
        lakeside.roll_up_periods(period, FEB_23, at(10))
    assert lakeside.period_rows() == recount(landed)


def test_a_period_is_whole(lakeside: Lakeside) -> None:
    for period, start, end in ((Period.WEEKLY, at(3), MARCH_9), (Period.MONTHLY, at(1), at(31))):
        with pytest.raises(ValueError, match=f"{period.value} roll-ups are made of whole windows"):
            build_periods.PeriodRollUp(lakeside.app, period, lakeside.postgres, lakeside.clock).run(Window(start, end))


def made(lakeside: Lakeside) -> None:
    lakeside.append(event(timestamp=at(3)), event(timestamp=at(4), org_tag="b8e9d1"), event(timestamp=at(10)))
    while follow(lakeside):
        pass
    lakeside.roll_up_days(date(2026, 3, 3), 2)
    lakeside.roll_up_days(date(2026, 3, 10), 1)
    for hours in stale(lakeside).hours:
        lakeside.roll_up(Grain.HOURLY, hours.start, hours.end)
    assert not stale(lakeside)


def test_a_week_waits_for_its_stale_days_and_no_other_week_does(lakeside: Lakeside) -> None:
    made(lakeside)
    lakeside.append(event(timestamp=at(3, 5)), event(timestamp=at(10, 5)))
    follow(lakeside)
    assert not stale(lakeside).weeks
    lakeside.roll_up(Grain.DAILY, at(10), at(11))
    assert (stale(lakeside).weeks, stale(lakeside).days) == ((Window(MARCH_9, at(16)),), (Window(at(3), at(4)),))
    assert stale(lakeside).ready(Period.WEEKLY) == (Window(MARCH_9, at(16)),)
    lakeside.append(event(timestamp=at(11)))
    follow(lakeside)
    assert stale(lakeside).ready(Period.WEEKLY) == ()
    lakeside.now += 30 * DAY
    assert stale(lakeside).months == (Window(at(1), at(32)),)
    assert stale(lakeside).ready(Period.MONTHLY) == ()


def test_one_organisations_day_reopens_the_week_and_its_week_does_not_close_it(lakeside: Lakeside) -> None:
    made(lakeside)
    lakeside.roll_up(Grain.DAILY, at(3), at(4), org="b8e9d1")
    assert stale(lakeside).weeks == (Window(MARCH_2, MARCH_9),)
    lakeside.postgres.execute("update rollups.weekly_totals set events = 99")
    lakeside.roll_up_periods(Period.WEEKLY, MARCH_2, MARCH_9, org="b8e9d1")
    assert [row[2] for row in lakeside.table("rollups.weekly_totals")] == [99, 99, 1]
    assert stale(lakeside).weeks == (Window(MARCH_2, MARCH_9),)


def test_another_definition_of_periods_reopens_them_and_no_day(
    lakeside: Lakeside, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(lakeside)
    monkeypatch.setattr(late, "PERIOD_VERSION", 2)
    assert stale(lakeside) == late.StaleWindows((), (), stale(lakeside).commit, weeks=(Window(MARCH_2, at(16)),))
    monkeypatch.setattr(build_periods, "VERSION", 2)
    lakeside.roll_up_periods(Period.WEEKLY, MARCH_2, at(16))
    assert not stale(lakeside)


@pytest.mark.parametrize("period", list(Period))
@pytest.mark.parametrize("point", ["_sums", "_totals", "clock"])
def test_a_build_that_is_killed_leaves_the_old_rows_and_the_period_stale(
    lakeside: Lakeside, monkeypatch: pytest.MonkeyPatch, period: Period, point: str
) -> None:
    made(lakeside)
    lakeside.append(event(timestamp=at(3, 5), utm_campaign="late"))
    follow(lakeside)
    lakeside.roll_up(Grain.DAILY, at(3), at(4))
    lakeside.now += 30 * DAY
    before, open_ = lakeside.period_rows(), stale(lakeside)

    def dying(*_: object) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        owner: object = lakeside if point == "clock" else build_periods.PeriodRollUp
        patch.setattr(owner, point, dying)
        with pytest.raises(KeyboardInterrupt):
            lakeside.roll_up_periods(period, at(3), at(4))
    assert (lakeside.period_rows(), stale(lakeside)) == (before, open_)

    lakeside.roll_up_periods(period, at(3), at(4))
    assert sum(row[2] for row in lakeside.table(f"rollups.{period.value}_totals")) == 4


def test_a_day_made_while_its_week_is_made_reopens_it(lakeside: Lakeside, monkeypatch: pytest.MonkeyPatch) -> None:
    """The week has read its days when one of them is made again: its row waits, and is opened after it was closed."""
    made(lakeside)
    lakeside.append(event(timestamp=at(3, 5)))
    builder = threading.Thread(target=lambda: lakeside.roll_up(Grain.DAILY, at(3), at(4)))
    sums = build_periods.PeriodRollUp._sums

    def slow(*arguments: Any) -> int:
        rows = sums(*arguments)
        if not builder.ident:
            builder.start()
            builder.join(0.3)
        return rows

    monkeypatch.setattr(build_periods.PeriodRollUp, "_sums", slow)
    lakeside.roll_up_periods(Period.WEEKLY, MARCH_2, MARCH_9)
    builder.join()
    assert stale(lakeside).weeks == (Window(MARCH_2, MARCH_9),)
    lakeside.roll_up_periods(Period.WEEKLY, MARCH_2, MARCH_9)
    assert sum(row[2] for row in lakeside.table("rollups.weekly_totals")) == 4


def test_what_is_beyond_the_horizon_is_counted_and_reported_with_its_command(lakeside: Lakeside) -> None:
    made(lakeside)
    assert not late.beyond(lakeside.app, lakeside.postgres, FEB_23, at(8))
    lakeside.append(*(event(timestamp=at(3, 5, n)) for n in range(3)), event(timestamp=at(5)), event(timestamp=at(8)))
    follow(lakeside)
    found = late.beyond(lakeside.app, lakeside.postgres, FEB_23, at(8))
    assert found == late.Beyond(PrunedDays(lakeside.app), (Window(at(3), at(4)), Window(at(5), at(6))), 4)
    assert str(found) == (
        "4 late events in 2 days are too old to be rolled up automatically: "
        "clearlift backfill rollups --from 2026-03-03 --to 2026-03-04; "
        "clearlift backfill rollups --from 2026-03-05 --to 2026-03-06; "
        "then clearlift backfill attribution of the same days"
    )
    assert late.stale(lakeside.app, lakeside.postgres, at(8), lakeside.now).days == (Window(at(8), at(9)),)
    lakeside.roll_up_days(date(2026, 3, 3), 1)
    assert late.beyond(lakeside.app, lakeside.postgres, FEB_23, at(8)).events == 1
    assert late.horizon(FEB_23, 35 * DAY, lakeside.now) == FEB_23
    assert late.horizon(FEB_23, 12 * DAY, at(20, 13)) == at(8)
