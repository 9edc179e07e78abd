"""`clearlift stop`: the end of the embedded Postgres server."""

import click

from clearlift_pipelines import settings
from resources.postgres import embedded


@click.command()
def stop() -> None:
    """End the embedded Postgres server, also where other processes use it.

    Example: clearlift stop
    """
    ended = embedded.stop(settings.load().home / "postgres")
    click.echo("Embedded Postgres ended." if ended else "Embedded Postgres was not running.")
