"""Postgres: the embedded server, and a client for it or any other.

What belongs here: starting the embedded server, connections, transactions, locks, COPY. What does not: tables and
their SQL (sql/), or what is in them.
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
