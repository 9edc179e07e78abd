"""Late events of yesterday, last week and last month: building what is requested gives what a full rebuild gives.

Only what is requested is built, so nothing else can have changed; a full rebuild shows that nothing else had to.
"""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assets.rollups.definition import Grain
from assets.rollups.periods import Period
from assets.sessions import build as sessions
from assets.windows import DAY, Window, floor_hour, midnight
from tests.assets.rollups.catching_up import EARLIEST, catch_up, clear, everything
from tests.assets.rollups.event_lake import NOW, EventLake, event
from tests.examples import examples

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


@examples(4, 40)
@given(early=st.lists(events, min_size=1, max_size=20), tardy=st.lists(events, min_size=1, max_size=4))
def test_late_events_change_exactly_what_a_full_rebuild_would(
    event_lake: EventLake, early: list[dict[str, Any]], tardy: list[dict[str, Any]]
) -> None:
    clear(event_lake)
    # Long after: weeks and months have ended, and no schedule is waited for.
    event_lake.now = NOW + 40 * DAY
    event_lake.append(*early)
    catch_up(event_lake)
    before = everything(event_lake)

    event_lake.append(*tardy)
    made = catch_up(event_lake)

    days = {midnight(e["timestamp"].date()) for e in tardy}
    assert made["hours"] == {floor_hour(e["timestamp"]) for e in tardy}
    assert made["days"] == days
    assert made["weeks"] == {Period.WEEKLY.of(day.date()).start for day in days}
    assert made["months"] == {Period.MONTHLY.of(day.date()).start for day in days}

    after = everything(event_lake)
    assert after != before
    _rebuild(event_lake, {e["timestamp"].date() for e in [*early, *tardy]})
    assert everything(event_lake) == after


def _rebuild(event_lake: EventLake, days: set[Any]) -> None:
    tables = [name for name in everything(event_lake) if name]
    event_lake.postgres.execute(f"truncate {', '.join(tables)}")
    for day in days:
        window = Window(midnight(day), midnight(day) + DAY)
        for grain in Grain:
            event_lake.roll_up(grain, window.start, window.end)
        sessions.Sessions(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock).run(window)
    for period in Period:
        event_lake.roll_up_periods(period, EARLIEST, NOW)
