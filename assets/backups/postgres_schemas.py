"""The databases that are backed up by their rows, and how an empty one becomes one of them.

What does not belong here: rows (postgres_logical.py), the data of an app (assets/apps).
"""

from collections.abc import Iterable
from functools import partial
from typing import cast

from assets.apps import App
from assets.apps.lifecycle import Store
from assets.apps.personal import ORGANISATION, Holding, Person, Subject
from assets.apps.pipelines import (
    CATALOG_SCHEMA,
    FORMER_NAMES,
    MIGRATIONS,
    NOT_SET_BACK,
    ORGANISATION_COLUMNS,
    REMEMBERED,
    REMEMBERED_OF_APPS,
)
from assets.apps.pipelines_personal import PIPELINES as HOLDINGS
from assets.backups.postgres_database import DatabaseSchema
from assets.changes.postgres import install
from assets.privacy.tombstones import HASH
from resources.migrations import PostgresAppliedMigrations
from resources.postgres import Postgres

WITHOUT_TRACES = ("delete", "blank")
"""What an erasure does to rows in which it finds a trace: rows that are kept keep theirs."""


def _of_ours(entry: Holding) -> tuple[Subject, ...]:
    """By which ids a row of ours stays away: an organisation's stand in columns that are named alike everywhere, and
    hashes of ids have tombstones too.
    """
    columns = [name for name in ORGANISATION_COLUMNS if name in entry.columns]
    hashed = [column for _, column in entry.hashed] if entry.erasure == "delete" else []
    return (
        *entry.subjects,
        *((cast(Person, HASH), name) for name in hashed),
        *((cast(Person, ORGANISATION), name) for name in columns),
    )


def _with_traces(entries: Iterable[Holding], store: Store) -> dict[str, Holding]:
    return {entry.name: entry for entry in entries if entry.store == store and entry.erasure in WITHOUT_TRACES}


OURS = DatabaseSchema(
    MIGRATIONS,
    applied=partial(PostgresAppliedMigrations, former_names=FORMER_NAMES),
    rest=lambda postgres: _make_catalog(postgres),
    subjects={entry.name: _of_ours(entry) for entry in HOLDINGS if entry.store == "postgres"},
    traces=_with_traces(HOLDINGS, "postgres"),
    owners=ORGANISATION_COLUMNS,
    kept=NOT_SET_BACK,
    remembered=REMEMBERED,
)


def schema_of(app: App) -> DatabaseSchema:
    """The database of an app that has one."""
    assert app.postgres_migrations is not None, f"{app.name} has no Postgres database"
    return DatabaseSchema(
        app.postgres_migrations,
        rest=lambda postgres: install(postgres, app),
        subjects={entry.name: entry.tombstoned for entry in app.personal if entry.store == "app_postgres"},
        traces=_with_traces(app.personal, "app_postgres"),
        kept=frozenset({"pipelines.migrations"}),
        remembered=REMEMBERED_OF_APPS,
    )


def _make_catalog(postgres: Postgres) -> None:
    """The tables of the lake's catalog; none at a migration from before it had a schema."""
    from resources.lake.catalogs import sql_catalog

    if postgres.fetch("select where to_regnamespace(%s) is null", (CATALOG_SCHEMA,)):
        return
    sql_catalog(postgres.dsn, "file:///", {}, schema=CATALOG_SCHEMA).close()
