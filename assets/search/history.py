"""The search through Dagster's own storage: run history, event log, schedules, output of runs.

What belongs here: where Dagster keeps it, in files or in Postgres. What does not: the stores of the apps.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from dagster import DagsterInstance
from dagster_postgres import PostgresEventLogStorage

from assets.search.files import below, search_bytes
from assets.search.look import Look
from assets.search.postgres import search_postgres
from resources.d1.names import quoted
from resources.postgres import Postgres

PLACE = "dagster"
DATABASE = b"SQLite format 3\0"
ROWS = 1_000


def search_history(look: Look, instance: DagsterInstance) -> None:
    """All that the instance keeps: the files of its folder, and its database where it has one."""
    folder = Path(instance.root_directory)
    for file in below(folder):
        name = str(file.relative_to(folder))
        look.name(PLACE, name)
        search_bytes(look, PLACE, file, name)
        _search_rows(look, file, name)
    events = instance.event_log_storage
    if isinstance(events, PostgresEventLogStorage):
        # SQLAlchemy's name of a driver is none of a connection string.
        scheme, _, rest = events.postgres_url.partition("://")
        with Postgres(f"{scheme.partition('+')[0]}://{rest}") as postgres:
            search_postgres(look, postgres, PLACE)


def known_run(instance: DagsterInstance) -> str | None:
    """The id of the newest run, which lies in the storage; None where there is no run."""
    return next(iter(instance.get_run_ids(limit=1)), None)


def _search_rows(look: Look, file: Path, name: str) -> None:
    """The rows of a SQLite file as text, because a long value lies in several pages of it."""
    try:
        with file.open("rb") as opened:
            if opened.read(len(DATABASE)) != DATABASE:
                return
    except FileNotFoundError:
        return
    with closing(sqlite3.connect(file.absolute().as_uri() + "?mode=ro", uri=True, timeout=30)) as connection:
        tables = connection.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
        for (table,) in tables:
            with look.text(PLACE, f"{name} {table}") as feed:
                found = connection.execute(f"select * from {quoted(table)}")
                while rows := found.fetchmany(ROWS):
                    feed(b"\0".join(_bytes(value) for row in rows for value in row) + b"\0")


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")
