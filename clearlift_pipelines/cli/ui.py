"""`clearlift ui`: Dagster's UI over the same stores and run history as the other commands."""

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from clearlift_pipelines import settings
from clearlift_pipelines.cli.entry import dagster_home
from clearlift_pipelines.cli.output import Output
from clearlift_pipelines.cli.ports import refuse_busy
from clearlift_pipelines.cli.supervisor import Command, Supervised
from clearlift_pipelines.project import LOCATION, folder
from resources.declined import DeclinedError

# What Dagster's processes get to end when they are asked to: less than this command itself, which kills them after it.
PATIENCE_SECONDS = 15.0


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen at. One that other machines reach needs CLEARLIFT_UI_PASSWORD or a proxy's header.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
def ui(host: str, port: int) -> None:
    """Dagster's UI with daemon, schedules and sensors.

    Example: clearlift ui --port 3001
    """
    from clearlift_pipelines import history
    from clearlift_pipelines.cli.sandbox import platforms
    from clearlift_pipelines.login import login_for
    from clearlift_pipelines.stores import Stores

    chosen = settings.load()
    login_for(host, chosen)
    home = dagster_home(chosen)
    refuse_busy(port, host)
    with _alone(home):
        history.refuse_unreachable()
        with Stores(chosen) as stores:
            stores.prepare()
            click.echo(f"http://{host}:{port} as soon as the definitions are loaded; Ctrl-C ends it.")
            environment = {**os.environ}
            # Schedules sync the sample's connections too, where there are any: their platforms live as long as the UI.
            with platforms(stores), TemporaryDirectory(prefix="clearlift-ui-") as place:
                if stores.ad_origin:
                    environment["CLEARLIFT_AD_ORIGIN"] = stores.ad_origin
                commands, ready = servers(host, port, Path(place))
                code = _served(commands, environment, ready)
    if code:
        click.echo(f"A server of the UI ended by itself, and the others with it: exit code {code}.", err=True)
        click.echo(
            "Its last lines are above. Run the same command again; what was open is failed and run again.", err=True
        )
    sys.exit(code)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One UI a run history: two daemons would launch every schedule twice. The kernel frees a dead one's lock."""
    with (home / ".ui.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DeclinedError(
                f"a UI is running already over the run history in {home}",
                f"use that one, or end it: kill {lock.read().strip()}",
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def servers(host: str, port: int, place: Path) -> tuple[list[list[str]], Path]:
    """The commands of code server, webserver and daemon, and the socket in `place` by which the first is ready.

    A socket, because all who reach the code server may run code.
    """
    socket, workspace = place / "code", place / "workspace.yaml"
    server = {"location_name": LOCATION, "host": "localhost", "socket": str(socket)}
    # JSON is YAML too.
    workspace.write_text(json.dumps({"load_from": [{"grpc_server": server}]}))
    python, over = [sys.executable, "-m"], ["--workspace", str(workspace)]
    code = ["--module-name", "clearlift_pipelines.definitions", "--location-name", LOCATION, "--socket", str(socket)]
    commands = [
        [*python, "clearlift_pipelines.code_server", *code, "--log-level", "warning"],
        [*python, "clearlift_pipelines.webserver", "--host", host, "--port", str(port), *over],
        [*python, "dagster._daemon", "run", *over],
    ]
    return commands, socket


def _served(commands: Sequence[Command], environment: Mapping[str, str], ready: Path | None = None) -> int:
    """Run servers until one ends or a signal ends this process; its exit code. None of their processes is left."""
    outputs = out, err = Output(1), Output(2)
    with Supervised(
        commands,
        environment,
        cwd=folder(),
        stdout=out.writing,
        stderr=err.writing,
        patience=PATIENCE_SECONDS,
        ready=ready,
    ) as running:
        try:
            for output in outputs:
                output.given()
            code = running.wait()
            for output in outputs:
                output.wait()
            return code
        finally:
            # What Dagster's processes print while they end is only traces.
            for output in outputs:
                output.mute()
