"""The days of the simulated world, and the jobs of the night after each of them, in the order of the schedules.

A fault or a kill may interrupt a job. An interrupted job often runs again at once, as in Dagster. If not, the next
night continues its work. What does not belong here: what happens on a day, and what a job does.
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
from assets.pace import FIRST_PAUSE
from assets.rollups.definition import Grain
from assets.rollups.periods import Period
from assets.windows import DAY, Window, midnight
from tests.simulation.accepted import Accepted
from tests.simulation.accounts import Accounts
from tests.simulation.daemon import Daemon
from tests.simulation.faults import Faults
from tests.simulation.pipelines import Pipelines
from tests.simulation.sesh import Sesh
from tests.simulation.web_events import WebEvents

RETRIES = 2
# So many times late data is made again, until nothing is late.
ROUNDS = 20
# The jobs that run in a process of their own, which the system kills.
KILLED = ("ingest", "compact", "catch_up", "points", "metrics", "archive", "retain", "prune_detail")
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Nights:
    """The days and nights over one set of stores. restored: quarters that were restored, with the day of that."""

    pipelines: Pipelines
    accepted: Accepted
    web: WebEvents
    sesh: Sesh
    accounts: Accounts
    faults: Faults
    batches: int = 0
    killed: int = 0
    restored: list[tuple[str, date]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.archived_at = self.pipelines.start

    def pass_days(self, first: date, end: date, *, dagster: bool = False, kill: str = "") -> None:
        """The days of [first, end), then the night after the last of them, run by Dagster or directly.

        Before the night, the job `kill` runs in a process that the system kills.
        """
        for batch in self.web.batches(first, end):
            for _ in range(1 + batch.twice):
                self.batches += 1
                self.pipelines.store.put(
                    f"{landing.zone(CLEARLIFT).hour_prefix(batch.hour)}{self.batches:07}.ndjson",
                    b"\n".join(batch.lines) + b"\n",
                )
            self.accepted.land(batch.events, end)
        for number in range((end - first).days):
            self.pipelines.at(midnight(first) + number * DAY + timedelta(hours=23))
            self.sesh.act(first + timedelta(days=number))
            self.accounts.act(first + timedelta(days=number))
        if kill:
            self.pipelines.at(midnight(end) - timedelta(minutes=20))
            self.kill(kill, self.faults.chance.randrange(1, 80))
        if dagster:
            self.dagster_night(first, end)
        else:
            self.night(first, end)

    def night(self, first: date, end: date) -> None:
        """The night after the days of [first, end)."""
        pipelines, dawn = self.pipelines, midnight(end)
        # The schedules request yesterday. The other days of the step are late data.
        yesterday = Window(dawn - DAY, dawn)
        two_days = Window(max(midnight(pipelines.start), yesterday.start - DAY), dawn)
        self._until_done("ingest", dawn - timedelta(minutes=10), pipelines.ingest)
        self._or_next_night("compact", dawn + timedelta(minutes=10), pipelines.compact)
        self._or_next_night("hours", dawn + timedelta(minutes=11), partial(pipelines.roll_up, Grain.HOURLY, yesterday))
        self._or_next_night("days", dawn + timedelta(minutes=30), partial(pipelines.roll_up, Grain.DAILY, yesterday))
        self._or_next_night("sessions", dawn + timedelta(minutes=40), partial(pipelines.make_sessions, two_days))
        self._or_next_night(
            "weeks", dawn + timedelta(minutes=45), lambda: pipelines.roll_up_periods(Period.WEEKLY, yesterday)
        )
        self._or_next_night(
            "months", dawn + timedelta(minutes=50), lambda: pipelines.roll_up_periods(Period.MONTHLY, yesterday)
        )
        self._or_next_night("attribution", dawn + timedelta(minutes=55), partial(pipelines.attribute, yesterday))
        if _crossed(first, end, *range(1, 13)):
            self._until_done("partitions", dawn + timedelta(minutes=130), pipelines.partitions)
        self._until_done("points", dawn + timedelta(minutes=135), partial(pipelines.points, sweep=True))
        self._or_next_night("metrics", dawn + timedelta(minutes=136), pipelines.metrics)
        self._or_next_night("invalidate", dawn + timedelta(minutes=140), pipelines.invalidate)
        self._or_next_night("late", dawn + timedelta(minutes=180), pipelines.catch_up)
        self._or_next_night("tidy", dawn + timedelta(minutes=220), pipelines.tidy)
        self._or_next_night("remove files", dawn + timedelta(minutes=230), pipelines.remove_files)
        self._or_next_night("sweep", dawn + timedelta(minutes=240), partial(pipelines.ingest, sweep=True))
        self._or_next_night("retention", dawn + timedelta(minutes=300), pipelines.retain)
        if _crossed(first, end, 1, 4, 7, 10):
            self._until_done("archive", dawn + timedelta(minutes=315), pipelines.archive)
            self.archived_at = end
        if _crossed(first - DAY, end - DAY, 1):
            self._until_done("prune detail", dawn + timedelta(minutes=330), pipelines.prune_detail)
        pipelines.correct_dates()
        pipelines.at(dawn + timedelta(hours=6))

    def dagster_night(self, first: date, end: date) -> None:
        """The same night as Dagster runs it, by schedules and sensors."""
        daemon, dawn = Daemon(self.pipelines.location), midnight(end)

        def look(sensor: str, at: datetime) -> None:
            def after_a_pause() -> None:
                # What failed is asked for again only after a pause.
                self.pipelines.at(self.pipelines.now + next(pauses))
                daemon.look(sensor)

            pauses = iter([timedelta(0), FIRST_PAUSE, 2 * FIRST_PAUSE])
            self._until_done(f"sensor {sensor}", at, after_a_pause)

        def tick(minutes: int, *schedules: str) -> None:
            at = dawn + timedelta(minutes=minutes)
            for schedule in schedules:
                self._until_done(f"schedule {schedule}", at, partial(daemon.tick, schedule, at))

        look("clearlift_landing", dawn - timedelta(minutes=10))
        tick(10, "clearlift_hourly")
        tick(30, "clearlift_daily")
        tick(40, "clearlift_sessions_daily")
        tick(45, "clearlift_weekly")
        tick(50, "clearlift_monthly")
        tick(55, "clearlift_attribution_daily")
        if _crossed(first, end, *range(1, 13)):
            tick(130, "sesh_partitions")
        tick(135, "sesh_points_sweep")
        look("sesh_invalidation", dawn + timedelta(minutes=140))
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
            self._until_done("prune detail", dawn + timedelta(minutes=330), self.pipelines.prune_detail)
        self.pipelines.correct_dates()
        self.pipelines.at(dawn + timedelta(hours=6))
        assert daemon.failed == []

    def kill(self, job: str, number: int) -> bool:
        """Run a job in a process of its own, which the system kills at an operation; False if it ended before."""
        pipelines = self.pipelines
        arguments = [pipelines.home, pipelines.postgres.dsn, pipelines.start, pipelines.now.isoformat(), job, number]
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation.killed_job", *map(str, arguments)],
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
        """Without faults: the night again, then everything that waits, until nothing waits."""
        self.faults.off = True
        self.pipelines.at(midnight(end))
        self.night(first, end)
        self._catch_up()
        self.operate()
        self.pipelines.metrics()
        self.pipelines.retain()
        self.faults.off = False

    def operate(self) -> None:
        """What an operator does after the report that late events are too old: its commands, in their order."""
        for _ in range(ROUNDS):
            report = self.pipelines.beyond()
            if not report:
                return
            for quarter in report.pruned.quarters:
                self.restored.append((quarter, self.pipelines.now.date()))
                self.pipelines.restore(Quarter.parse(quarter))
            for window in report.days:
                self.pipelines.backfill(window)
            self._catch_up()
        raise AssertionError(f"the report does not go: {report}")

    def _catch_up(self) -> None:
        for _ in range(ROUNDS):
            if not self.pipelines.catch_up():
                return
        raise AssertionError("there is always more late data")

    def _until_done(self, job: str, at: datetime, work: Callable[[], Any]) -> None:
        """Run a job until it completes."""
        self.pipelines.at(at)
        for _ in range(RETRIES):
            if self.faults.run(job, work):
                return
        work()

    def _or_next_night(self, job: str, at: datetime, work: Callable[[], Any]) -> None:
        """Run a job, with at most two retries; the next night continues what it leaves."""
        self.pipelines.at(at)
        for _ in range(1 + RETRIES):
            if self.faults.run(job, work) or self.faults.chance.random() < 0.4:
                return


def _crossed(first: date, end: date, *months: int) -> bool:
    """Whether the first day of one of these months lies in (first, end]: its night follows the days [first, end)."""
    days = (first + timedelta(days=number) for number in range(1, (end - first).days + 1))
    return any(day.day == 1 and day.month in months for day in days)
