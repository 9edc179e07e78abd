"""What only a running daemon ends: the very command of these findings, as a process over the stores of the test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import psutil
import pytest
from dagster import DagsterRunStatus
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus
from dagster._daemon.types import DaemonHeartbeat

from tests.assets.health.test_history_faults import instigated, recorded, ticked
from tests.assets.health.watch import Watch
from tests.deploy.deployment import free_ports, until

ROOT = Path(__file__).resolve().parents[3]
DAEMONS = ("SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "MONITORING")
PATIENCE_SECONDS = 600


@contextmanager
def running(command: str) -> Iterator[None]:
    """A command of a finding as a person types it, for the length of a block; nothing of it is left."""
    program, *arguments = command.split()
    assert program == "clearlift"
    (port,) = free_ports(1)
    main = "from clearlift_pipelines.cli import main; main()"
    started = subprocess.Popen(
        [sys.executable, "-c", main, *arguments, "--port", str(port)], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        yield
    finally:
        started.terminate()
        started.wait(timeout=60)


def _gone(watch: Watch, name: str) -> bool:
    return name not in {one.name for one in watch.by_the_machine()}


@pytest.mark.soak
def test_the_command_of_a_dead_daemon_ends_all_that_waited_for_it(watch: Watch) -> None:
    now = watch.clock()
    watch.set("run_wait_minutes", 0.001)
    for kind in DAEMONS:
        watch.instance.add_daemon_heartbeat(DaemonHeartbeat((now - timedelta(hours=1)).timestamp(), kind, "one", []))
    recorded(watch, "growth_phones", DagsterRunStatus.QUEUED)
    since = now - timedelta(hours=1)
    sensor = instigated(watch, "clearlift_landing", InstigatorType.SENSOR, InstigatorStatus.DECLARED_IN_CODE, since)
    for _ in range(3):
        ticked(watch, sensor, TickStatus.FAILURE, since)
    names = ("daemon", "waiting_run", "failing_sensor")
    found = {name: watch.found(f"pipelines/{name}") for name in names}
    assert found["daemon"].finding.command == found["waiting_run"].finding.command
    with running(found["daemon"].finding.command):
        for name in names:
            until(partial(_gone, watch, name), PATIENCE_SECONDS, pause=2)
    assert not [one for one in psutil.Process().children(recursive=True) if "dagster" in " ".join(one.cmdline())]


@pytest.mark.soak
def test_the_command_of_a_deployment_in_which_nothing_ever_ran_ends_it(watch: Watch) -> None:
    for record in watch.instance.get_run_records():
        watch.instance.delete_run(record.dagster_run.run_id)
    watch.stores.postgres.execute("update pipelines.migrations set applied_at = now() - interval '2 days'")
    found = watch.found("pipelines/never_ran")
    with running(found.finding.command):
        until(partial(_gone, watch, "never_ran"), PATIENCE_SECONDS, pause=2)
