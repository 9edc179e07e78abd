"""From landing to roll-ups: however events are cut into batches, ordered and repeated, the same roll-ups come out."""

import random
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assets.apps.clearlift import APP
from assets.rollups import late
from assets.rollups.build import RollUp
from assets.rollups.definition import CUTS, Grain
from assets.rollups.follow import follow
from assets.windows import day_window
from tests.assets.event_pipeline import Pipeline, event
from tests.assets.rollups.event_lake import event as whole_event
from tests.assets.rollups.recount import recount
from tests.examples import examples

from tests.assets.event_pipeline import line  # isort: skip

EVENTS = 24
DAYS = [date(2025, 10, day) for day in (10, 11, 12)]
EXPECTED = recount(
    whole_event(**{**event(n), "timestamp": datetime.fromisoformat(event(n)["timestamp"]).astimezone(UTC)})
    for n in range(EVENTS)
)


@st.composite
def landings(draw: st.DrawFn) -> list[list[int]]:
    """Batches of event numbers: every event at least once, in any order, some again."""
    numbers = list(range(EVENTS)) + draw(st.lists(st.integers(0, EVENTS - 1), max_size=12))
    random.Random(draw(st.integers(0, 2**32))).shuffle(numbers)
    cuts = sorted(draw(st.lists(st.integers(0, len(numbers)), max_size=5)))
    return [numbers[a:b] for a, b in zip([0, *cuts], [*cuts, len(numbers)], strict=True) if a < b]


@examples(3, 30)
@given(batches=landings(), repeated=st.integers(0, 5), between=st.booleans())
def test_any_split_order_and_repetition_of_events_ends_in_the_same_roll_ups(
    pipeline: Pipeline, batches: list[list[int]], repeated: int, between: bool
) -> None:
    """`between`: what is stale is rolled up after every batch, as the sensor would; else once, at the end."""
    pipeline.reset()
    _empty_lake(pipeline)
    for batch in [*batches, batches[repeated % len(batches)]]:
        pipeline.land(*(line(n) for n in batch))
        if between:
            pipeline.ingested()
            _roll_up_stale(pipeline)
    pipeline.ingested()
    _roll_up_stale(pipeline)

    assert _rows(pipeline) == EXPECTED


def _empty_lake(pipeline: Pipeline) -> None:
    files = pipeline.table.files()
    if files:
        pipeline.table.load().delete()


def _roll_up_stale(pipeline: Pipeline) -> None:
    def clock() -> datetime:
        return pipeline.now

    while follow(APP, pipeline.table, pipeline.postgres, clock):
        pass
    found = late.stale(APP, pipeline.postgres, day_window(DAYS[0]).start, pipeline.now)
    for grain, windows in ((Grain.HOURLY, found.hours), (Grain.DAILY, found.days)):
        for window in windows:
            RollUp(APP, grain, pipeline.table, pipeline.postgres, clock).run(window)


def _rows(pipeline: Pipeline) -> dict[str, list[tuple[Any, ...]]]:
    tables = [cut.table(grain) for grain in Grain for cut in CUTS]
    rows = {table: pipeline.postgres.fetch(f"select * from {table}") for table in tables}
    return {
        table: sorted(tuple(value for name, value in row.items() if name != "app") for row in counted)
        for table, counted in rows.items()
    }
