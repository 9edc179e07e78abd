"""`clearlift ui` and `clearlift stop`: the UI over the same stores and run history, and the embedded server's end."""

import subprocess
import sys
from pathlib import Path

import click

from clearlift_pipelines import settings
from clearlift_pipelines.cli.entry import dagster_home


@click.command()
@click.option("--port", default=3000, show_default=True)
def ui(port: int) -> None:
    """Dagster's UI with daemon, schedules and sensors, on 127.0.0.1."""
    from clearlift_pipelines.stores import Stores

    dagster_home()
    stores = Stores(settings.load())
    try:
        stores.migrate()
        click.echo(f"http://127.0.0.1:{port} in a few seconds; Ctrl-C ends it.")
        dg = Path(sys.executable).with_name("dg")
        ended = subprocess.run([str(dg), "dev", "--host", "127.0.0.1", "--port", str(port)], check=False)  # noqa: S603
    finally:
        stores.close()
    sys.exit(ended.returncode)


@click.command()
def stop() -> None:
    """End the embedded Postgres server, whoever uses it."""
    from resources.postgres import embedded

    ended = embedded.stop(settings.load().home / "postgres")
    click.echo("Embedded Postgres ended." if ended else "Embedded Postgres was not running.")
