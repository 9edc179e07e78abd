"""The search through Postgres: all rows of all tables as text, and the files of the server where it is ours.

What belongs here: reading a database whole. What does not: rows by their meaning (rows/).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg.sql import SQL, Composed, Identifier, Literal

from assets.apps.lifecycle import Store
from assets.search.files import below, search_bytes
from assets.search.look import Look
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql

ELSEWHERE = "another application has the same id, and its rows stay"
PLACE = "postgres"
OWN_PLACE = "app_postgres"


def search_postgres(look: Look, postgres: Postgres, place: str, store: Store | None = None) -> None:
    """Every table of a database. In ours, which apps share, the rows of other apps are no hits.

    store: as the registry has the database; None for one that it does not know.
    """
    with postgres.connection(one_moment=True) as connection:
        connection.execute("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
        for row in connection.execute(read_sql("search/tables.sql")).fetchall():
            name = f"{row['schema']}.{row['name']}"
            stays = look.kept(store, name) if store is not None else ""
            for rows, kept in _parts(look, row, is_shared=store == "postgres"):
                with look.text(place, name, kept=kept or stays) as feed:
                    for chunk in _copied(connection, rows):
                        feed(chunk)


def search_server(look: Look) -> None:
    """The files of the server that is ours: tables, indexes, statistics, the log of changes."""
    server = look.rooms.embedded_postgres
    if server is not None:
        for file in below(server.folder):
            search_bytes(look, PLACE, file, str(file.relative_to(server.folder)))


def _parts(look: Look, row: Mapping[str, Any], *, is_shared: bool) -> Iterator[tuple[Composed, str]]:
    """The rows of a table that are the app's, and those that are others'."""
    table = Identifier(row["schema"], row["name"])
    owner = row["owner"]
    if not is_shared or owner is None:
        yield SQL("select * from {}").format(table), ""
        return
    app = Literal(look.app.name)
    # Others first: what stays there explains what the files show.
    yield SQL("select * from {} where {} <> {}").format(table, Identifier(owner), app), ELSEWHERE
    yield SQL("select * from {} where {} is not distinct from {}").format(table, Identifier(owner), app), ""


def _copied(connection: Connection, rows: Composed) -> Iterator[bytes]:
    statement = SQL("copy ({}) to stdout").format(rows)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for chunk in copy:
            yield bytes(chunk)
