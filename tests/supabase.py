"""Postgres with Supabase's rules: the login is no superuser, owns its database, and may become three other roles.

`service_role` passes row-level security, `anon` and `authenticated` do not; none may make a schema. Roles are the
whole server's, so this is a server of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from resources.postgres import embedded

LOGIN = "project_login"
ROLES = f"""
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role {LOGIN} login createrole createdb bypassrls;
grant anon, authenticated, service_role to {LOGIN};
"""
# What each project's database has from its start.
DEFAULTS = """
grant usage on schema public to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
"""


@contextmanager
def supabase(folder: Path, settings: dict[str, str]) -> Iterator[str]:
    """A running server with the roles; the DSN of its superuser, which no project has."""
    with embedded.running(folder, settings) as dsn:
        with psycopg.connect(dsn) as connection:
            connection.execute(ROLES.encode())
        yield dsn


@contextmanager
def project(server: str, name: str) -> Iterator[str]:
    """A project's empty database, by the DSN of its login; gone at the end."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"create database {name} owner {LOGIN}")
        dsn = urlunsplit(urlsplit(server)._replace(path=f"/{name}")).replace("postgres@", f"{LOGIN}@")
        with psycopg.connect(dsn) as connection:
            connection.execute(DEFAULTS.encode())
        yield dsn
        admin.execute(f"drop database {name} with (force)")
