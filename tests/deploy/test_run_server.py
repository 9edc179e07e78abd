"""Code server, run server and daemon as the units of deploy/vm start them, over real Postgres: killed, they come back,
and no run stays open; a run that hangs is ended.

The daemon and a run history that is down are in the long-running test.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, JobDefinition
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import MAX_RETRIES_TAG, MAX_RUNTIME_SECONDS_TAG

from clearlift_pipelines.history import with_driver
from clearlift_pipelines.probe import fault
from resources.postgres import embedded
from tests.deploy.deployment import free_ports, until
from tests.deploy.small_location import FOLDER, hanging, lasting
from tests.deploy.units import Service, Unit, supervised

ROOT = Path(__file__).resolve().parents[2]
VM = ROOT / "deploy" / "vm"
UNITS = ("code", "runs", "daemon")
SETTINGS = {"fsync": "off", "full_page_writes": "off"}


class Servers:
    """Two units that run, their ports, and the run history that both write."""

    def __init__(self, folder: Path, ports: Mapping[str, int], instance: DagsterInstance) -> None:
        self.folder, self.ports, self.instance = folder, ports, instance
        self.services: Mapping[str, Service] = {}

    def launch(self, job: JobDefinition = lasting, **tags: str) -> tuple[DagsterRun, psutil.Process]:
        """A run that lasts, and its process."""
        origin = GrpcServerCodeLocationOrigin("127.0.0.1", self.ports["code"], location_name="small")
        repository = RemoteRepositoryOrigin(origin, "__repository__")
        run = self.instance.create_run_for_job(
            job, tags={MAX_RETRIES_TAG: "0", **tags}, remote_job_origin=repository.get_job_origin(job.name)
        )
        self.instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
        until((self.folder / run.run_id).exists)
        return run, psutil.Process(int((self.folder / run.run_id).read_text()))

    def status(self, run: DagsterRun) -> DagsterRunStatus:
        found = self.instance.get_run_by_id(run.run_id)
        assert found is not None
        return found.status

    def health(self, run: DagsterRun) -> WorkerStatus:
        """What the monitoring of runs reads."""
        return self.instance.run_launcher.check_run_worker_health(run).status

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """The daemon, for the length of a block."""
        with supervised([Unit.of("clearlift-daemon", self.folder / "units")], self.folder / "logs"):
            yield


def dead(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Path]:
    """A server of the test's own, which it may stop; its data folder."""
    folder = tmp_path / "pg"
    yield folder
    embedded.stop(folder)


@pytest.fixture
def servers(tmp_path: Path, own_postgres: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """The units of deploy/vm, with a small location in the place of ours and free ports."""
    url = with_driver(embedded.start(own_postgres, SETTINGS))
    ports = dict(zip(("code", "runs"), free_ports(2), strict=True))
    home = tmp_path / "dagster"
    home.mkdir()
    dagster_yaml = (VM / "dagster.yaml").read_text().replace("port: 4001", f"port: {ports['runs']}")
    (home / "dagster.yaml").write_text(dagster_yaml.replace("poll_interval_seconds: 10", "poll_interval_seconds: 1"))
    environment = tmp_path / "environment"
    environment.write_text(
        f"DAGSTER_HOME={home}\nCLEARLIFT_DAGSTER_POSTGRES_URL='{url}'\n{FOLDER}={tmp_path}\nPYTHONPATH={ROOT}\n"
    )
    monkeypatch.setenv("CLEARLIFT_DAGSTER_POSTGRES_URL", url)
    installed = tmp_path / "units"
    (installed / "clearlift-.service.d").mkdir(parents=True)
    for file in (
        "clearlift-.service.d/common.conf",
        *(f"clearlift-{name}.service" for name in UNITS),
        "workspace.yaml",
    ):
        text = (VM / file).read_text()
        for old, new in (
            (r"\b4000\b", ports["code"]),
            (r"\b4001\b", ports["runs"]),
            (r"RestartSec=5", "RestartSec=1"),
            (r"-m clearlift_pipelines\.definitions", "-m tests.deploy.small_location"),
            (r"-m clearlift_pipelines\.code_server", "-m tests.deploy.impatient_server"),
            (r"/opt/clearlift/\.env", environment),
            (r"/opt/clearlift/\.venv/bin", Path(sys.executable).parent),
            (r"/opt/clearlift/deploy/vm", installed),
            (r"/opt/clearlift", tmp_path),
        ):
            text = re.sub(old, str(new), text)
        (installed / file).write_text(text)
    units = [Unit.of(name, installed) for name in ("clearlift-code", "clearlift-runs")]
    with DagsterInstance.from_config(str(home)) as instance:
        servers = Servers(tmp_path, ports, instance)
        with supervised(units, tmp_path / "logs") as servers.services:
            for service in servers.services.values():
                assert service.active.wait(60), (tmp_path / "logs" / f"{service.unit.name}.log").read_text()
            yield servers


@pytest.mark.early
def test_a_killed_process_leaves_no_run_open(servers: Servers) -> None:
    """One story, because each start of a server takes seconds."""
    run, process = servers.launch()
    _code_server_is_killed(servers, run, process)
    _run_is_killed(servers, run, process)
    _run_server_is_killed(servers)


@pytest.mark.soak
def test_no_kill_of_a_process_leaves_a_run_open(servers: Servers, own_postgres: Path) -> None:
    """The whole story, with a run history that is down, and with the daemon."""
    run, process = servers.launch()
    _code_server_is_killed(servers, run, process)
    _run_is_killed(servers, run, process)
    _run_is_killed_while_the_history_is_down(servers, own_postgres)
    _daemon_ends_runs(servers, _run_server_is_killed(servers))


def _code_server_is_killed(servers: Servers, run: DagsterRun, process: psutil.Process) -> None:
    """A run is a process of the run server; the code server has none, and may be killed and started again."""
    code, runs = servers.services["clearlift-code"], servers.services["clearlift-runs"]
    forking = process.parent()
    assert forking is not None
    assert "multiprocessing.forkserver" in " ".join(forking.cmdline()), "the run has imported nothing by itself"
    assert forking.ppid() == runs.main
    assert not [each for child in psutil.Process(code.main).children() for each in child.children()], "it makes no run"
    os.kill(code.main, signal.SIGKILL)
    until(lambda: code.starts == 2 and code.active.is_set())
    assert fault("127.0.0.1", servers.ports["code"]) is None
    assert process.is_running()
    assert servers.health(run) is WorkerStatus.RUNNING


def _run_is_killed(servers: Servers, run: DagsterRun, process: psutil.Process) -> None:
    """Its server reports it."""
    process.kill()
    until(lambda: servers.status(run) is DagsterRunStatus.FAILURE)


def _run_is_killed_while_the_history_is_down(servers: Servers, own_postgres: Path) -> None:
    """It is reported once the history is back."""
    run, process = servers.launch()
    embedded.stop(own_postgres)
    process.kill()
    until(lambda: "Dead runs cannot be reported now" in servers.services["clearlift-runs"].log.read_text())
    embedded.start(own_postgres, SETTINGS)
    until(lambda: servers.status(run) is DagsterRunStatus.FAILURE)


def _run_server_is_killed(servers: Servers) -> DagsterRun:
    """The run dies with its server. The monitoring learns it from the next server; the run is open until then."""
    run, process = servers.launch()
    runs = servers.services["clearlift-runs"]
    os.kill(runs.main, signal.SIGKILL)
    until(lambda: dead(process))
    until(lambda: runs.starts == 2 and runs.active.is_set())
    assert servers.status(run) is DagsterRunStatus.STARTED
    assert servers.health(run) is WorkerStatus.NOT_FOUND
    return run


def _daemon_ends_runs(servers: Servers, lost: DagsterRun) -> None:
    """It ends a lost run, and a run at its longest time; one that does not listen is killed."""
    with servers.daemon():
        # The daemon starts meanwhile.
        late = [servers.launch(job, **{MAX_RUNTIME_SECONDS_TAG: "1"}) for job in (lasting, hanging)]
        # What somebody ends is no failure, because a failure is run again.
        ended, deaf = servers.launch(hanging)
        assert servers.instance.run_launcher.terminate(ended.run_id)
        until(lambda: servers.status(lost) is DagsterRunStatus.FAILURE)
        for each, its_process in late:
            until(lambda each=each: servers.status(each) is DagsterRunStatus.FAILURE)  # type: ignore[misc]
            until(lambda its_process=its_process: dead(its_process))  # type: ignore[misc]
            assert servers.status(each) is DagsterRunStatus.FAILURE
        until(lambda: dead(deaf))
        assert servers.status(ended) is DagsterRunStatus.CANCELED


@contextmanager
def answering(*command: str) -> Iterator[int]:
    """A server on a free port, given as the command's last argument; the port, once it is open."""
    (port,) = free_ports(1)
    with subprocess.Popen([sys.executable, *command, str(port)], cwd=ROOT, start_new_session=True) as server:
        try:
            until(lambda: _opened(port) or server.poll() is not None)
            yield port
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def _opened(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_probe_is_red_without_definitions() -> None:
    (port,) = free_ports(1)
    assert "does not answer" in (fault("127.0.0.1", port) or "")
    lazy = ("-m", "dagster", "api", "grpc", "--lazy-load-user-code", "-m", "tests.deploy.no_such_module", "-p")
    with answering(*lazy) as port:
        health = [sys.executable, "-m", "dagster", "api", "grpc-health-check", "-p", str(port)]
        assert subprocess.run(health, capture_output=True, check=False).returncode == 0
        assert "has no definitions" in (fault("127.0.0.1", port) or "")


def test_definitions_that_do_not_load_end_the_server() -> None:
    command = [sys.executable, "-m", "clearlift_pipelines.code_server", "-m", "tests.deploy.no_such_module", "-p", "1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "no_such_module" in ended.stderr
