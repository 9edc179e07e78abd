"""`clearlift upkeep`: what it would do, and the grace that it refuses."""

import pytest

from assets.windows import HOUR
from tests.assets.rollups.event_lake import START, EventLake, event
from tests.clearlift_pipelines.cli.terminal import Terminal


def test_a_dry_run_says_what_is_there_and_changes_nothing(terminal: Terminal) -> None:
    terminal.stores.migrate()
    event_lake = EventLake(terminal.stores)
    for hour in (3, 4):
        event_lake.append(event(timestamp=START + hour * HOUR))
    for _ in range(2):
        rows = {row.split()[0]: row for row in terminal.good("upkeep", "--dry-run").splitlines() if row.strip()}
        assert rows["snapshots"].split()[1:3] == ["2", "2"]
        assert "2 not followed by the roll-ups" in rows["snapshots"]


def test_a_dry_run_reports_missing_files_too(terminal: Terminal) -> None:
    terminal.stores.migrate()
    event_lake = EventLake(terminal.stores)
    event_lake.append(event())
    (info,) = event_lake.events.files()
    event_lake.events.discard(info.file)
    said = terminal.clearlift("upkeep", "--dry-run")
    assert said.code == 1
    assert "files " in said.out
    assert "Error: 1 file of the table missing, e.g. " in said.err


@pytest.mark.parametrize("hours", ["inf", "-inf", "nan", "1e+09", "2", "0", "-1"])
def test_a_grace_out_of_bounds_is_refused_with_its_bounds(terminal: Terminal, hours: str) -> None:
    said = terminal.clearlift("upkeep", "--dry-run", "--grace-hours", hours)
    assert said.code == 2
    because = "is not above the longest run, 2 hours (its files could be removed), and at most 8784"
    assert f"Error: Invalid value for --grace-hours: grace_hours {hours} {because}" in said.err
