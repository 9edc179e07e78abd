"""`clearlift dbt`: what a dbt project needs of us.

What belongs here: what people type and read. What does not: the form of the files (clearlift_pipelines/dbt_sources.py).
"""

from pathlib import Path

import click

from clearlift_pipelines import dbt_sources, settings
from clearlift_pipelines.stores import Stores
from resources.declined import DeclinedError


@click.group()
def dbt() -> None:
    """What a dbt project over our Postgres needs: sources.

    Example: clearlift dbt sources models/sources.yml
    """


@dbt.command()
@click.argument("file", default="sources.yml", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
def sources(file: Path) -> None:
    """Write the tables that analysts read, with their comments, as the sources of a dbt project.

    FILE is sources.yml by default; - is standard output. A file that this command wrote before is replaced.

    Example: clearlift dbt sources models/sources.yml
    """
    if str(file) != "-" and file.exists() and not file.read_text().startswith(dbt_sources.MARK):
        raise DeclinedError(f"{file} was not written by this command", "name another file, or remove it")
    with Stores(settings.load(), makes_keys=False) as stores:
        stores.prepare()
        made = dbt_sources.sources(stores.postgres)
    if str(file) == "-":
        click.echo(made, nl=False)
        return
    file.write_text(made)
    click.echo(f"{file} has the tables of today.")
