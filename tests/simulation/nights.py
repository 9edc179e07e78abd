"""A day of the world and the night after it: the jobs in the order of the schedules, under whatever weather there is.

A struck job is often run again at once, as Dagster does; else the next night's runs carry on.
"""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from assets.apps.clearlift import APP as CLEARLIFT
from assets.archive.quarters import Quarter
from assets.events import landing
from assets.rollups.definition import Grain
from assets.rollups.periods import Period
from assets.windows import DAY, Window, midnight
from tests.simulation.accounts import Accounts
from tests.simulation.daemon import Daemon
from tests.simulation.house import House
from tests.simulation.model import Model
from tests.simulation.sesh import Sesh
from tests.simulation.weather import Weather
from tests.simulation.web import Web

RETRIES = 2
# A night after a storm looks again as often as this for what is late.
LOOKS = 20
# What is killed for good, in a process of its own.
KILLED = ("ingest", "compact", "catch_up", "points", "metrics", "archive", "retain", "prune_detail")
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Nights:
    """Days and nights of one house."""

    house: House
    model: Model
    web: Web
    app: Sesh
    accounts: Accounts
    weather: Weather
    batches: int = 0
    killed: int = 0
    restored: list[tuple[str, date]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.archived_at = self.house.start

    def pass_days(self, first: date, end: date, *, dagster: bool = False, kill: str = "") -> None:
        """The world's days of [first, end), then the night after the last of them, as Dagster makes it or without.

        Before it, the job `kill` is run in a process that the system kills.
        """
        for batch in self.web.batches(first, end):
            for _ in range(1 + batch.twice):
                self.batches += 1
                self.house.store.put(
                    f"{landing.zone(CLEARLIFT).hour_prefix(batch.hour)}{self.batches:07}.ndjson",
                    b"\n".join(batch.lines) + b"\n",
                )
            self.model.land(batch.events, end)
        for number in range((end - first).days):
            self.house.at(midnight(first) + number * DAY + timedelta(hours=23))
            self.app.act(first + timedelta(days=number))
            self.accounts.act(first + timedelta(days=number))
        if kill:
            self.house.at(midnight(end) - timedelta(minutes=20))
            self.kill(kill, self.weather.chance.randrange(1, 80))
        if dagster:
            self.dagster_night(first, end)
        else:
            self.night(first, end)

    def night(self, first: date, end: date) -> None:
        """The night after the days of [first, end)."""
        house, dawn = self.house, midnight(end)
        # The schedules name yesterday; what else the days brought is late.
        made = Window(dawn - DAY, dawn)
        before = Window(max(midnight(house.start), made.start - DAY), made.end)
        self._surely("ingest", dawn - timedelta(minutes=10), house.ingest)
        self._perhaps("compact", dawn + timedelta(minutes=10), house.compact)
        self._perhaps("hours", dawn + timedelta(minutes=11), lambda: house.roll_up(Grain.HOURLY, made))
        self._perhaps("days", dawn + timedelta(minutes=30), lambda: house.roll_up(Grain.DAILY, made))
        self._perhaps("sessions", dawn + timedelta(minutes=40), lambda: house.make_sessions(before))
        self._perhaps("weeks", dawn + timedelta(minutes=45), lambda: house.roll_up_periods(Period.WEEKLY, made))
        self._perhaps("months", dawn + timedelta(minutes=50), lambda: house.roll_up_periods(Period.MONTHLY, made))
        self._perhaps("attribution", dawn + timedelta(minutes=55), lambda: house.attribute(made))
        if _crossed(first, end, *range(1, 13)):
            self._surely("partitions", dawn + timedelta(minutes=130), house.partitions)
        self._surely("points", dawn + timedelta(minutes=135), lambda: house.points(sweep=True))
        self._perhaps("metrics", dawn + timedelta(minutes=136), house.metrics)
        self._perhaps("invalidate", dawn + timedelta(minutes=140), house.invalidate)
        self._perhaps("late", dawn + timedelta(minutes=180), house.catch_up)
        self._perhaps("tidy", dawn + timedelta(minutes=220), house.tidy)
        self._perhaps("remove files", dawn + timedelta(minutes=230), house.remove_files)
        self._perhaps("sweep", dawn + timedelta(minutes=240), lambda: house.ingest(sweep=True))
        self._perhaps("retention", dawn + timedelta(minutes=300), house.retain)
        if _crossed(first, end, 1, 4, 7, 10):
            self._surely("archive", dawn + timedelta(minutes=315), house.archive)
            self.archived_at = end
        if _crossed(first - DAY, end - DAY, 1):
            self._surely("prune detail", dawn + timedelta(minutes=330), house.prune_detail)
        house.date()
        house.at(dawn + timedelta(hours=6))

    def dagster_night(self, first: date, end: date) -> None:
        """The same night as Dagster makes it: by schedules and sensors."""
        daemon, dawn = Daemon(self.house.location), midnight(end)

        def look(sensor: str, at: datetime) -> None:
            self._surely(f"sensor {sensor}", at, partial(daemon.look, sensor))

        def tick(minutes: int, *schedules: str) -> None:
            at = dawn + timedelta(minutes=minutes)
            for schedule in schedules:
                self._surely(f"schedule {schedule}", at, partial(daemon.tick, schedule, at))

        look("clearlift_landing", dawn - timedelta(minutes=10))
        tick(10, "clearlift_hourly")
        tick(30, "clearlift_daily")
        tick(40, "clearlift_sessions_daily")
        tick(45, "clearlift_weekly")
        tick(50, "clearlift_monthly")
        tick(55, "clearlift_attribution_daily")
        if _crossed(first, end, *range(1, 13)):
            tick(130, "sesh_partitions")
        tick(135, "sesh_points")
        tick(140, "sesh_invalidate")
        for sensor in ("clearlift_late_data", "clearlift_late_sessions", "clearlift_late_attribution"):
            look(sensor, dawn + timedelta(minutes=180))
        tick(220, "clearlift_tidy")
        tick(230, "clearlift_remove_files")
        tick(240, "clearlift_sweep")
        tick(300, "clearlift_retention", "sesh_retention")
        if _crossed(first, end, 1, 4, 7, 10):
            tick(315, "clearlift_archive", "sesh_archive")
            self.archived_at = end
        if _crossed(first - DAY, end - DAY, 1):
            self._surely("prune detail", dawn + timedelta(minutes=330), self.house.prune_detail)
        self.house.date()
        self.house.at(dawn + timedelta(hours=6))
        assert daemon.failed == []

    def kill(self, job: str, number: int) -> bool:
        """Run a job in a process of its own, which the system kills at an operation; whether it came that far."""
        house = self.house
        arguments = [house.home, house.postgres.dsn, house.start, house.now.isoformat(), job, number]
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation.process", *map(str, arguments)],
            cwd=ROOT,
            check=False,
            timeout=300,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        self.killed += done.returncode != 0
        return done.returncode != 0

    def settle(self, first: date, end: date) -> None:
        """Good weather: the night again, then all that waits, until nothing does."""
        self.weather.calm = True
        self.house.at(midnight(end))
        self.night(first, end)
        self._catch_up()
        self.operate()
        self.house.metrics()
        self.house.retain()
        self.weather.calm = False

    def operate(self) -> None:
        """What an operator does who reads that late events are too old: the commands of the report, in their order."""
        for _ in range(LOOKS):
            found = self.house.beyond()
            if not found:
                return
            for quarter in found.pruned.quarters:
                self.restored.append((quarter, self.house.now.date()))
                self.house.restore(Quarter.parse(quarter))
            for window in found.days:
                self.house.backfill(window)
            self._catch_up()
        raise AssertionError(f"the report stays: {found}")

    def _catch_up(self) -> None:
        for _ in range(LOOKS):
            if not self.house.catch_up():
                return
        raise AssertionError("what is late is never done with")

    def _surely(self, job: str, at: datetime, work: Callable[[], Any]) -> None:
        """A job that is run until it comes to its end."""
        self.house.at(at)
        for _ in range(RETRIES):
            if self.weather.run(job, work):
                return
        work()

    def _perhaps(self, job: str, at: datetime, work: Callable[[], Any]) -> None:
        """A job that is retried twice, or left to the next night."""
        self.house.at(at)
        for _ in range(1 + RETRIES):
            if self.weather.run(job, work) or self.weather.chance.random() < 0.4:
                return


def _crossed(first: date, end: date, *months: int) -> bool:
    """Whether a first of one of these months lies in (first, end]: its night is the one after the days [first, end)."""
    days = (first + timedelta(days=number) for number in range(1, (end - first).days + 1))
    return any(day.day == 1 and day.month in months for day in days)
