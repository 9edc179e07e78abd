"""Runs over the workers of deploy/celery with a real broker: runs, workers and the broker itself are killed."""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from dagster import DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, reconstructable
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._core.launcher import LaunchRunContext
from kombu.exceptions import OperationalError

from clearlift_pipelines.celery_app import SETTINGS, app
from clearlift_pipelines.definitions import brought
from clearlift_pipelines.history import with_driver
from clearlift_pipelines.settings import Settings
from clearlift_pipelines.stores import Stores
from resources.postgres import embedded
from tests.deploy.deployment import ROOT, until
from tests.deploy.rabbitmq import Broker, rabbitmq
from tests.deploy.small_location import FOLDER, lasting
from tests.deploy.test_run_server import SETTINGS as FAST
from tests.deploy.units import Service, Unit, group, supervised

CELERY = ROOT / "deploy" / "celery"
COMMON = ROOT / "deploy" / "vm" / "clearlift-.service.d" / "common.conf"


class Pool:
    """A broker, its workers, and the run history that they and the launcher write."""

    def __init__(self, folder: Path, instance: DagsterInstance, broker: Broker, stack: ExitStack) -> None:
        self.folder, self.instance, self.broker, self._stack = folder, instance, broker, stack

    def worker(self, name: str) -> Service:
        """The unit of deploy/celery, started as on a machine of this name."""
        unit_text = (CELERY / "clearlift-worker.service").read_text()
        installed = self.folder / name
        (installed / "clearlift-.service.d").mkdir(parents=True)
        for file, text in (
            ("clearlift-worker.service", unit_text.replace(" worker --", f" worker --hostname {name}@%h --")),
            ("clearlift-.service.d/common.conf", COMMON.read_text()),
        ):
            for old, new in (
                (r"/opt/clearlift/\.env", self.folder / "environment"),
                (r"/opt/clearlift/\.venv/bin", Path(sys.executable).parent),
                (r"/opt/clearlift", self.folder),
                (r"RestartSec=5", "RestartSec=1"),
            ):
                text = re.sub(old, str(new), text)
            (installed / file).write_text(text)
        unit = Unit.of("clearlift-worker", installed)
        return self._stack.enter_context(supervised([unit], self.folder / f"logs-{name}"))[unit.name]

    def launch(self, runs: int) -> Sequence[DagsterRun]:
        """Runs that last until they are told to end."""
        origin = reconstructable(lasting).get_python_origin()
        made = [self.instance.create_run_for_job(lasting, job_code_origin=origin) for _ in range(runs)]
        for run in made:
            self.instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
        return made

    def begun(self, runs: Sequence[DagsterRun]) -> Mapping[str, psutil.Process]:
        """The processes of those that have begun, by their runs' ids."""
        files = [self.folder / run.run_id for run in runs]
        return {file.name: psutil.Process(int(file.read_text())) for file in files if file.exists()}

    def end(self, runs: Sequence[DagsterRun]) -> None:
        for run in runs:
            (self.folder / f"{run.run_id}.end").touch()

    def status(self, run: DagsterRun) -> DagsterRunStatus:
        found = self.instance.get_run_by_id(run.run_id)
        assert found is not None
        return found.status

    def until_all(self, runs: Sequence[DagsterRun], status: DagsterRunStatus) -> None:
        until(lambda: {self.status(run) for run in runs} == {status}, 240)

    def times(self, run: DagsterRun, *events: DagsterEventType) -> int:
        """How often the history has such an event of a run."""
        return len(self.instance.all_logs(run.run_id, of_type=set(events)))

    def failed_with_its_worker(self, run: DagsterRun, reason: RunFailureReason) -> bool:
        """Whether it failed for that reason, and the daemon will make it again."""
        (failure,) = self.instance.all_logs(run.run_id, of_type=DagsterEventType.RUN_FAILURE)
        data = failure.get_dagster_event().event_specific_data
        assert isinstance(data, JobFailureData)
        found = self.instance.get_run_by_id(run.run_id)
        assert found is not None
        again = auto_reexecution_should_retry_run(self.instance, found, data.failure_reason)
        return data.failure_reason is reason and again


def alive(process: psutil.Process) -> bool:
    """A worker that looks for its broker reaps no children meanwhile."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    with ExitStack() as stack:
        broker = stack.enter_context(rabbitmq(tmp_path / "rabbitmq", (CELERY / "rabbitmq.conf").read_text()))
        stack.callback(embedded.stop, tmp_path / "pg")
        home = tmp_path / "dagster"
        home.mkdir()
        (home / "dagster.yaml").write_text((CELERY / "dagster.yaml").read_text())
        environment = {
            "DAGSTER_HOME": str(home),
            "CLEARLIFT_DAGSTER_POSTGRES_URL": with_driver(embedded.start(tmp_path / "pg", FAST)),
            "CELERY_BROKER_URL": broker.url,
            FOLDER: str(tmp_path),
            "PYTHONPATH": str(ROOT),
        }
        (tmp_path / "environment").write_text("".join(f"{name}='{value}'\n" for name, value in environment.items()))
        for name in ("CLEARLIFT_DAGSTER_POSTGRES_URL", "CELERY_BROKER_URL"):
            monkeypatch.setenv(name, environment[name])
        yield Pool(tmp_path, stack.enter_context(DagsterInstance.from_config(str(home))), broker, stack)


# Dagster's launcher makes the same task at every launch, and Celery reports the second one.
@pytest.mark.filterwarnings("ignore:Task name 'execute_job'")
@pytest.mark.soak
def test_eight_runs_over_two_workers_of_which_one_is_killed_and_one_is_busy(pool: Pool) -> None:
    busy = pool.worker("busy")
    first = pool.launch(2)
    until(lambda: len(pool.begun(first)) == 2, 240)
    other = pool.worker("other")
    lost, rest = pool.launch(2), pool.launch(4)
    until(lambda: len(pool.begun(lost)) == 2, 240)
    # One with its whole worker, the other alone, as by the kernel where memory is short.
    alone, with_worker = lost
    pool.begun(lost)[alone.run_id].kill()
    pool.until_all([alone], DagsterRunStatus.FAILURE)
    for pid in group(other.main):
        os.kill(pid, signal.SIGKILL)
    # It makes all that is left, while the busy one has no slot free: that one must not keep any of them.
    pool.end(rest)
    pool.until_all([with_worker], DagsterRunStatus.FAILURE)
    pool.until_all(rest, DagsterRunStatus.SUCCESS)
    assert all(pool.failed_with_its_worker(run, RunFailureReason.RUN_WORKER_RESTART) for run in lost)
    assert {pool.status(run) for run in first} == {DagsterRunStatus.STARTED}
    # A worker that is stopped takes no further run, and waits for those that it has.
    stopped = psutil.Process(busy.main)
    stopped.terminate()
    (late,) = pool.launch(1)
    pool.end([late])
    pool.until_all([late], DagsterRunStatus.SUCCESS)
    assert all(process.is_running() for process in pool.begun(first).values())
    pool.end(first)
    pool.until_all(first, DagsterRunStatus.SUCCESS)
    until(lambda: not stopped.is_running(), 240)


@pytest.mark.filterwarnings("ignore:Task name 'execute_job'")
@pytest.mark.soak
def test_the_broker_is_killed_in_the_middle_of_runs_and_comes_back(pool: Pool) -> None:
    workers = [pool.worker("one"), pool.worker("other")]
    begun = pool.launch(4)
    until(lambda: len(pool.begun(begun)) == 4, 240)
    waiting = pool.launch(2)
    processes = pool.begun(begun)
    pool.broker.kill()
    # One of them ends by itself at that moment: it may be done, but it must not be made a second time.
    pool.end(begun[:1])
    until(lambda: not any(map(alive, processes.values())), 120)
    # They say themselves that they were ended, long before the broker is back.
    pool.until_all(begun[1:], DagsterRunStatus.FAILURE)
    lost = [run for run in begun if pool.status(run) is DagsterRunStatus.FAILURE]
    assert all(pool.failed_with_its_worker(run, RunFailureReason.UNEXPECTED_TERMINATION) for run in lost)
    assert {pool.status(run) for run in begun} <= {DagsterRunStatus.FAILURE, DagsterRunStatus.SUCCESS}
    # The launcher says so soon, because the daemon launches nothing else meanwhile.
    began = time.monotonic()
    with pytest.raises(OperationalError):
        pool.launch(1)
    assert time.monotonic() - began < 30
    pool.broker.start()
    # The same workers begin what waited. The broker gives them what was lost too, and nobody begins it a second time.
    pool.end(waiting)
    pool.until_all(waiting, DagsterRunStatus.SUCCESS)
    late = pool.launch(2)
    pool.end(late)
    pool.until_all(late, DagsterRunStatus.SUCCESS)
    assert [worker.starts for worker in workers] == [1, 1]
    for run in (*begun, *waiting, *late):
        assert pool.times(run, DagsterEventType.RUN_START) == 1
        assert pool.times(run, DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE) == 1


def test_a_worker_takes_no_run_beyond_its_slots_and_the_broker_waits_for_the_longest_run() -> None:
    conf = app.conf
    assert {name: conf[name] for name in SETTINGS} == SETTINGS
    assert (conf.task_acks_late, conf.worker_prefetch_multiplier, conf.worker_max_tasks_per_child) == (True, 1, 1)
    (waits,) = re.findall(r"^consumer_timeout = (\d+)$", (CELERY / "rabbitmq.conf").read_text(), re.MULTILINE)
    apps = brought(Stores(Settings(_env_file=None)))  # type: ignore[call-arg]  # of pydantic-settings, not a field
    longest = max(job.longest for _, capabilities in apps for capability in capabilities for job in capability.jobs)
    assert timedelta(milliseconds=int(waits)) > longest
