"""Growth's own Postgres for tests: who asks, and rows of it in as few words as they need. No fixtures here."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from resources.postgres import Connection

FOLDER = "growth/postgres"
A = "a0000000-0000-4000-8000-000000000001"
B = "b0000000-0000-4000-8000-000000000002"
CLAIMS: dict[str, dict[str, Any]] = {
    "anon": {"role": "anon"},
    "a": {"role": "authenticated", "sub": A, "email": "Ada@Example.com"},
    "b": {"role": "authenticated", "sub": B, "email": "bob@example.com"},
    "admin": {
        "role": "authenticated",
        "sub": "c0000000-0000-4000-8000-000000000003",
        "email": "root@example.com",
        "app_metadata": {"role": "admin"},
    },
    "service": {"role": "service_role"},
}
VARIANTS = '[{"key": "control", "weight": 1, "is_control": true}, {"key": "other", "weight": 1}]'


def connect(dsn: str) -> Connection:
    """A connection whose statements are transactions of their own, until `transaction` opens one."""
    return psycopg.connect(dsn, autocommit=True, row_factory=dict_row)


@contextmanager
def asking(
    connection: Connection, who: str, *, token: str = "", address: str = "", keep: bool = False
) -> Iterator[Connection]:
    """A transaction as PostgREST opens one for a request of a person of CLAIMS; undone at the end unless `keep`."""
    headers = {name: value for name, value in (("x-session-token", token), ("x-forwarded-for", address)) if value}
    with connection.transaction(force_rollback=not keep):
        connection.execute(
            "select set_config('request.jwt.claims', %s, true), set_config('request.headers', %s, true),"
            " set_config('role', %s, true)",
            (json.dumps(CLAIMS[who]), json.dumps(headers), CLAIMS[who]["role"]),
        )
        yield connection


def capture(connection: Connection, email: str, **fields: Any) -> int:
    """Leave a lead; the number of rows that were inserted: none where it was known."""
    row = {"email": email, **fields}
    names, marks = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    return connection.execute(f"insert into marketing.leads ({names}) values ({marks})".encode(), row).rowcount


def one(connection: Connection, sql: str, params: Any = None) -> dict[str, Any]:
    """The one row of a statement."""
    (row,) = connection.execute(sql.encode(), params).fetchall()
    return row
