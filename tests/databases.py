"""Databases of a test's own on the run's embedded Postgres."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg

NUMBERS = itertools.count(1)


@contextmanager
def database(server: str, template: str = "") -> Iterator[str]:
    """The DSN of an empty database, or of a copy of the one whose DSN is `template`; gone at the end."""
    name = f"test_{os.getpid()}_{next(NUMBERS)}"
    source = urlsplit(template).path.removeprefix("/") or "template1"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"create database {name} template {source}")
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        admin.execute(f"drop database {name} with (force)")
