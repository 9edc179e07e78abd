"""After a daemon was away, a location did not load, or runs failed: no window is missing, none is made twice."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from dagster._core.test_utils import instance_for_test

from assets.apps.pipelines import MIGRATIONS
from assets.windows import DAY, HOUR, Window, daily_key, midnight, month_of, week_of
from tests.clearlift_pipelines.downtime import Downtime
from tests.clearlift_pipelines.location import located
from tests.databases import database, template_of

pytestmark = [
    # Dagster's own, when a location is loaded into this process; and what it says of one that fails to load.
    pytest.mark.filterwarnings("ignore:Property `.*` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Error loading repository location:UserWarning"),
]
# So long after its hour the daemon looks: every schedule of the hour is due then.
AT = timedelta(minutes=12)


@pytest.fixture
def downtime(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: str) -> Iterator[Downtime]:
    """A daemon that starts at 06:12 on the day of the parameter, over a migrated location."""
    start: date = request.param
    # Every query of Dagster opens a connection of its own, which takes Postgres longer than all else here.
    events = {"module": "dagster._core.storage.event_log", "class": "ConsolidatedSqliteEventLogStorage"}
    with database(postgres_server, template_of(postgres_server, MIGRATIONS)) as ours:
        overrides = {
            "event_log_storage": {**events, "config": {"base_dir": str(tmp_path / "history")}},
            "run_coordinator": {"module": "dagster", "class": "QueuedRunCoordinator"},
            "telemetry": {"enabled": False},
        }
        with (
            located(tmp_path / "home", ours, partitions_start=start) as location,
            instance_for_test(overrides=overrides) as instance,
        ):
            location.now = midnight(start) + 6 * HOUR + AT
            found = Downtime(location, instance, Random(7))
            yield found
            found.stop()


def hold(downtime: Downtime, start: date, *, quiet_hours: int) -> None:
    """After quiet hours, every hour and day since the first evaluation was made once, each ended week and month too."""
    downtime.settle(quiet_hours)
    assert downtime.location.now is not None
    now = downtime.location.now
    first = midnight(start) + 7 * HOUR  # the daemon meets the schedules at 07:12; their first moment is 08:10
    hours = [f"{at:%Y-%m-%d %H}" for at in Window(first, now - AT).steps(HOUR)]
    days = [f"{at:%Y-%m-%d} 00" for at in Window(midnight(start), midnight(now.date())).steps(DAY)]
    for grain, expected in (("hourly", hours), ("daily", days)):
        made = {window: count for (of, window), count in downtime.made.items() if of == grain}
        assert sorted(set(expected) - made.keys()) == [], f"{grain} missing"
        assert {window: count for window, count in made.items() if count > 1} == {}, f"{grain} made twice"
        assert sorted(made.keys() - set(expected)) == [], grain
    for grain, of in (("weekly", week_of), ("monthly", month_of)):
        rows = downtime.location.stores.postgres.fetch(
            "select window_start, built_at from rollups.windows where app = 'clearlift' and grain = %s", (grain,)
        )
        built = {row["window_start"].astimezone(UTC): row["built_at"] for row in rows}
        ended = {of(at.date()) for at in Window(midnight(start), midnight(now.date())).steps(DAY)}
        for window in sorted(window for window in ended if window.end <= midnight(now.date())):
            assert built[window.start] >= window.end, (grain, daily_key(window.start.date()))


@pytest.mark.early
@pytest.mark.parametrize("downtime", [date(2024, 2, 27)], indirect=True)
def test_what_was_missed_over_a_leap_day_is_made_up_once(downtime: Downtime) -> None:
    downtime.present(3)
    downtime.away(12)
    downtime.present(5)
    downtime.broken(3)
    downtime.stop()
    downtime.present(3)
    downtime.away(36)
    downtime.present(3)
    assert downtime.failed
    hold(downtime, date(2024, 2, 27), quiet_hours=12)


class Failing(Random):
    """The chance by which every run fails."""

    def random(self) -> float:
        return 0.9


@pytest.mark.parametrize("downtime", [date(2024, 3, 5)], indirect=True)
def test_the_first_day_is_made_up_although_its_first_run_failed(downtime: Downtime) -> None:
    downtime.settle(2)
    downtime.away(15)
    downtime.chance = Failing()
    downtime.present(2)
    hold(downtime, date(2024, 3, 5), quiet_hours=26)


@pytest.mark.soak
@pytest.mark.parametrize("downtime", [date(2023, 6, 20)], indirect=True)
def test_over_a_year_no_hour_is_missing_and_none_is_made_twice(downtime: Downtime) -> None:
    """365 days with a leap day, both changes of the clock, restarts, gaps, a broken location and a gap of 20 days.

    The daemon is there for a few hours at a time, because each hour in which it only goes on is like the one before.
    """
    end = datetime(2024, 6, 19, tzinfo=UTC)
    gap = datetime(2024, 1, 10, tzinfo=UTC)
    while downtime.location.now is not None and downtime.location.now < end:
        if gap is not None and downtime.location.now > gap:
            downtime.away(20 * 24)
            gap = end
        what = downtime.chance.choice([downtime.present] * 3 + [downtime.away, downtime.broken])
        hours = [1, 2, 3, 6] if what == downtime.present else [1, 12, 24, 36]
        what(downtime.chance.choice(hours))
        if downtime.chance.random() < 0.1:
            downtime.stop()
    assert downtime.failed > 100
    hold(downtime, date(2023, 6, 20), quiet_hours=48)
