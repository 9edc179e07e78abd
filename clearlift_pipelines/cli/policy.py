"""`clearlift policy`: how long each kind of data is kept.

What belongs here: what people type and read. What does not: the words of an entry (assets/archive/policy.py).
"""

import json

import click
from rich.table import Table

from assets.apps import APPS
from assets.archive.policy import rows
from clearlift_pipelines import settings
from clearlift_pipelines.cli.tables import show

SHOWN = ("store", "name", "age by", "hot", "warm", "archived after", "deleted after", "only where", "stays")


@click.command()
@click.option("--app", "app_name", type=click.Choice([app.name for app in APPS]), help="One app only.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with every field.")
def policy(app_name: str | None, as_json: bool) -> None:
    """Show how long each table, prefix and key family is kept, and what must be true before it goes."""
    settings.load()  # wrong settings are reported here too, as by every other command
    wanted = [app for app in APPS if app_name in (None, app.name)]
    if as_json:
        click.echo(json.dumps([row for app in wanted for row in rows(app)], ensure_ascii=False, indent=1))
        return
    for app in wanted:
        table = Table(*SHOWN, title=app.title, title_justify="left", box=None)
        for row in rows(app):
            table.add_row(*(row[name] for name in SHOWN))
        show(table)
