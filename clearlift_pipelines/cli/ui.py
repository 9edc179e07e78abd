"""`clearlift ui`: Dagster's UI over the same stores and run history as the other commands."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import psutil

from clearlift_pipelines import settings
from clearlift_pipelines.cli.entry import dagster_home
from clearlift_pipelines.cli.output import Output
from clearlift_pipelines.cli.ports import refuse_busy
from clearlift_pipelines.project import folder

# What Dagster's processes take to end when they are asked to.
PATIENCE_SECONDS = 30.0


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
def ui(port: int) -> None:
    """Dagster's UI with daemon, schedules and sensors, on 127.0.0.1."""
    from clearlift_pipelines import history
    from clearlift_pipelines.cli.sandbox import platforms
    from clearlift_pipelines.stores import Stores

    chosen = settings.load()
    home = dagster_home(chosen)
    refuse_busy(port)
    with _alone(home):
        history.refuse_unreachable()
        with Stores(chosen) as stores:
            stores.migrate()
            click.echo(f"http://127.0.0.1:{port} in a few seconds; Ctrl-C ends it.")
            binaries = Path(sys.executable).parent
            # dg warns where the environment that it runs in is not the active one.
            environment = {**os.environ, "VIRTUAL_ENV": str(binaries.parent)}
            command = [str(binaries / "dg"), "dev", "--host", "127.0.0.1", "--port", str(port)]
            # Schedules sync the sample's connections too, where there are any: their platforms live as long as the UI.
            with platforms(stores):
                if stores.ad_origin:
                    environment["CLEARLIFT_AD_ORIGIN"] = stores.ad_origin
                code = _served(command, environment)
    sys.exit(code)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One UI a run history: two daemons would launch every schedule twice. The kernel frees a dead one's lock."""
    with (home / ".ui.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(f"a UI is running already over the run history in {home}") from None
        yield


def _served(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run Dagster until it ends or a signal ends this process; its exit code. None of its processes is left behind."""
    outputs = out, err = Output(1), Output(2)
    # A session of its own: Ctrl-C reaches this process alone, which ends the others as on any other signal.
    with subprocess.Popen(  # noqa: S603 (our own dg)
        command, env=environment, cwd=folder(), start_new_session=True, stdout=out.writing, stderr=err.writing
    ) as server:
        try:
            for output in outputs:
                output.given()
            code = server.wait()
            for output in outputs:
                output.wait()
            return code
        finally:
            # What Dagster's processes print while they end is only traces.
            for output in outputs:
                output.mute()
            _end(server.pid)


def _end(pid: int) -> None:
    """End a process and all that it started: asked first, for it ends its own; killed after a while."""
    with suppress(psutil.NoSuchProcess):
        server = psutil.Process(pid)
        family = [server, *server.children(recursive=True)]
        server.send_signal(signal.SIGINT)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (left := [process for process in family if _runs(process)]) and time.monotonic() < deadline:
            time.sleep(0.1)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _runs(process: psutil.Process) -> bool:
    """Whether a process lives. In a container without an init nobody reaps the dead."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
