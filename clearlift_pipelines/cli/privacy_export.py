"""`clearlift privacy export`: all that is held of a person, for that person.

What belongs here: what people type and read. What does not: the work (assets/export), which is imported by the command,
so that help starts at once.
"""

import uuid
from datetime import timedelta
from typing import get_args

import click

from assets.apps import App
from assets.apps.personal import Person
from clearlift_pipelines.cli.apps import app_option
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.cli.subject import subject
from clearlift_pipelines.cli.terminal import terminal
from resources.r2.protocol import LONGEST_SIGNATURE_SECONDS

LONGEST_HOURS = LONGEST_SIGNATURE_SECONDS // 3600
WHOLE = ("every store", "a person")
"""Where a person is looked for, as the audit trail says it: store and place."""
OF_ORGANISATION = click.option(
    "--org", help="The id or tag of the organisation whose person it is, where people of several have the id."
)


@click.command("export")
@app_option(lambda app: app.personal)
@click.option("--kind", type=click.Choice(get_args(Person)), help="Which kind of person, where several have the id.")
@OF_ORGANISATION
@click.option(
    "--hours",
    type=click.IntRange(1, LONGEST_HOURS),
    default=24,
    show_default=True,
    help=f"For how long the URL works, at most {LONGEST_HOURS} hours.",
)
def export(app: App, kind: Person | None, org: str | None, hours: int) -> None:
    """Put all that is held of a person into a ZIP in R2, and show a URL that reads it for a time.

    Type the user id or e-mail address, or write it to standard input. Whoever has the URL reads the ZIP: send it to
    that person alone.

    \b
    Example: clearlift privacy export --app sesh < the_id.txt
    """
    from assets.erasure.identify import Asked, identify
    from assets.export.make import make

    asked = Asked(subject("user id or e-mail address"), kind, organisation=org)
    with terminal() as opened:
        stores = opened.stores
        stores.prepare()
        noted(stores, "read", app.name, *WHOLE)
        found = identify(stores, app, asked, str(uuid.uuid4()))
        made = make(stores, app, found.identity, timedelta(hours=hours))
        opened.progress.stop()
        click.echo(f"{made.bytes:,} bytes, until {made.expires_at:%Y-%m-%d %H:%M} UTC:")
        click.echo(made.url)
