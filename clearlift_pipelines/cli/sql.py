"""`clearlift sql`: psql on the embedded Postgres server, which stays as long as psql does.

What does not belong here: databases of other servers, which a client opens by their own addresses.
"""

import signal
import subprocess

import click
from psycopg.conninfo import make_conninfo

from assets.apps.pipelines import PIPELINES
from clearlift_pipelines import settings
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.cli.supervisor import die_with_parent
from clearlift_pipelines.stores import Stores
from resources.declined import DeclinedError
from resources.postgres import embedded
from resources.postgres.shared import SharedServer


@click.command()
@click.option("--app", help="The database of an app that has its own, such as growth. [default: ours]")
def sql(app: str | None) -> None:
    """Open psql on the embedded Postgres server; other commands leave the server running meanwhile.

    Example: clearlift sql --app growth
    """
    chosen = settings.load()
    with Stores(chosen) as stores:
        server = stores.embedded_postgres
        if server is None:
            raise DeclinedError(
                "Postgres is not embedded here", "open it with psql and the address that you configured"
            )
        if app is not None and app not in server.databases:
            raise DeclinedError(f"no app {app!r} has a database here", f"name one of {', '.join(server.databases)}")
        noted(stores, "read", app or PIPELINES.name, "postgres" if app is None else "app_postgres", "by hand")
    shared = SharedServer(server.folder, chosen.made_home)
    # Ctrl-C ends a statement within psql, and must not end this process, which holds the server.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        dsn = shared.dsn() if app is None else make_conninfo(shared.database(server.databases[app]))
        ended = subprocess.run(  # noqa: S603 (our own command line)
            [embedded.binaries() / "psql", dsn], check=False, preexec_fn=die_with_parent
        )
    finally:
        shared.release()
    raise click.exceptions.Exit(ended.returncode)
