"""When what landed was in KV: each step is the first that ended after the one before it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from assets.page.blocks import Chart, Figures
from assets.page.lag import Batch, Lag, section, served

NOW = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)
MINUTES = st.integers(0, 60).map(lambda minutes: NOW + timedelta(minutes=minutes))
MOMENTS = st.lists(MINUTES, max_size=8).map(sorted)


@given(committed=MINUTES, rolled=MOMENTS, warmed=st.lists(MOMENTS, max_size=3))
def test_it_was_served_when_every_family_was_warm_after_the_first_roll_up(
    committed: datetime, rolled: list[datetime], warmed: list[list[datetime]]
) -> None:
    first = next((at for at in rolled if at > committed), None)
    ends = [next((at for at in family if first is not None and at > first), None) for family in warmed]
    expected = max(ends) if ends and None not in ends else None  # type: ignore[type-var]
    assert served(committed, rolled, warmed) == expected


def test_what_waits_is_no_lag_and_what_is_not_known_is_no_data() -> None:
    def minutes(ago: int) -> datetime:
        return NOW - timedelta(minutes=ago)

    lag = Lag(
        "clearlift", NOW, [Batch(minutes(200), None), Batch(minutes(90), minutes(60)), Batch(minutes(30), minutes(20))]
    )
    shown, chart = section([lag]).blocks
    assert isinstance(shown, Figures)
    assert [figure.value for figure in shown.figures] == ["20 min", "29 min", "1 batch"]
    assert shown.figures[2].standing == "warning"
    assert isinstance(chart, Chart)
    assert [value for value in chart.lines[0].values if value is not None] == [30, 10]
    nothing, empty = section([Lag("clearlift", NOW, [])]).blocks
    assert isinstance(nothing, Figures)
    assert {figure.value for figure in nothing.figures} == {"no data"}
    assert isinstance(empty, Chart)
    assert empty.is_empty
