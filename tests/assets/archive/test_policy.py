"""The policy is complete: everything that a store holds has an entry, and every entry is about something."""

import re
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from assets.apps import APPS, App
from assets.apps.lifecycle import CONDITIONS, Archive, Lifecycle
from assets.archive.tables import postgres_table
from assets.backups import d1_log
from assets.cache import access_log
from resources.postgres import Postgres
from tests.app_databases import AppDatabases
from tests.assets.archive.archive_stores import NOW, ArchiveStores
from tests.tables import EVENTS

ASSETS = Path(__file__).resolve().parents[3] / "assets"
# What SQLite keeps for itself, the migrations' ledger, and views.
D1_TABLES = """
select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like '%migrations'
"""
POSTGRES_TABLES = """
select schemaname || '.' || tablename as name from pg_tables
where schemaname not in ('pg_catalog', 'information_schema', 'public')
"""


def entries(store: str, *apps: App) -> list[Lifecycle]:
    return [entry for app in apps or APPS for entry in app.lifecycles if entry.store == store]


def without_entry(names: list[str], known: list[Lifecycle]) -> list[str]:
    return [n for n in names if not any(fnmatchcase(n, e.name) for e in known)]


def test_every_table_of_every_d1_has_an_entry(archive_stores: ArchiveStores) -> None:
    for app in APPS:
        if app.d1_migrations is not None:
            d1_log.install(archive_stores.d1[app.name], NOW)
            tables = [row["name"] for row in archive_stores.d1[app.name].query(D1_TABLES)]
            assert without_entry(tables, entries("d1", app)) == []
            gone = [e.name for e in entries("d1", app) if not e.is_series and e.name not in tables]
            assert gone == [], "entries of tables that are not there"


def test_every_table_of_postgres_and_the_lake_has_an_entry(archive_stores: ArchiveStores) -> None:
    tables = [row["name"] for row in archive_stores.postgres.fetch(POSTGRES_TABLES)]
    assert without_entry(tables, entries("postgres")) == []
    named = [e.name for e in entries("postgres") if not e.is_series]
    assert [n for n in named if n not in tables] == []
    assert without_entry([".".join(EVENTS.identifier)], entries("lake")) == []


def test_every_table_of_an_app_s_own_postgres_has_an_entry(app_databases: AppDatabases, tmp_path: Path) -> None:
    for app in APPS:
        if app.postgres_migrations is None:
            assert entries("app_postgres", app) == []
            continue
        with Postgres(app_databases.of(tmp_path, f"app_{app.name}")) as postgres:
            tables = [row["name"] for row in postgres.fetch(POSTGRES_TABLES)]
            assert {e.name for e in entries("app_postgres", app)} == set(tables)
            for entry in entries("app_postgres", app):
                with postgres.connection() as connection:
                    columns = {column.name for column in postgres_table(app, entry).columns(connection)}
                bucket = {entry.archive.bucket} if entry.archive is not None else set()
                assert {entry.time or "", *entry.key, *bucket} - {""} <= columns, entry.name


def test_every_prefix_of_r2_has_an_entry() -> None:
    found = [EVENTS.folder + "/"]
    for app in APPS:
        found += [access_log.zone(app.name).prefix, access_log.quarantine_prefix(app.name)]
        found += [app.audience.landing, app.audience.quarantine] if app.audience else []
        found += [app.points.prefix, app.points.quarantine] if app.points else []
    for file in ASSETS.rglob("*.py"):
        named = re.findall(r'^\w*(?:PREFIX|QUARANTINE|ROOT)\w* = "([^"]*)"', file.read_text(), re.MULTILINE)
        found += [prefix.rstrip("/") + "/" for prefix in named]
    assert len(found) > 8
    known = [e.name for e in entries("r2")]
    assert [p for p in found if not any(p.startswith(k) or k.startswith(p) for k in known)] == []


def test_every_key_family_has_an_entry() -> None:
    for app in APPS:
        families = {f.name for f in app.cache} | {key for aside in app.cache_aside for key in aside.keys}
        assert families == {e.name for e in entries("kv", app)}


def test_nothing_has_two_entries() -> None:
    for app in APPS:
        counted = Counter((e.store, e.name) for e in app.lifecycles)
        assert [name for name, number in counted.items() if number > 1] == []


def test_the_conditions_are_told_and_archived_tables_are_whole(archive_stores: ArchiveStores) -> None:
    used = {c for app in APPS for e in app.lifecycles for c in e.requires}
    assert used <= CONDITIONS.keys()
    for app in APPS:
        for entry in app.lifecycles:
            if entry.store == "postgres" and entry.archive is not None:
                with archive_stores.postgres.connection() as connection:
                    columns = {column.name for column in postgres_table(app, entry).columns(connection)}
                assert {entry.time, entry.archive.bucket, *entry.key} <= columns


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "either an archive or the reason"),
        ({"not_archived": "no"}, "either an age of deletion or the reason"),
        ({"archive": Archive(90, "org"), "kept": "yes"}, "needs a time column and a row key"),
        (
            {"archive": Archive(90, "org"), "time": "at", "key": ("id",), "delete_after_days": 90},
            "deleted only where it is sealed",
        ),
    ],
)
def test_an_entry_that_leaves_a_question_open_is_none(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Lifecycle("d1", "table", **{"time": None, **given})  # type: ignore[arg-type]
