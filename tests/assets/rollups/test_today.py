"""Today as events land: only who changed is counted again, and the rows are those of a build of everything."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.compaction.rewrite import Compaction
from assets.rollups import late
from assets.rollups.build import RollUp
from assets.rollups.definition import Grain
from assets.rollups.follow import Changes
from assets.rollups.today import BuiltToday, Today
from assets.windows import DAY, HOUR, midnight
from tests.assets.rollups.event_lake import NOW, EventLake, event

MIDNIGHT = midnight(NOW.date())
ORGS = ("a3f7c2", "b8e9d1", "c1d2e3")


def today(event_lake: EventLake) -> BuiltToday:
    return Today(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock).run()


def counted_again(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The events that each count of windows took in, from now on."""
    counts: list[int] = []
    count: Callable[..., Any] = RollUp.count

    def counting(self: RollUp, events: pl.DataFrame) -> Any:
        counts.append(events.height)
        return count(self, events)

    monkeypatch.setattr(RollUp, "count", counting)
    return counts


def whole(event_lake: EventLake) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of today that a build of all organisations gives."""
    event_lake.roll_up(Grain.HOURLY, MIDNIGHT, MIDNIGHT + DAY)
    event_lake.roll_up(Grain.DAILY, MIDNIGHT, MIDNIGHT + DAY)
    return event_lake.rows()


def test_only_the_hours_and_organisations_that_changed_are_counted(
    event_lake: EventLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_lake.append(*(event(org_tag=org, timestamp=MIDNIGHT + n * HOUR) for org in ORGS for n in range(12)))
    first = today(event_lake)
    assert (first.hours, first.days, first.events) == (12, 1, 36)
    counts = counted_again(monkeypatch)
    event_lake.append(event(timestamp=MIDNIGHT + 3 * HOUR), event(timestamp=MIDNIGHT + 11 * HOUR))
    again = today(event_lake)
    assert (again.commits, again.hours, again.days) == (1, 2, 1)
    assert counts == [2, 2, 14], "two hours and the day, of one organisation"
    assert not late.of_today(event_lake.app, event_lake.postgres, NOW)
    made = event_lake.rows()
    assert made == whole(event_lake)
    counts.clear()
    assert today(event_lake) == BuiltToday()
    assert counts == []


Batch = Sequence[tuple[str, int, int, int]]
BATCHES = st.lists(
    st.lists(st.tuples(st.sampled_from(ORGS), st.integers(0, 12), st.integers(0, 3), st.integers(0, 8)), max_size=6),
    min_size=1,
    max_size=5,
)


@settings(max_examples=12)
@given(batches=BATCHES, then=st.sampled_from(("nothing", "compact", "foreigner", "days", "hours")))
def test_whatever_lands_today_ends_as_a_build_of_everything(
    event_lake: EventLake, batches: Sequence[Batch], then: str
) -> None:
    event_lake.clear()
    event_lake.now = NOW
    for number, batch in enumerate(batches):
        rows = [
            event(org_tag=org, timestamp=MIDNIGHT + hour * HOUR, anonymous_id=f"v{who}", event_id=f"e{one}-{org}")
            for org, hour, who, one in batch
        ]
        if number and then == "foreigner" and rows:
            event_lake.append_as_foreigner(*rows)  # doubles among them
        else:
            event_lake.append(*rows)
        if then == "compact":
            Compaction(event_lake.events).run()
        elif then == "days":
            event_lake.roll_up(Grain.DAILY, MIDNIGHT, MIDNIGHT + DAY, ORGS[0])
        elif then == "hours" and number:
            event_lake.roll_up(Grain.HOURLY, MIDNIGHT + HOUR, MIDNIGHT + 3 * HOUR)
        event_lake.now += timedelta(minutes=1)
        today(event_lake)
    made, records = event_lake.rows(), recorded(event_lake)
    assert made == whole(event_lake)
    assert records == recorded(event_lake), "the number of events that a window holds"


def recorded(event_lake: EventLake) -> set[tuple[str, Any, int]]:
    rows = event_lake.postgres.fetch(
        "select grain, window_start, events from rollups.windows"
        " where grain in ('hourly', 'daily') and org_tag = '' and events > 0"
    )
    return {(row["grain"], row["window_start"], row["events"]) for row in rows}


def test_after_a_rollback_everything_is_counted(event_lake: EventLake) -> None:
    event_lake.append(event(timestamp=MIDNIGHT), event(org_tag=ORGS[1], timestamp=MIDNIGHT))
    kept = event_lake.events.head()[0]
    today(event_lake)
    event_lake.append(event(timestamp=MIDNIGHT))
    today(event_lake)
    table = event_lake.events.load()
    assert kept is not None
    table.manage_snapshots().rollback_to_snapshot(kept).commit()
    event_lake.append(event(org_tag=ORGS[1], timestamp=MIDNIGHT))
    assert today(event_lake).events == 3
    assert event_lake.rows() == whole(event_lake)


def test_yesterday_is_counted_once_an_hour_though_each_batch_has_a_late_event(event_lake: EventLake) -> None:
    """A day of batches of five minutes, by an injected clock. Today's windows follow each of them."""
    day, builds, follows = MIDNIGHT, [], 0
    yesterday = day - DAY
    # Wanted from a commit that is still to come: whatever is built, an event came after it.
    coming = Changes()
    coming.add(yesterday + 7 * HOUR, 10**9)
    coming.add(day + HOUR, 10**9)
    with event_lake.postgres.connection() as connection:
        coming.mark(connection, event_lake.app)
    event_lake.now = day + timedelta(minutes=30)
    event_lake.roll_up(Grain.DAILY, yesterday, day)  # by its schedule
    for batch in range(288):
        event_lake.now = day + timedelta(minutes=5 * batch)
        follows += bool(late.of_today(event_lake.app, event_lake.postgres, event_lake.now).days)
        if event_lake.now < day + timedelta(minutes=30):
            continue
        stale = late.stale(event_lake.app, event_lake.postgres, yesterday - DAY, event_lake.now, pause=HOUR)
        assert all(hours.end <= day for hours in stale.hours), "those of today are no late windows"
        for window in stale.days:
            event_lake.roll_up(Grain.DAILY, window.start, window.end)
            builds.append(event_lake.now)
    assert 1 + len(builds) <= 24
    assert len(builds) >= 22, "it does follow"
    assert follows == 288
