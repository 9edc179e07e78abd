"""What can be said of an application, as plain data. Where an entry would need an `if`, it is a capability instead."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table of the application's own database (D1): its meaning, and which of its columns are personal."""

    name: str
    doc: str
    personal: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Audience:
    """Where an application's web events come from: the SQL that gives `tag` and `active` of each organisation in D1."""

    org_tags: str


@dataclass(frozen=True)
class App:
    """One application. `name` leads its asset keys, groups, databases and namespaces.

    d1_migrations: its folder under sql/, None where it has no D1. audience: set where it collects web events.
    """

    name: str
    title: str
    owner: str
    tables: Mapping[str, Table]
    d1_migrations: str | None = None
    audience: Audience | None = None
