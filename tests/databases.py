"""Databases of a test's own on the run's embedded Postgres."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg

from resources import migrations
from resources.postgres import Postgres

NUMBERS = itertools.count(1)


def empty(postgres: Postgres, *schemas: str) -> None:
    """Take every row away of some schemas, or of all that are not Postgres's own or the migrations' ledger.

    Only of tables that have any: to truncate the hundred and more that there are takes longer than most examples.
    Models of attribution stay, because a migration brings them.
    """
    tables = postgres.fetch(
        "select format('%%I.%%I', schemaname, tablename) as name from pg_tables"
        " where (schemaname, tablename) <> ('attribution', 'models')"
        " and (schemaname = any(%(some)s::text[]) or %(some)s::text[] = '{}')"
        " and schemaname not in ('pg_catalog', 'information_schema', 'pipelines')",
        {"some": list(schemas)},
    )
    asked = (f"select '{row['name']}' as name where exists (select from {row['name']})" for row in tables)
    if filled := postgres.fetch(" union all ".join(asked)):
        # As a replica, because the audit trail refuses to be emptied.
        names = ", ".join(row["name"] for row in filled)
        postgres.execute(f"set local session_replication_role = replica; truncate {names} cascade")


@contextmanager
def database(server: str, template: str = "") -> Iterator[str]:
    """The DSN of an empty database, or of a copy of the one whose DSN is `template`; gone at the end."""
    name = f"test_{os.getpid()}_{next(NUMBERS)}"
    source = urlsplit(template).path.removeprefix("/") or "template1"
    with psycopg.connect(server, autocommit=True) as admin:
        # Cheaper than its default, which writes each page to the log too.
        admin.execute(f"create database {name} template {source} strategy file_copy")
        yield _on(server, name)
        admin.execute(f"drop database {name} with (force)")


def template_of(server: str, folder: str) -> str:
    """The DSN of a database with all migrations of a folder under sql/, to be copied and never connected to.

    The first process of the run that asks makes it, and it lasts as long as the server.
    """
    name = f"migrated_{folder.replace('/', '_')}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("select pg_advisory_lock(hashtext(%s))", (name,))
        if not admin.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
            with database(server) as draft:
                with Postgres(draft) as postgres:
                    migrations.up(migrations.PostgresAppliedMigrations(postgres), folder)
                admin.execute(f"create database {name} template {urlsplit(draft).path.removeprefix('/')}")
    return _on(server, name)


def _on(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
