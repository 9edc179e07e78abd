"""`clearlift ui` and `clearlift stop`: the UI over the same stores and run history, and the embedded server's end."""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import click

from clearlift_pipelines import settings
from clearlift_pipelines.cli.entry import dagster_home


@click.command()
@click.option("--port", default=3000, show_default=True)
def ui(port: int) -> None:
    """Dagster's UI with daemon, schedules and sensors, on 127.0.0.1."""
    from clearlift_pipelines.cli.ads import is_of_sample, sample_platforms
    from clearlift_pipelines.stores import Stores

    dagster_home()
    stores = Stores(settings.load())
    try:
        stores.migrate()
        click.echo(f"http://127.0.0.1:{port} in a few seconds; Ctrl-C ends it.")
        binaries = Path(sys.executable).parent
        # dg warns where the environment that it runs in is not the active one.
        environment = {**os.environ, "VIRTUAL_ENV": str(binaries.parent)}
        command = [str(binaries / "dg"), "dev", "--host", "127.0.0.1", "--port", str(port)]
        # Schedules sync the sample's connections too, where there are any: their platforms live as long as the UI.
        with sample_platforms(stores) if is_of_sample(stores) else nullcontext():
            if stores.ad_origin:
                environment["CLEARLIFT_AD_ORIGIN"] = stores.ad_origin
            ended = subprocess.run(command, env=environment, check=False)  # noqa: S603 (our own dg)
    finally:
        stores.close()
    sys.exit(ended.returncode)


@click.command()
def stop() -> None:
    """End the embedded Postgres server, whoever uses it."""
    from resources.postgres import embedded

    ended = embedded.stop(settings.load().home / "postgres")
    click.echo("Embedded Postgres ended." if ended else "Embedded Postgres was not running.")
