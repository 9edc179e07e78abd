"""Two years of events and sessions, every day's jobs in their order, with late data, faults and kills.

After every night each row ever accepted is live, or archived and sealed, or was deleted by its policy; from time to
time, once what waits was made, every aggregate is the one that all rows ever accepted make, and nothing stays that may
go. In steps of three weeks with few rows always; every single day of them as a long-running test.
"""

import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from assets.metrics.kept import kept_before
from tests.simulation.accounts import Accounts
from tests.simulation.house import House, housed
from tests.simulation.model import Model
from tests.simulation.nights import KILLED, Nights
from tests.simulation.sesh import Sesh
from tests.simulation.truth import Truth
from tests.simulation.weather import Weather
from tests.simulation.web import Web

START, END = date(2023, 1, 1), date(2025, 2, 10)
pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


@dataclass(frozen=True)
class Pace:
    """How closely the two years are lived: days a step, what happens a day, the share of jobs that is struck; after how
    many steps Dagster makes a night, everything that waits is made and all is compared, and the system kills a job in a
    process of its own (0: never).
    """

    step: int
    visits: float
    sessions: float
    struck: float
    dagster: int
    compared: int
    killed: int = 0


IN_STEPS = Pace(step=21, visits=4, sessions=0.5, struck=0.1, dagster=22, compared=6)
EVERY_DAY = Pace(step=1, visits=1.5, sessions=1.0, struck=0.05, dagster=91, compared=30, killed=45)


@pytest.fixture
def house(tmp_path: Path, postgres_dsn: str) -> Iterator[House]:
    # A commit that is struck says so; a pool that is given back a struck connection too.
    logging.disable(logging.WARNING)
    try:
        with housed(tmp_path / "home", postgres_dsn, START) as found:
            yield found
    finally:
        logging.disable(logging.NOTSET)


def live(house: House, seed: int, pace: Pace) -> Nights:
    """The two years."""
    model = Model()
    web = Web(seed, START, pace.visits, pace.step)
    app = Sesh(seed, pace.sessions, house.sesh, house.store, model)
    accounts = Accounts(seed, house.d1, model)
    nights = Nights(house, model, web, app, accounts, Weather(random.Random(seed), pace.struck))
    truth = Truth(house, model)
    house.partitions()
    app.begin()
    day, steps = START, 0
    try:
        while day < END:
            first, day, steps = day, day + timedelta(days=pace.step), steps + 1
            kills = pace.killed and steps % pace.killed == 0
            kill = KILLED[steps // pace.killed % len(KILLED)] if kills else ""
            nights.pass_days(first, day, dagster=steps % pace.dagster == 0, kill=kill)
            truth.always()
            if steps % pace.compared == 0 or day >= END:
                nights.settle(first, day)
                truth.settled()
                truth.nothing_stays(nights.archived_at, {q for q, at in nights.restored if at >= nights.archived_at})
    except BaseException as error:
        error.add_note(f"seed {seed}, the night before {day}; struck were last: {nights.weather.struck[-5:]}")
        raise
    return nights


def _all_of_it_happened(house: House, nights: Nights) -> None:
    """The years held what they are there to prove."""
    deleted = house.postgres.fetch("select name, sum(rows) as rows from retention.deletions group by name")
    assert {"clearlift.events", "change_log", "sessions", "sessions_*", "points_*"} <= {
        row["name"] for row in deleted if row["rows"]
    }
    assert kept_before(house.sesh) == "2024-01-01T00:00:00.000Z"
    assert house.sesh.query("select 1 from partitions where name = 'sessions_2024_01' and state = 'folded'")
    assert nights.restored, "no late event was of a day that was pruned"
    assert nights.weather.struck


@pytest.mark.parametrize("seed", [3])
def test_two_years_in_steps(house: House, seed: int) -> None:
    _all_of_it_happened(house, live(house, seed, IN_STEPS))


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1])
def test_two_years_day_by_day(house: House, seed: int) -> None:
    nights = live(house, seed, EVERY_DAY)
    _all_of_it_happened(house, nights)
    assert nights.killed
