"""`clearlift policy`: how long each kind of data is kept.

What belongs here: what people type and read. What does not: the words of an entry (assets/archive/policy.py).
"""

import click

from assets.apps import APPS
from assets.archive.policy import rows
from clearlift_pipelines import settings
from clearlift_pipelines.cli.tables import JSON_ONLY, Columns, printed

POLICY = Columns(
    "policy",
    "policy",
    {
        "app": JSON_ONLY,
        "store": "store",
        "name": "name",
        "age_by": "age by",
        "key": JSON_ONLY,
        "bucket": JSON_ONLY,
        "hot": "hot",
        "warm": "warm",
        "archived_after": "archived after",
        "deleted_after": "deleted after",
        "only_where": "only where",
        "stays": "stays",
    },
)


@click.command()
@click.option("--app", "app_name", type=click.Choice([app.name for app in APPS]), help="One app only.")
@printed
def policy(app_name: str | None) -> None:
    """Show how long each table, prefix and key family is kept, and what must be true before it goes.

    Example: clearlift policy --app clearlift
    """
    settings.load()  # wrong settings are reported here too, as by every other command
    for app in (app for app in APPS if app_name in (None, app.name)):
        table = POLICY.table()
        for row in rows(app):
            table.add(**{name.replace(" ", "_"): value for name, value in row.items()})
        table.show(title=app.title)
