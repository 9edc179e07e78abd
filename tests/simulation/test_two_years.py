"""Two years of events and sessions: the jobs of every day in their order, with late data, faults and kills.

After every night, each accepted row is live, or is archived and sealed, or its policy deleted it. From time to time the
jobs make everything that waits. Then every aggregate equals the one of all accepted rows, and nothing stays that is old
enough to go. The short test has few rows and lives four weeks in one step. The long-running one lives every day.
"""

import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from assets.metrics.kept import kept_before
from tests.app_databases import AppDatabases
from tests.simulation.accepted import Accepted
from tests.simulation.accounts import Accounts
from tests.simulation.faults import Faults
from tests.simulation.invariants import Invariants
from tests.simulation.nights import KILLED, Nights
from tests.simulation.pipelines import Pipelines, opened
from tests.simulation.sesh import Sesh
from tests.simulation.web_events import WebEvents

START, END = date(2023, 1, 1), date(2025, 2, 10)
pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


@dataclass(frozen=True)
class Pace:
    """How closely the two years are lived.

    step: days in one step. visits, sessions: how many there are on a day. interrupted: the share of jobs that a fault
    or a kill interrupts. dagster: after so many steps, Dagster runs a night. compared: after so many steps, everything
    that waits is made and all is compared. killed: after so many steps, the system kills a job in a process of its own;
    0 for never.
    """

    step: int
    visits: float
    sessions: float
    interrupted: float
    dagster: int
    compared: int
    killed: int = 0


IN_STEPS = Pace(step=28, visits=4, sessions=0.5, interrupted=0.1, dagster=17, compared=6)
EVERY_DAY = Pace(step=1, visits=1.5, sessions=1.0, interrupted=0.05, dagster=91, compared=30, killed=45)


@pytest.fixture
def pipelines(
    tmp_path: Path, postgres_dsn: str, app_databases: AppDatabases, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipelines]:
    # For processes too: one that is killed would leave an embedded server behind.
    monkeypatch.setenv("CLEARLIFT_POSTGRES__GROWTH", app_databases.of(tmp_path, "app_growth"))
    # A commit that was interrupted logs a warning, and so does a pool that gets an interrupted connection back.
    logging.disable(logging.WARNING)
    try:
        with opened(tmp_path / "home", postgres_dsn, START) as pipelines:
            yield pipelines
    finally:
        logging.disable(logging.NOTSET)


def live(pipelines: Pipelines, seed: int, pace: Pace) -> Nights:
    """Live the two years; returns the nights."""
    accepted = Accepted()
    nights = Nights(
        pipelines,
        accepted,
        web=WebEvents(seed, START, pace.visits, pace.step),
        sesh=Sesh(seed, pace.sessions, pipelines.sesh, pipelines.store, accepted),
        accounts=Accounts(seed, pipelines.d1, accepted),
        faults=Faults(random.Random(seed), pace.interrupted),
    )
    invariants = Invariants(pipelines, accepted)
    pipelines.partitions()
    nights.sesh.begin()
    day, steps = START, 0
    try:
        while day < END:
            first, day, steps = day, day + timedelta(days=pace.step), steps + 1
            kills = pace.killed and steps % pace.killed == 0
            kill = KILLED[steps // pace.killed % len(KILLED)] if kills else ""
            nights.pass_days(first, day, dagster=steps % pace.dagster == 0, kill=kill)
            invariants.always()
            if steps % pace.compared == 0 or day >= END:
                nights.settle(first, day)
                invariants.settled()
                restored = {quarter for quarter, at in nights.restored if at >= nights.archived_at}
                invariants.nothing_stays(nights.archived_at, restored)
    except BaseException as error:
        last = nights.faults.interrupted[-5:]
        error.add_note(f"seed {seed}, the night before {day}; the last interrupted jobs: {last}")
        raise
    return nights


def _all_of_it_happened(pipelines: Pipelines, nights: Nights) -> None:
    """The years contained what they are there to prove."""
    deleted = pipelines.postgres.fetch("select name, sum(rows) as rows from retention.deletions group by name")
    assert {"clearlift.events", "change_log", "sessions", "sessions_*", "points_*"} <= {
        row["name"] for row in deleted if row["rows"]
    }
    assert kept_before(pipelines.sesh) == "2024-01-01T00:00:00.000Z"
    assert pipelines.sesh.query("select 1 from partitions where name = 'sessions_2024_01' and state = 'folded'")
    assert nights.restored, "no late event was of a day that was pruned"
    assert nights.faults.interrupted


@pytest.mark.early
@pytest.mark.parametrize("seed", [3])
def test_two_years_in_steps(pipelines: Pipelines, seed: int) -> None:
    _all_of_it_happened(pipelines, live(pipelines, seed, IN_STEPS))


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1])
def test_two_years_day_by_day(pipelines: Pipelines, seed: int) -> None:
    nights = live(pipelines, seed, EVERY_DAY)
    _all_of_it_happened(pipelines, nights)
    assert nights.killed
