"""A day of a fresh sample and the daemon by a clock that runs faster: nothing is found wrong, every schedule ticks.

`HOURS=6` tries fewer hours of it, which begin before midnight. The machine must have a core for it: where it has less,
runs wait for each other by the faster clock.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import ScheduleInstigatorData, TickStatus
from dagster._utils.schedules import cron_string_iterator

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from assets.thresholds import DEFAULTS
from assets.windows import midnight
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores
from sandbox import sample, sample_stores
from tests.clearlift_pipelines.faster.clock import COMPILER, Clock, clock
from tests.deploy.deployment import free_ports
from tests.deploy.deployment import until as eventually

ROOT = Path(__file__).resolve().parents[2]
MAIN = "from clearlift_pipelines.cli import main; main()"
# A whole day after its first look the daemon says, rightly, that the key set is in no envelope.
HOURS = float(os.environ.get("HOURS", "23.5"))
# At this rate the looks of daemon and code server take a quarter of a core, and a run some minutes of the day.
RATE = 12
# So that the sample is there before midnight, after which most schedules have their moments.
BEGINS = timedelta(hours=23)
# What a moment of a schedule may take to be evaluated, and a batch to be stored.
LATE = timedelta(minutes=20)
LOOK_SECONDS, START_SECONDS = 5.0, 600.0
# How long the machine may take for something is no longer by the faster clock.
PACES = ("batch_minutes", "pending_minutes", "window_minutes", "run_wait_minutes", "tick_minutes")
SCALE = 0.2


@dataclass
class Deployment:
    """A home of all apps, and what is typed there, by a clock."""

    folder: Path
    clock: Clock

    def clearlift(self, *arguments: str) -> "subprocess.Popen[bytes]":
        by_clock = self.clock.environment()
        environment = {**os.environ, **by_clock, "PYTHONPATH": f"{by_clock['PYTHONPATH']}{os.pathsep}{ROOT}"}
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            command = [sys.executable, "-c", MAIN, *arguments]
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.folder)

    @contextmanager
    def daemon(self) -> Iterator["subprocess.Popen[bytes]"]:
        """The UI with its daemon; nothing of it is left."""
        (port,) = free_ports(1)
        started = self.clearlift("ui", "--port", str(port))
        try:
            yield started
        finally:
            started.terminate()
            started.wait(timeout=60)

    def last_lines(self, command: str) -> str:
        return (self.folder / f"{command}.log").read_text()[-4000:]


@pytest.fixture
def deployment(bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    if COMPILER is None or sys.platform != "linux":
        pytest.skip("the clock is a library in C for Linux, and there is no cc or no Linux")
    monkeypatch.setenv("DAGSTER_HOME", str(bare_environment / "dagster_home"))
    monkeypatch.setenv("CLEARLIFT_HOME", str(bare_environment / "home"))
    monkeypatch.setenv("CLEARLIFT_ALERT_URL", f"file://{bare_environment}/alerts.log")
    for name in PACES:
        monkeypatch.setenv(f"CLEARLIFT_THRESHOLDS__{name.upper()}", f"{getattr(DEFAULTS, name) * RATE}")
    settings = bare_environment / "dagster_home" / "dagster.yaml"
    text = settings.read_text()
    # A run's process starts no faster than ever, and nobody needs to look after it more often.
    for name, seconds in (("start_timeout_seconds", 80), ("poll_interval_seconds", 10)):
        line = f"{name}: {seconds}\n"
        assert line in text
        text = text.replace(line, f"{name}: {seconds * RATE}\n")
    settings.write_text(text)
    with clock(midnight(datetime.now(UTC).date()) + BEGINS) as made:
        yield Deployment(bare_environment, made)


@pytest.mark.soak
def test_a_day_of_a_fresh_sample_and_the_daemon_has_no_finding(deployment: Deployment) -> None:
    assert deployment.clearlift("run").wait() == 0, deployment.last_lines("run")
    deployment.clock = deployment.clock.at_rate(RATE)
    assert lived(deployment, timedelta(hours=HOURS)) == []


def lived(deployment: Deployment, time_of_it: timedelta) -> list[str]:
    """What goes wrong while the daemon works and events land as in the days of the sample."""
    found: dict[str, str] = {}
    with (
        deployment.daemon() as daemon,
        Stores(load(), clock=lambda: deployment.clock.now()) as stores,
        DagsterInstance.get() as instance,
    ):
        eventually(
            lambda: daemon.poll() is not None or instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE),
            START_SECONDS,
        )
        begun = deployment.clock.now()
        until = begun + time_of_it
        batches = arriving(stores, begun, until)
        while (now := deployment.clock.now()) < until:
            time.sleep(LOOK_SECONDS)
            assert daemon.poll() is None, deployment.last_lines("ui")
            while batches and batches[0].arrival + sample.BATCH <= now:
                sample_stores.land(stores.object_store, batches.pop(0))
            found = {**findings(stores), **found}
        alerts = deployment.folder / "alerts.log"
        return [
            *found.values(),
            *(alerts.read_text().splitlines() if alerts.exists() else []),
            *(f"{key} was not ingested" for key in untaken(stores)),
            *failed(instance),
            *unticked(instance, until - LATE),
        ]


def arriving(stores: Stores, begun: datetime, until: datetime) -> list[sample.Batch]:
    """Batches of events that arrive from one moment to another."""
    paid = sample_stores.paid_clicks(stores.object_store, until)
    days = (until - begun) // timedelta(days=1) + 1
    batches, _ = sample.batches(until, days=days, seed=11, scale=SCALE, paid=paid)
    return [one for one in batches if one.arrival >= begun]


def untaken(stores: Stores) -> list[str]:
    """The batches that landed some time ago and are in no run's ledger.

    Files have the machine's time for who does not run by the clock, and with it another etag than the ledger says: only
    keys can be compared.
    """
    landed = stores.object_store.list(landing.zone(CLEARLIFT).prefix)
    taken = {row["object_key"] for row in stores.postgres.fetch("select object_key from ingest.batches")}
    patience = datetime.now(UTC) - LATE / RATE
    return [one.key for one in landed if one.last_modified < patience and one.key not in taken]


def findings(stores: Stores) -> Mapping[str, str]:
    """Every finding that was ever open, by its name: one that is resolved was one too."""
    rows = stores.postgres.fetch(
        "select app || '/' || name || ': ' || subject as what, message, since from health.findings"
        " where shown_from <= seen_at"
    )
    return {row["what"]: f"{row['what']}: {row['message']} (since {row['since']})" for row in rows}


def failed(instance: DagsterInstance) -> list[str]:
    """Runs and looks that failed."""
    runs = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.FAILURE]))
    ticks = [
        f"{state.name} failed: {tick.error and tick.error.to_string()}"
        for state in instance.all_instigator_state()
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, statuses=[TickStatus.FAILURE])
    ]
    return [*(f"a run of {run.job_name} failed ({run.run_id})" for run in runs), *ticks]


def unticked(instance: DagsterInstance, until: datetime) -> list[str]:
    """The moments of schedules that were not evaluated, from when the daemon had begun to."""
    states = {state.name: state for state in instance.all_instigator_state()}
    missed = []
    for schedule in build_defs(load()).get_repository_def().schedule_defs:
        assert isinstance(schedule.cron_schedule, str)
        state = states[schedule.name]
        assert isinstance(state.instigator_data, ScheduleInstigatorData)
        assert state.instigator_data.start_timestamp is not None
        evaluated = {tick.timestamp for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)}
        for moment in cron_string_iterator(state.instigator_data.start_timestamp, schedule.cron_schedule, "UTC"):
            if moment >= until:
                break
            if moment.timestamp() not in evaluated:
                missed.append(f"{schedule.name} was not evaluated at {moment:%d %H:%M}")
    return missed
