"""`clearlift privacy export`: all that is held of a person, for that person.

What belongs here: what people type and read. What does not: the work (assets/export), which is imported by the command,
so that help starts at once.
"""

import uuid
from datetime import timedelta

import click

from assets.apps import App
from clearlift_pipelines import settings
from clearlift_pipelines.cli.apps import app_option
from clearlift_pipelines.stores import Stores
from resources.r2.protocol import LONGEST_SIGNATURE_SECONDS

FROM_INPUT = "-"
LONGEST_HOURS = LONGEST_SIGNATURE_SECONDS // 3600
KINDS = ("user", "visitor", "member", "invitee", "lead")


@click.command("export")
@click.argument("subject", metavar="USER")
@app_option(lambda app: app.personal)
@click.option("--kind", type=click.Choice(KINDS), help="Which kind of person, where an id is of several.")
@click.option(
    "--hours",
    type=click.IntRange(1, LONGEST_HOURS),
    default=24,
    show_default=True,
    help=f"For how long the URL works, at most {LONGEST_HOURS} hours.",
)
def export(subject: str, app: App, kind: str | None, hours: int) -> None:
    """Put all that is held of a person into a ZIP in R2, and show a URL that reads it for a time.

    USER is an id or an e-mail address. With - it is read from the standard input, so that no list of processes and no
    history of a shell shows it. Whoever has the URL reads the ZIP: send it to that person alone.

    Example: clearlift privacy export - --app sesh < id.txt
    """
    from assets.audit.entry import Entry
    from assets.audit.note import note
    from assets.erasure.exports import PREFIX
    from assets.erasure.identify import Asked, identify
    from assets.export.make import make

    given = click.get_text_stream("stdin").readline().rstrip("\r\n") if subject == FROM_INPUT else subject
    with Stores(settings.load()) as stores:
        found = identify(stores, app, Asked(given, kind), str(uuid.uuid4()))  # type: ignore[arg-type]
        note(stores, Entry(app.name, "clearlift privacy export", "read", "r2", PREFIX))
        made = make(stores, app, found.identity, timedelta(hours=hours))
        click.echo(f"{made.bytes:,} bytes, until {made.expires_at:%Y-%m-%d %H:%M} UTC:")
        click.echo(made.url)
