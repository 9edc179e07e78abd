"""Further databases of a server, beside the one that a connection string names.

What does not belong here: a server of its own (embedded.py).
"""

from contextlib import suppress
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier


def made(dsn: str, name: str) -> str:
    """The connection string of a database of that server, which is made where it is missing. A URL stays a URL."""
    # Of two processes that make it at once, one finds it made.
    is_there = suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
    with psycopg.connect(dsn, autocommit=True) as connection, is_there:
        connection.execute(SQL("create database {}").format(Identifier(name)))
    if "://" in dsn:
        return urlunsplit(urlsplit(dsn)._replace(path=f"/{quote(name)}"))
    return make_conninfo(dsn, dbname=name)
