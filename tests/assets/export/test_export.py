"""An export holds every row that a direct query of each store finds for a person, and nothing of anyone else."""

import base64
import gzip
import io
import json
import re
import sqlite3
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from assets.apps import APPS, App
from assets.apps.sesh_series import SERIES
from assets.erasure import exports
from assets.export.make import NoPersonError, make, portions
from assets.export.package import packed
from assets.export.portion import doc_of
from assets.privacy.identity import Identity
from assets.privacy.places import entry_of
from assets.series import ahead
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from resources.d1 import EmbeddedD1
from resources.postgres import Postgres
from tests.assets.export.people_everywhere import HOSTILE, Somebody, fill, people
from tests.databases import database

NOW = datetime(2026, 5, 2, tzinfo=UTC)
BY_NAME = {app.name: app for app in APPS}
World = tuple[Stores, dict[str, list[Somebody]]]


@pytest.fixture(scope="module")
def world(
    postgres_server: str, migrated_dsn: str, tmp_path_factory: pytest.TempPathFactory, app_databases: object
) -> Iterator[World]:
    """Every store of every app, with rows of the same hostile ids in each."""
    home = tmp_path_factory.mktemp("exported")
    with (
        database(postgres_server, migrated_dsn) as dsn,
        Stores(settings.load(home=home / "home", postgres_dsn=SecretStr(dsn)), clock=lambda: NOW) as stores,
    ):
        stores.migrate()
        for family in SERIES:
            ahead.make(stores.d1(BY_NAME["sesh"]), family, lambda: NOW)
        everybody = {app.name: people() for app in APPS}
        # Of each application another mark, because their people are others.
        for number, somebody in enumerate(s for of_app in everybody.values() for s in of_app):
            somebody.number = number
        for app in APPS:
            fill(stores, app, everybody[app.name])
        yield stores, everybody


def exported(stores: Stores, app: App, identity: Identity) -> dict[str, Any]:
    """The files of an export, by name; JSON is read."""
    data = b"".join(packed(app.title, NOW, portions(stores, app, identity)))
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        return {
            name: json.loads(found.read(name)) if name.endswith(".json") else found.read(name)
            for name in found.namelist()
        }


def in_d1(stores: Stores, app: App, somebody: Somebody) -> Counter[str]:
    """The person's rows of D1, by the entry: what a look at every row of every table finds."""
    counted: Counter[str] = Counter()
    d1 = stores.d1(app)
    assert isinstance(d1, EmbeddedD1)
    with closing(sqlite3.connect(d1.path)) as connection:
        connection.row_factory = sqlite3.Row
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            entry = entry_of(app, "d1", table)
            if entry is not None and entry.subjects:
                for row in connection.execute(f"select * from {table}"):
                    places = [place.partition(".") for _, place in entry.subjects]
                    values = [
                        json.loads(row[name] or "{}").get(path) if path else row[name] for name, _, path in places
                    ]
                    if somebody.text in values:
                        counted[entry.name.strip("*_")] += 1
    return counted


def in_postgres(postgres: Postgres, app: App, store: Any, somebody: Somebody) -> Counter[str]:
    """The person's rows of Postgres: those that hold the mark."""
    names = postgres.fetch(
        "select schemaname || '.' || tablename as name from pg_tables where schemaname !~ '^pg_|information_schema'"
    )
    counted: Counter[str] = Counter()
    for name in (row["name"] for row in names):
        entry = entry_of(app, store, name)
        if entry is not None and entry.erasure in ("delete", "blank"):
            texts = [row["text"] for row in postgres.fetch(f"select to_jsonb(t)::text as text from {name} t")]
            mine = (somebody.mark, somebody.mark.encode().hex(), f' {somebody.number:03}"')
            hashed = (somebody.hash.hex(), f'"app": "{app.name}"')  # the same person in each app
            own = [text for text in texts if any(m in text for m in mine) or all(part in text for part in hashed)]
            if own and (entry.subjects or entry.hashed or store == "app_postgres"):
                counted[name] = len(own)
    return counted


@pytest.mark.parametrize("number", range(len(HOSTILE) + len(APPS)))
def test_an_export_is_what_direct_queries_find(world: World, number: int) -> None:
    app, number = APPS[number % len(APPS)], number % len(HOSTILE)
    stores, everybody = world
    somebody = everybody[app.name][number]
    files = exported(stores, app, somebody.identity(app))
    rows = {name.removesuffix(".json"): len(found) for name, found in files.items() if name.endswith(".json")}
    if app.d1_migrations is not None:
        assert {n.removeprefix("d1/"): c for n, c in rows.items() if n.startswith("d1/")} == in_d1(
            stores, app, somebody
        )
    ours = {n.removeprefix("postgres/"): c for n, c in rows.items() if n.startswith("postgres/")}
    assert ours == in_postgres(stores.postgres, app, "postgres", somebody)
    if app.postgres_migrations is not None:
        own = {n.removeprefix("app_postgres/"): c for n, c in rows.items() if n.startswith("app_postgres/")}
        assert own == in_postgres(stores.app_postgres(app), app, "app_postgres", somebody)
    if app.audience is not None:
        assert rows["lake/clearlift.events"] == 1
    assert_of_one_person(files, somebody, [s for of_app in everybody.values() for s in of_app])


def assert_of_one_person(files: dict[str, Any], somebody: Somebody, everybody: list[Somebody]) -> None:
    text = json.dumps([found for found in files.values() if not isinstance(found, bytes)])
    text += "".join(found.decode() for found in files.values() if isinstance(found, bytes))
    text += " ".join(files)
    for other in everybody:
        assert (other.mark in text) == (other.number == somebody.number)
        assert other.uuid not in text or other.number == somebody.number


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_objects_and_keys_are_in_it(world: World, app: App) -> None:
    stores, everybody = world
    somebody = everybody[app.name][0]
    files = exported(stores, app, somebody.identity(app))
    for entry in app.holdings:
        if entry.store == "r2" and entry.subjects:
            name = f"r2/{entry.name.strip('/').replace('/', '_')}"
            assert len(files[f"{name}.json"]) == 1
            if not any(place.startswith("content.") for _, place in entry.subjects):
                assert files[f"{name}/000001.jpg"] == f"image {somebody.mark}".encode()
    for policy in app.lifecycles:
        if policy.archive is not None and app.holding(policy.store, policy.name).subjects:
            assert len(files[f"archive/{policy.table}.json"]) == 1
    if any(entry.store == "kv" and entry.subjects for entry in app.holdings):
        assert all(row["value"] == [somebody.mark] for row in files["kv/keys.json"])
        assert len(files["kv/keys.json"]) > 1


def test_what_landed_is_in_it_packed_or_not_and_whatever_it_is_called(world: World) -> None:
    stores, everybody = world
    app, somebody, other = BY_NAME["clearlift"], *everybody["clearlift"][5:7]
    own, of_other = (json.dumps({"user_id": s.text, "says": s.mark}).encode() for s in (somebody, other))
    folder, lines = "landing/events/2026/05/01/13", b"\n".join([of_other, own])
    contents = {
        "a.ndjson": lines,
        "b.json": gzip.compress(lines),
        "c.jsonl": own,
        "d.whole": own,
        "e.gz": b"\x1f\x8bcut",
    }
    for name, content in contents.items():
        stores.object_store.put(f"{folder}/{name}", content)
    files = exported(stores, app, somebody.identity(app))
    stores.object_store.delete([f"{folder}/{name}" for name in contents])
    assert len(files["r2/landing_events.json"]) == 4
    assert_of_one_person(files, somebody, [s for of_app in everybody.values() for s in of_app])


def test_a_row_that_names_somebody_else_says_nothing_of_them(world: World) -> None:
    stores, everybody = world
    app = BY_NAME["clearlift"]
    inviting, invited = everybody["clearlift"][:2]
    d1 = stores.d1(app)
    assert isinstance(d1, EmbeddedD1)
    columns = ["id", "organization_id", "email", "token", "expires_at", "invited_by"]
    row = ["both", "o", "other@example.org", "a token", "2026-05-01", inviting.text]
    with closing(sqlite3.connect(d1.path)) as connection:
        connection.execute(f"insert into invitations ({', '.join(columns)}) values (?, ?, ?, ?, ?, ?)", row)
        connection.commit()
    try:
        found = exported(stores, app, inviting.identity(app))["d1/invitations.json"]
        (shown,) = (row for row in found if row["id"] == "both")
        assert shown["invited_by"] == inviting.text
        assert not {"email", "token", "email_hash"} & shown.keys()
        assert "both" not in {row["id"] for row in exported(stores, app, invited.identity(app))["d1/invitations.json"]}
    finally:
        d1.execute("delete from invitations where id = 'both'")


def test_a_page_that_a_person_reads_runs_nothing(world: World) -> None:
    stores, everybody = world
    app, somebody = BY_NAME["sesh"], everybody["sesh"][3]
    d1 = stores.d1(app)
    d1.execute("update users set displayName = ? where id = ?", ["<script>alert(1)</script>", somebody.text])
    index = exported(stores, app, somebody.identity(app))["index.html"].decode()
    assert "<script" not in index
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in index
    assert "default-src 'none'" in index


def test_every_entry_with_people_says_to_them_what_it_is() -> None:
    silent = [
        (app.name, entry.store, entry.name)
        for app in APPS
        for entry in app.holdings
        if (entry.subjects or entry.hashed) and entry.store != "kv" and not doc_of(app, entry)
    ]
    assert silent == []


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_the_index_says_what_each_file_is(world: World, app: App) -> None:
    stores, everybody = world
    index = exported(stores, app, everybody[app.name][4].identity(app))["index.html"].decode()
    said = re.findall(r"\.json</a></th><td>[\d,]+</td><td>(.*?)</td>", index)
    assert said
    assert all(said)
    assert ('<a href="r2/user-media/000001.jpg">' in index) == (app.media is not None)


def test_sealed_values_are_opened(world: World) -> None:
    stores, everybody = world
    app, somebody = BY_NAME["clearlift"], everybody["clearlift"][2]
    place = {"table": "users", "column": "email_encrypted"}
    sealed = [stores.keyring.seal_text("ann@example.org", **place, row=row) for row in (somebody.text, "another")]
    for value, seen in zip(sealed, ("ann@example.org", ""), strict=True):
        stores.d1(app).execute(
            "update users set email = '', email_encrypted = ?, identity_nonce_encrypted = null where id = ?",
            [value, somebody.text],
        )
        (row,) = exported(stores, app, somebody.identity(app))["d1/users.json"]
        assert row["email"] == seen
        # What does not open says only that it is sealed.
        assert row.get("email_encrypted") == (None if seen else "[sealed]")


def test_an_export_lies_where_only_its_url_leads_and_goes_with_an_erasure(world: World) -> None:
    stores, everybody = world
    app = BY_NAME["consignment"]
    identity, other = (somebody.identity(app) for somebody in everybody["consignment"][:2])
    made, kept = make(stores, app, identity, timedelta(hours=1)), make(stores, app, other, timedelta(hours=1))
    assert made.expires_at == NOW + timedelta(hours=1)
    assert made.bytes == stores.object_store.head(made.key).size
    assert made.url not in repr(made)
    for somebody in everybody["consignment"]:
        assert len(somebody.text) < 4 or somebody.text not in made.key
    assert exports.eraser(stores, app).erase([identity]).objects == 1
    assert not stores.object_store.exists(made.key)
    assert stores.object_store.exists(kept.key)
    assert exports.eraser(stores, app).erase([identity]).objects == 0
    stores.object_store.delete(kept.key)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(days=7, seconds=1), timedelta(seconds=-1)])
def test_a_url_is_valid_for_a_second_to_seven_days(world: World, lifetime: timedelta) -> None:
    stores, everybody = world
    identity = everybody["consignment"][0].identity(BY_NAME["consignment"])
    with pytest.raises(ValueError, match="1 s to 7 days"):
        make(stores, BY_NAME["consignment"], identity, lifetime)


def test_an_organisation_is_no_person(world: World) -> None:
    stores, _ = world
    app = BY_NAME["clearlift"]
    with pytest.raises(NoPersonError):
        make(stores, app, Identity("r", "clearlift", {}, frozenset({"a3f7c2"})), timedelta(hours=1))


def test_the_files_of_a_zip_are_their_owner_s(world: World) -> None:
    stores, everybody = world
    app = BY_NAME["growth"]
    data = b"".join(packed(app.title, NOW, portions(stores, app, everybody["growth"][0].identity(app))))
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert {stat.S_IMODE(info.external_attr >> 16) for info in found.infolist()} == {0o600}
        assert not any(name.startswith("/") or ".." in name for name in found.namelist())


def test_a_refused_line_that_is_no_json_is_the_person_s_that_it_names(world: World) -> None:
    stores, _ = world
    app, text = BY_NAME["sesh"], "sesh-user-9f3a71"
    raw = base64.b64encode(f'{{"userId": "{text}", "cut'.encode()).decode()
    line = json.dumps({"line": 1, "reason": "not_json", "field": "", "raw": raw}).encode()
    stores.object_store.put("quarantine/points/cut.ndjson.gz", gzip.compress(line))
    for asked, number in ((text, 1), (f"{text}1", 0)):
        files = exported(stores, app, Identity("r", "sesh", {"user": frozenset({asked})}))
        assert len(files.get("r2/quarantine_points.json", [])) == number
    stores.object_store.delete("quarantine/points/cut.ndjson.gz")
