"""`clearlift backfill attribution`: a range made here and now, without platforms; what cannot be made is refused."""

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from sandbox import sample_stores
from tests.assets.rollups.event_lake import EventLake, at, event
from tests.clearlift_pipelines.cli.terminal import Terminal


def test_a_range_is_made_and_the_days_that_it_changes(terminal: Terminal) -> None:
    terminal.stores.migrate()
    sample_stores.fill_d1(terminal.stores.d1(CLEARLIFT))
    event_lake = EventLake(terminal.stores)
    event_lake.append(
        event(timestamp=at(2, 5), session_id="a", utm_campaign="letter"),
        *(event(timestamp=at(day, 9), session_id=f"c{day}", event_type="conversion") for day in (1, 3, 5)),
    )
    terminal.good("backfill", "attribution", "--from", "2026-03-03", "--to", "2026-03-06")
    credited = (
        "select extract(day from day)::integer as day, reason from attribution.credits where model in ('last', '')"
        " order by day"
    )
    assert event_lake.postgres.fetch(credited) == [{"day": 3, "reason": "no_touch"}, {"day": 5, "reason": "no_touch"}]
    terminal.good("backfill", "attribution", "--from", "2026-03-01", "--to", "2026-03-03")
    assert {(row["day"], row["reason"]) for row in event_lake.postgres.fetch(credited)} == {
        (1, "no_touch"), (2, "unknown_campaign"), (3, "unknown_campaign"), (5, "unknown_campaign"),
    }  # fmt: skip


@pytest.mark.parametrize(("first", "end"), [("2025-09-30", "2025-10-02"), ("2026-03-02", "2999-01-01")])
def test_ranges_that_cannot_be_made_are_refused(terminal: Terminal, first: str, end: str) -> None:
    assert "name days from 2025-10-01 to" in terminal.refused("backfill", "attribution", "--from", first, "--to", end)
