"""Late events of yesterday, last week and last month: building what is requested gives what a full rebuild gives.

Only what is requested is built, so nothing else can have changed; a full rebuild shows that nothing else had to.
"""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from assets.rollups import late
from assets.rollups.definition import Grain
from assets.rollups.follow import follow
from assets.rollups.periods import Period
from assets.sessions import build as sessions
from assets.windows import DAY, HOUR, Window, floor_hour, midnight
from tests.assets.rollups.lakeside import NOW, Lakeside, Rows, event

EARLIEST = midnight(NOW.date()) - 45 * DAY
# Yesterday, last week, last month, and their neighbours, so that there is something beside what changes.
DAYS = (1, 2, 8, 9, 29, 30)
moments = st.builds(
    lambda days, minutes: midnight(NOW.date()) - days * DAY + timedelta(minutes=minutes),
    st.sampled_from(DAYS),
    st.integers(0, 20).map(lambda n: n * 72) | st.sampled_from([0, 10, 1435]),
)
events = st.builds(
    event,
    org_tag=st.sampled_from(["a3f7c2", "b8e9d1"]),
    timestamp=moments,
    session_id=st.sampled_from(["s1", "s2", "s3"]),
    anonymous_id=st.sampled_from(["v1", "v2"]),
    event_type=st.sampled_from(["page_view", "click"]),
    event_value=st.none() | st.just(2.5),
    utm_campaign=st.none() | st.just("spring"),
    page_path=st.sampled_from(["/", "/a"]),
)


def everything(lakeside: Lakeside) -> Rows:
    return {**lakeside.rows(), **lakeside.period_rows(), "sessions.daily": lakeside.table("sessions.daily")}


def clear(lakeside: Lakeside) -> None:
    lakeside.clear()
    lakeside.postgres.execute("truncate sessions.daily, sessions.windows")


def catch_up(lakeside: Lakeside) -> dict[str, set[datetime]]:
    """What sensor and schedules do until nothing is stale; the starts of what was made, by grain."""
    made: dict[str, set[datetime]] = {name: set() for name in ("hours", "days", "weeks", "months")}
    while follow(lakeside.app, lakeside.events, lakeside.postgres, lakeside.clock):
        pass
    found = late.stale(lakeside.app, lakeside.postgres, EARLIEST, lakeside.now)
    for grain, windows in ((Grain.HOURLY, found.hours), (Grain.DAILY, found.days)):
        for window in windows:
            lakeside.roll_up(grain, window.start, window.end)
            step = HOUR if grain is Grain.HOURLY else DAY
            made["hours" if grain is Grain.HOURLY else "days"].update(window.steps(step))
    for window in sessions.stale(lakeside.app, lakeside.postgres, EARLIEST, lakeside.now):
        sessions.Sessions(lakeside.app, lakeside.events, lakeside.postgres, lakeside.clock).run(window)
    found = late.stale(lakeside.app, lakeside.postgres, EARLIEST, lakeside.now)
    for period in Period:
        for window in found.ready(period):
            lakeside.roll_up_periods(period, window.start, window.end)
            made[f"{period.column}s"].update(w.start for w in period.covering(window))
    assert not late.stale(lakeside.app, lakeside.postgres, EARLIEST, lakeside.now)
    assert not sessions.stale(lakeside.app, lakeside.postgres, EARLIEST, lakeside.now)
    return made


@settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],
)
@given(early=st.lists(events, min_size=1, max_size=20), tardy=st.lists(events, min_size=1, max_size=4))
def test_late_events_change_exactly_what_a_full_rebuild_would(
    lakeside: Lakeside, early: list[dict[str, Any]], tardy: list[dict[str, Any]]
) -> None:
    clear(lakeside)
    # Long after: weeks and months have ended, and no schedule is waited for.
    lakeside.now = NOW + 40 * DAY
    lakeside.append(*early)
    catch_up(lakeside)
    before = everything(lakeside)

    lakeside.append(*tardy)
    made = catch_up(lakeside)

    days = {midnight(e["timestamp"].date()) for e in tardy}
    assert made["hours"] == {floor_hour(e["timestamp"]) for e in tardy}
    assert made["days"] == days
    assert made["weeks"] == {Period.WEEKLY.of(day.date()).start for day in days}
    assert made["months"] == {Period.MONTHLY.of(day.date()).start for day in days}

    after = everything(lakeside)
    assert after != before
    _rebuild(lakeside, {e["timestamp"].date() for e in [*early, *tardy]})
    assert everything(lakeside) == after


def _rebuild(lakeside: Lakeside, days: set[Any]) -> None:
    tables = [name for name in everything(lakeside) if name]
    lakeside.postgres.execute(f"truncate {', '.join(tables)}")
    for day in days:
        window = Window(midnight(day), midnight(day) + DAY)
        for grain in Grain:
            lakeside.roll_up(grain, window.start, window.end)
        sessions.Sessions(lakeside.app, lakeside.events, lakeside.postgres, lakeside.clock).run(window)
    for period in Period:
        lakeside.roll_up_periods(period, EARLIEST, NOW)
