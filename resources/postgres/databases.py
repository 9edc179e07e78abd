"""Further databases of a server, beside the one that a connection string names.

What does not belong here: a server of its own (embedded.py).
"""

from contextlib import suppress

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier


def made(dsn: str, name: str, options: str = "") -> str:
    """The connection string of a database of that server, which is made where it is missing; `options` of sessions."""
    # Of two processes that make it at once, one finds it made.
    is_there = suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
    with psycopg.connect(dsn, autocommit=True) as connection, is_there:
        connection.execute(SQL("create database {}").format(Identifier(name)))
    return make_conninfo(dsn, dbname=name, **({"options": options} if options else {}))
