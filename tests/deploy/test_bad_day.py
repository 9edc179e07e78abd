"""A day of the deployment of deploy/vm: real processes over real Postgres, its events landed three hours at a time, and
in each round `kill -9` of a process. Nobody does anything about it, and at the end nothing is missing, doubled or open.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from pydantic import SecretStr

from assets.apps.clearlift import APP as CLEARLIFT
from assets.attribution import late as attribution
from assets.events.ingest import pending
from assets.events.ledger import IngestLedger
from assets.pace import LONGEST_PAUSE
from assets.requested import ASKED_AT
from assets.rollups import late
from assets.rollups.follow import unfollowed
from assets.sessions import build as sessions
from assets.windows import DAY, midnight
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores, utc_now
from sandbox import sample, sample_stores
from tests.deploy.deployment import Deployment, deployed, running, until
from tests.tables import EVENTS

POOLS = ("archive", "d1", "kv", "lake", "postgres", "r2")
COUNTS = ("received", "stored", "doubled", "quarantined", "without_consent")
ROUND = timedelta(hours=3)
PATIENCE_SECONDS = 600
# In which each sensor has looked.
LOOK_SECONDS = 60


class Day:
    """The deployment, the stores that its events go through, and the run history."""

    def __init__(self, deployment: Deployment, stores: Stores, instance: DagsterInstance) -> None:
        self.deployment, self.stores, self.instance = deployment, stores, instance
        self.ledger = IngestLedger(stores.postgres, CLEARLIFT.name)

    def received(self) -> int:
        return self.ledger.totals()["received"]

    def open_runs(self) -> list[str]:
        """Runs that have not ended."""
        runs = self.instance.get_runs(RunsFilter(statuses=[s for s in DagsterRunStatus if s not in FINISHED_STATUSES]))
        return [f"{run.job_name} {run.status.value}" for run in runs]

    def settled(self) -> bool:
        """Whether nothing is missing or open. What is missing may wait for an hour to pass: it passes now."""
        if self.missing():
            self.pass_an_hour()
            return False
        return not self.open_runs()

    def pass_an_hour(self) -> None:
        """Let everything have been asked for an hour earlier, because what succeeded is made again an hour later."""
        for run in self.instance.get_runs(RunsFilter(statuses=list(FINISHED_STATUSES))):
            if ASKED_AT in run.tags:
                earlier = datetime.fromisoformat(run.tags[ASKED_AT]) - LONGEST_PAUSE
                self.instance.add_run_tags(run.run_id, {ASKED_AT: earlier.isoformat()})

    def missing(self) -> list[object]:
        """What `clearlift status` would call missing."""
        stores, now = self.stores, utc_now()
        earliest = midnight(stores.settings.partitions_start)
        since = late.horizon(earliest, stores.settings.late_horizon, now)
        return [
            *pending(CLEARLIFT, stores.object_store, stores.postgres),
            *range(unfollowed(CLEARLIFT, stores.lake.table(EVENTS), stores.postgres)),
            *late.stale(CLEARLIFT, stores.postgres, since, now, earliest=earliest).hours,
            *late.stale(CLEARLIFT, stores.postgres, since, now, earliest=earliest).days,
            *sessions.stale(CLEARLIFT, stores.postgres, since, now),
            *attribution.stale(CLEARLIFT, stores.postgres, earliest, now),
        ]


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    """A deployment that was set up, with the sample's organisations."""
    with deployed(tmp_path) as deployment:
        home, dagster_home = tmp_path / "home", tmp_path / "dagster"
        dagster_home.mkdir()
        (dagster_home / "dagster.yaml").symlink_to(deployment.place / "deploy" / "vm" / "dagster.yaml")
        start = (utc_now() - 4 * DAY).date()
        lines = {
            **deployment.urls,
            "DAGSTER_HOME": str(dagster_home),
            "CLEARLIFT_HOME": str(home),
            # Each round brings events of one more part of the day, so that its windows are made again in each.
            "CLEARLIFT_LATE_PAUSE_MINUTES": "1",
            "CLEARLIFT_PARTITIONS_START": str(start),
        }
        (deployment.place / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in lines.items()))
        monkeypatch.setenv("CLEARLIFT_DAGSTER_POSTGRES_URL", lines["CLEARLIFT_DAGSTER_POSTGRES_URL"])
        # Direct, because the test looks also while the pooler is down.
        dsn = SecretStr(deployment.postgres.url("clearlift"))
        own = {"growth": SecretStr(deployment.postgres.url("growth"))}
        with (
            Stores(settings.load(home=home, postgres_dsn=dsn, postgres=own, partitions_start=start)) as stores,
            DagsterInstance.from_config(str(dagster_home)) as instance,
        ):
            stores.migrate()
            sample_stores.fill_d1(stores.d1(CLEARLIFT))
            for pool in POOLS:
                instance.event_log_storage.set_concurrency_slots(pool, 4)
            yield Day(deployment, stores, instance)


def kill(*pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kills(day: Day) -> dict[str, Callable[[], None]]:
    """What is killed, by name. A run is waited for, because it lasts for seconds only."""
    services, postgres = day.deployment.services, day.deployment.postgres

    def a_run() -> None:
        until(day.deployment.runs, PATIENCE_SECONDS)
        kill(*day.deployment.runs())

    def run_server() -> None:
        until(day.deployment.runs, PATIENCE_SECONDS)
        kill(services["clearlift-runs"].main)

    def everything() -> None:
        until(day.deployment.runs, PATIENCE_SECONDS)
        postgres.kill()
        kill(*(service.main for service in services.values()))

    def main_of(name: str) -> Callable[[], None]:
        return lambda: kill(services[name].main)

    found = {name: main_of(name) for name in services if name != "clearlift-runs"}
    return {**found, "a run": a_run, "clearlift-runs": run_server, "postgres": postgres.kill, "everything": everything}


@pytest.mark.soak
def test_a_day_with_a_kill_in_each_round_ends_complete(day: Day) -> None:
    end = midnight(utc_now().date()) - DAY
    batches, truth = sample.batches(end, days=1, scale=0.05)
    landed = 0
    with running(day.deployment):
        todo = list(kills(day).items())
        for number, start in enumerate(_starts(end)):
            ours = [batch for batch in batches if start <= batch.arrival < start + ROUND]
            for batch in ours:
                sample_stores.land(day.stores.object_store, batch)
            landed += sum(len(batch.lines) for batch in ours)
            name, strike = todo[number % len(todo)]
            strike()
            began = time.monotonic()
            until(partial(_healed, day, landed), PATIENCE_SECONDS, pause=1)
            print(f"{name}: {time.monotonic() - began:.0f} s until what had landed was in the lake")  # noqa: T201
        try:
            until(day.settled, PATIENCE_SECONDS, pause=LOOK_SECONDS)
        except AssertionError:
            raise AssertionError(f"missing: {day.missing()}; open: {day.open_runs()}") from None
        # What a person would have to run again: a job whose last run is no success.
        last = {run.job_name: run.status for run in reversed(day.instance.get_runs()) if run.is_finished}

    totals = day.ledger.totals()
    assert {name: totals[name] for name in COUNTS} == {name: getattr(truth, name) for name in COUNTS}
    for grain in ("hourly", "daily"):
        rows = day.stores.postgres.fetch(f"select sum(events) as n from rollups.{grain}_totals")
        assert rows[0]["n"] == truth.stored
    assert set(last.values()) == {DagsterRunStatus.SUCCESS}, last


def _starts(end: datetime) -> list[datetime]:
    return [end - DAY + number * ROUND for number in range(DAY // ROUND)]


def _healed(day: Day, landed: int) -> bool:
    """Whether all processes are there, and what has landed is ingested."""
    try:
        return day.deployment.well and day.received() == landed
    except Exception:  # noqa: BLE001 (Postgres is down: not yet)
        return False
