"""Postgres: one client, and an embedded server for where there is no other.

What belongs here: connections, transactions, locks, COPY, starting the embedded server. What does not: tables, their
SQL (sql/) and their content. There is no second room, because the embedded server is a real PostgreSQL.
"""

from resources.postgres import embedded
from resources.postgres.client import Connection, LockHeldError, Postgres, PostgresUnreachableError
from resources.postgres.copy import copy_in, copy_out, stream

__all__ = [
    "Connection",
    "LockHeldError",
    "Postgres",
    "PostgresUnreachableError",
    "copy_in",
    "copy_out",
    "embedded",
    "stream",
]
