"""`clearlift backfill rollups`: a range made again, of all or of one organisation; what cannot be is refused."""

from datetime import timedelta
from itertools import pairwise

import pytest

from assets.windows import DAY, Window, midnight
from clearlift_pipelines.cli.backfill import _chunks
from clearlift_pipelines.definitions import utc_now
from tests.assets.rollups.lakeside import Lakeside, at, event
from tests.clearlift_pipelines.cli.terminal import Terminal


def test_a_range_is_made_again_for_one_organisation_or_for_all(terminal: Terminal) -> None:
    terminal.stores.migrate()
    lakeside = Lakeside(terminal.stores)
    lakeside.append(*(event(timestamp=at(day, 5), org_tag=org) for day in range(1, 5) for org in ("a3f7c2", "b8e9d1")))

    terminal.good("backfill", "rollups", "--from", "2026-03-02", "--to", "2026-03-04")
    rows = lakeside.rows()
    assert [row[1] for row in rows["rollups.hourly_totals"]] == [at(day, 5) for day in range(2, 4)] * 2
    assert len(rows["rollups.daily_totals"]) == 4

    lakeside.postgres.execute("update rollups.hourly_totals set events = 9; update rollups.daily_totals set events = 9")
    terminal.good("backfill", "rollups", "--from", "2026-03-03", "--to", "2026-03-04", "--org", "a3f7c2")
    for table in ("hourly", "daily"):
        found = lakeside.postgres.fetch(f"select count(*) as n from rollups.{table}_totals where events = 1")
        assert found == [{"n": 1}]

    terminal.good("backfill", "rollups", "--from", "2026-03-02T05", "--to", "2026-03-02T06")
    assert lakeside.postgres.fetch("select count(*) as n from rollups.hourly_totals where events = 1") == [{"n": 3}]


def test_today_is_made_up_to_the_hour_in_progress(terminal: Terminal) -> None:
    terminal.stores.migrate()
    lakeside = Lakeside(terminal.stores)
    lakeside.append(event(timestamp=utc_now()))
    today = utc_now().date()
    terminal.good("backfill", "rollups", "--from", f"{today}", "--to", f"{today + timedelta(days=1)}")
    assert len(lakeside.rows()["rollups.daily_totals"]) == 1
    assert len(lakeside.rows()["rollups.hourly_totals"]) == 1


@pytest.mark.parametrize(
    ("first", "end", "why"),
    [
        ("2026-03-02", "2026-03-02", "--to must lie after --from"),
        ("2026-03-03", "2026-03-02", "--to must lie after --from"),
        ("2025-09-30", "2025-10-02", "lies before the first partition, 2025-10-01 (CLEARLIFT_PARTITIONS_START)"),
        ("2026-03-02", "2999-01-01", "--to lies in the future"),
    ],
)
def test_ranges_that_cannot_be_made_are_refused(terminal: Terminal, first: str, end: str, why: str) -> None:
    assert why in terminal.refused("backfill", "rollups", "--from", first, "--to", end)


def test_a_wrong_date_is_a_wrong_command_line(terminal: Terminal) -> None:
    said = terminal.clearlift("backfill", "rollups", "--from", "yesterday", "--to", "2026-03-02")
    assert said.code == 2
    assert "yesterday" in said.err


def test_a_long_range_is_made_a_week_at_a_time() -> None:
    window = Window(at(1, 7), at(30, 3))
    chunks = list(_chunks(window))
    assert chunks[0].start == window.start
    assert chunks[-1].end == window.end
    assert all(a.end == b.start == midnight(b.start.date()) for a, b in pairwise(chunks))
    assert all(chunk.end - chunk.start <= 7 * DAY for chunk in chunks)
