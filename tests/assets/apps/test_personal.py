"""The registry of what is personal is complete, and what follows from it is right."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dagster import TableMetadataValue

from assets.apps import APPS, App
from assets.apps.lifecycle import Store
from assets.apps.personal import Holding, Unsealed, registry
from assets.apps.sesh_series import SERIES
from assets.backups import d1_log
from assets.cache import keys
from assets.cache.families import families
from assets.description import preview
from assets.lake_tables import lake_tables
from assets.series import ahead
from resources.d1 import D1
from resources.postgres import Postgres
from tests.app_databases import AppDatabases
from tests.assets.archive.archive_stores import APPS_BY_NAME, ArchiveStores
from tests.sql.sesh.database import put
from tests.tables import EVENTS

Schema = Mapping[str, frozenset[str]]
NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
D1_COLUMNS = """
select tables.name as "table", columns.name as "column"
from sqlite_master as tables, pragma_table_info(tables.name) as columns
where tables.type = 'table' and tables.name not like 'sqlite_%'
"""
# The lake's catalog lies in the schema `lake`, but in `public` of a test's database.
POSTGRES_COLUMNS = """
select case table_schema when 'public' then 'lake' else table_schema end || '.' || table_name as "table",
    column_name as "column"
from information_schema.tables join information_schema.columns using (table_schema, table_name)
where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
"""
# What the UI shows of each table.
PERSONAL_COLUMNS = {
    "clearlift": {
        "users": "access_sub avatar_url email identity_nonce name",
        "sessions": "ip_address token user_agent",
        "organizations": "settings",
        "organization_members": "",
        "platform_connections": "settings settings_encrypted",
        "org_tag_mappings": "",
        "invitations": "email token",
        "marketing_choices": "choice chosen_at subject subject_kind",
    },
    "consignment": {
        "consignors": "address email name phone preferred_contact",
        "events": "",
        "inventory_items": "barcode description dropped_off_at name price size",
    },
    "growth": {},
    "sesh": {
        "users": "avatarImageId displayName email profile timeZone",
        "user_preferences": "dashboardLayout preferences",
        "strains": "",
        "products": "",
        "dispensaries": "",
        "inventory": "details priceCents purchasedAt quantity",
        "medical_symptoms": "details severityAfter severityBefore symptom timestamp",
        "journal_entries": "content imageIds mood tags timestamp title",
    },
}
# By which ids a restore leaves out people who were erased.
SUBJECTS = {
    ("clearlift", "clearlift.events"): (("user", "user_id"), ("visitor", "anonymous_id")),
    ("clearlift", "ads.restatements"): (),
    ("consignment", "change_log"): (("user", "old_keys.user_id"), ("user", "new_keys.user_id")),
    ("growth", "analytics.events"): (("user", "user_id"), ("lead", "lead_id"), ("visitor", "session_id")),
    ("sesh", "sessions_*"): (("user", "userId"),),
    ("sesh", "points_*"): (("user", "userId"),),
    ("sesh", "change_log"): (("user", "row_id"), ("user", "old_keys.userId"), ("user", "new_keys.userId")),
}

LAKE: tuple[Store, str] = ("lake", "clearlift.events")
PREVIEWED = """org_tag timestamp event_id event_type event_category event_action event_label event_value page_title
page_path page_hostname referrer_domain"""


def faults(app: App, store: Store, schema: Schema) -> list[str]:
    """What of a live schema no entry names, and what entries name that is not there."""
    entries = {entry.name: entry for entry in app.holdings if entry.store == store}
    found = []
    for table, columns in schema.items():
        entry = entries.get(table) or next((e for e in entries.values() if fnmatchcase(table, e.name)), None)
        if entry is None:
            found.append(f"{table} has no entry")
            continue
        found += [f"{table}.{column} is in no entry" for column in sorted(columns - entry.columns)]
        found += [f"{table}.{column} does not exist" for column in sorted(entry.columns - columns)]
    gone = [name for name in entries if not any(fnmatchcase(table, name) for table in schema)]
    return [*found, *(f"{name} does not exist" for name in gone)]


def grouped(rows: list[dict[str, Any]]) -> Schema:
    tables = {row["table"] for row in rows}
    return {name: frozenset(row["column"] for row in rows if row["table"] == name) for name in tables}


def d1_schema(d1: D1) -> Schema:
    return grouped(d1.query(D1_COLUMNS))


def postgres_schema(archive_stores: ArchiveStores) -> Schema:
    return grouped(archive_stores.postgres.fetch(POSTGRES_COLUMNS))


@pytest.fixture
def filled(archive_stores: ArchiveStores) -> ArchiveStores:
    """The stores with a partition of each family, and the log of the backups."""
    for family in SERIES:
        ahead.make(archive_stores.d1["sesh"], family, lambda: NOW)
    for app in APPS:
        if app.d1_migrations is not None:
            d1_log.install(archive_stores.d1[app.name], NOW)
    return archive_stores


def test_every_column_of_every_d1_has_an_entry(filled: ArchiveStores) -> None:
    for app in APPS:
        if app.d1_migrations is not None:
            assert faults(app, "d1", d1_schema(filled.d1[app.name])) == []


def test_every_column_of_every_app_s_own_postgres_has_an_entry(app_databases: AppDatabases, tmp_path: Path) -> None:
    for app in APPS:
        if app.postgres_migrations is not None:
            with Postgres(app_databases.of(tmp_path, f"app_{app.name}")) as postgres:
                schema = grouped(postgres.fetch(POSTGRES_COLUMNS))
                assert faults(app, "app_postgres", schema) == []
                table = min(schema)
                postgres.execute(f"alter table {table} add column pager text")
                postgres.execute("create table public.devices (id text)")
                assert sorted(faults(app, "app_postgres", grouped(postgres.fetch(POSTGRES_COLUMNS)))) == [
                    f"{table}.pager is in no entry",
                    "lake.devices has no entry",
                ]


def test_every_column_of_postgres_has_an_entry(archive_stores: ArchiveStores) -> None:
    schema = postgres_schema(archive_stores)
    assert len(schema) > 50
    for app in APPS:
        assert faults(app, "postgres", schema) == []


def lake_schema(app: App, *further: str) -> Schema:
    return {
        table.title: frozenset((*(column.name for column in table.spec.columns), *further))
        for table in lake_tables(app)
    }


def test_every_column_of_the_lake_has_an_entry() -> None:
    for app in APPS:
        assert faults(app, "lake", lake_schema(app)) == []
        pagers = [f"{table.title}.pager is in no entry" for table in lake_tables(app)]
        assert faults(app, "lake", lake_schema(app, "pager")) == pagers


@pytest.mark.parametrize("name", [app.name for app in APPS if app.d1_migrations is not None])
def test_a_column_that_a_migration_adds_to_any_d1_is_seen(filled: ArchiveStores, name: str) -> None:
    app, d1 = APPS_BY_NAME[name], filled.d1[name]
    for table in app.tables:
        d1.execute(f"alter table {table} add column pager text")
    assert sorted(faults(app, "d1", d1_schema(d1))) == sorted(f"{table}.pager is in no entry" for table in app.tables)


def test_a_column_or_table_that_is_new_or_gone_is_seen(filled: ArchiveStores) -> None:
    d1 = filled.d1["clearlift"]
    d1.execute("alter table users add column phone text")
    d1.execute("drop table invitations")
    columns = "id, organization_id, email, email_encrypted, email_hash, token, expires_at, invited_by"
    d1.execute(f"create table invitations ({columns})")
    d1.execute("create table devices (id text)")
    d1.execute("drop table org_tag_mappings")
    assert sorted(faults(APPS_BY_NAME["clearlift"], "d1", d1_schema(d1))) == [
        "devices has no entry",
        "invitations.created_at does not exist",
        "org_tag_mappings does not exist",
        "users.phone is in no entry",
    ]
    filled.d1["sesh"].execute("alter table points_2026_07 add column place text")
    assert faults(APPS_BY_NAME["sesh"], "d1", d1_schema(filled.d1["sesh"])) == ["points_2026_07.place is in no entry"]
    filled.postgres.execute("alter table sessions.daily add column ip_address text")
    assert faults(APPS_BY_NAME["sesh"], "postgres", postgres_schema(filled)) == [
        "sessions.daily.ip_address is in no entry"
    ]


def undecided(app: App) -> list[str]:
    """What has a lifecycle and no entry."""
    names = {(entry.store, entry.name) for entry in app.holdings}
    return [p.name for p in app.lifecycles if not any(s == p.store and fnmatchcase(n, p.name) for s, n in names)]


def test_every_table_prefix_and_key_family_with_a_lifecycle_has_an_entry() -> None:
    for app in APPS:
        assert undecided(app) == []
        for entry in (entry for entry in app.holdings if entry.store in ("r2", "kv")):
            without = replace(app, personal=tuple(one for one in app.personal if one is not entry))
            assert entry not in app.personal or undecided(without) == [entry.name]


def test_every_entry_of_a_prefix_or_key_family_is_of_one_that_is_there() -> None:
    prefixes = {policy.name for app in APPS for policy in app.lifecycles if policy.store == "r2"}
    for app in APPS:
        templates = {family.name: family.key for family in families(app)}
        templates |= {key: key for aside in app.cache_aside for key in aside.keys}
        entries = {entry.name: entry for entry in app.holdings if entry.store == "kv"}
        assert entries.keys() == templates.keys()
        for entry in entries.values():
            assert entry.columns == {"key", "value"}
            ids = {f"key.{name}" for name in keys.fields(templates[entry.name])}
            assert {place for _, place in entry.subjects} <= ids
        for entry in (entry for entry in app.holdings if entry.store == "r2"):
            assert entry.columns == {"key", "content"}
            assert entry.name in prefixes


def test_nothing_has_two_entries() -> None:
    for app in APPS:
        counted = Counter((entry.store, entry.name) for entry in app.holdings)
        assert [name for name, number in counted.items() if number > 1] == []


def test_ids_in_json_are_where_the_registry_says(filled: ArchiveStores) -> None:
    d1 = filled.d1["sesh"]
    put(d1, "users", id="ada")
    put(d1, "inventory", id="item", userId="ada")
    d1.execute("update inventory set quantity = 2")
    logged = d1.query("select * from change_log where operation = 'update'")[0]
    places = [place for _, place in APPS_BY_NAME["sesh"].holding("d1", "change_log").subjects if "." in place]
    assert places
    for place in places:
        column, _, field = place.partition(".")
        assert json.loads(logged[column])[field] == "ada"


def test_what_the_ui_shows_as_personal_is_what_says_something_about_a_person() -> None:
    for app in APPS:
        shown = {table: " ".join(app.holding("d1", table).personal_columns) for table in app.tables}
        assert shown == PERSONAL_COLUMNS[app.name]
    sessions = APPS_BY_NAME["sesh"].holding("d1", "sessions_*")
    assert sessions.personal_columns == ("amount", "details", "notes", "rating", "timestamp", "userId")


def test_archived_tables_are_searched_by_the_ids_of_their_people() -> None:
    archived = [(app, entry) for app in APPS for entry in app.lifecycles if entry.archive is not None]
    found = {(app.name, entry.name): app.holding(entry.store, entry.name).subjects for app, entry in archived}
    assert found == SUBJECTS


def test_keys_that_hold_personal_values_are_shown_as_a_digest() -> None:
    personal = {(app.name, family.name) for app in APPS for family in families(app) if family.personal}
    assert personal == {
        ("consignment", "consignor_items"),
        ("sesh", "user_preferences"),
        ("sesh", "dashboard_layout"),
    }


def test_a_preview_leaves_out_what_is_personal() -> None:
    events = pl.LazyFrame({column.name: ["a value"] for column in EVENTS.columns} | {"checksum": [b"bytes"]})
    shown = preview(events.select("checksum", pl.exclude("checksum")), APPS_BY_NAME["clearlift"].holding(*LAKE))
    assert isinstance(shown, TableMetadataValue)
    assert list(shown.records[0].data) == PREVIEWED.split()


def test_a_further_application_adds_entries_of_its_own_to_those_of_the_pipelines() -> None:
    own = Holding("d1", "orders", (("user", "buyer"),), personal="address", erasure="delete")
    personal = registry(own, impersonal={"d1": "orders: id\nproducts prices: id\n  name", "kv": "stock: key value"})
    app = App("shop", "Shop", "team:shop", {}, personal=personal)
    assert app.holding("d1", "orders").columns == {"buyer", "address", "id"}
    assert app.holding("d1", "products").columns == app.holding("d1", "prices").columns == {"id", "name"}
    assert app.holding("kv", "stock").erasure is None
    assert app.holding("postgres", "sessions.daily").hashed == (("visitor", "visitor"),)
    with pytest.raises(LookupError, match="d1 users is not in the registry of personal data"):
        app.holding("d1", "users")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"personal": "name", "impersonal": "id name", "erasure": "delete"}, "name is listed twice"),
        ({"personal": "name"}, "an erasure is named exactly where"),
        ({"impersonal": "name", "erasure": "delete"}, "an erasure is named exactly where"),
        ({"personal": "name", "erasure": "keep"}, "what is kept has a reason"),
        ({"personal": "name", "erasure": "delete", "unsealed": (Unsealed("mail", "x"),)}, "mail is not personal"),
        ({"personal": "name", "erasure": "delete", "unsealed": (Unsealed("name", ""),)}, "not sealed has a reason"),
        ({"subjects": (("customer", "id"),), "erasure": "delete"}, "customer is no kind of person"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(entry: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Holding("d1", "people", **entry)


def test_a_name_that_is_listed_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="d1 products is listed twice"):
        registry(impersonal={"d1": "products: id\norders products: name"})
