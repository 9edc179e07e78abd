"""`clearlift backup`: what people type and read, and that no wrong word harms what is live."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from assets.apps.consignment import APP as CONSIGNMENT
from assets.apps.growth import APP as GROWTH
from assets.backups import covered
from assets.backups.sets import VERIFIED, find
from assets.backups.target import StoreName
from resources.d1 import D1, EmbeddedD1
from resources.postgres import Postgres
from resources.postgres.databases import made
from sandbox import sample_apps
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.tombstones import bury

SALES = "consignment/d1"


@pytest.fixture
def sold(terminal: Terminal) -> Terminal:
    """A migrated location whose Consignment has a sale, and a backup of it."""
    stores = terminal.stores
    stores.migrate()
    sample_apps.fill(CONSIGNMENT, stores.d1(CONSIGNMENT), stores.object_store, datetime.now(UTC))
    terminal.good("backup", "run", SALES)
    return terminal


def rows(d1: D1, sql: str) -> list[object]:
    return [row["v"] for row in d1.query(sql)]


def erase(terminal: Terminal, app: str, kind: str, person: str) -> None:
    bury(terminal.stores.postgres, app, (kind, person), keyring=terminal.stores.keyring)


@contextmanager
def other_database(postgres: Postgres) -> Iterator[str]:
    """The name of a database that a restore makes on the same server; gone afterwards."""
    name = f"{conninfo_to_dict(postgres.dsn)['dbname']}_beside"
    yield name
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def test_a_backup_is_listed_verified_drilled_and_restored(sold: Terminal) -> None:
    d1 = sold.stores.d1(CONSIGNMENT)
    (first,) = find(covered.target_of(sold.stores), StoreName("consignment", "d1")).complete
    d1.execute("update events set name = 'Wrong'")
    assert "incremental, " in sold.good("backup", "run", SALES)
    listed = [line.split() for line in sold.good("backup", "list", SALES).splitlines()[1:]]
    assert listed[0][1:3] == [first.id, "full"]
    assert listed[1][-1] == first.id, "what the incremental needs"
    assert sold.good("backup", "verify", SALES).startswith(f"{SALES}: sets read")
    assert "compared; RTO" in sold.good("backup", "drill", SALES)

    beside = str(sold.folder / "beside.sqlite")
    position = ("--at", first.until)
    said = sold.good("backup", "restore", SALES, *position, "--into", beside)
    assert said.startswith(f"{SALES} restored into {beside}: ")
    place = EmbeddedD1(Path(beside))
    assert "Wrong" not in rows(place, "select name as v from events")
    place.close()
    # A time after the newest set gives the newest state, as of every store.
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
    sold.good("backup", "restore", SALES, "--at", now, "--into", "newest.sqlite")
    refused = sold.refused("backup", "restore", SALES, *position, "--table", "events", "--into", "live")
    assert f"would write events as of position {first.until} " in refused
    moment = f"{first.moment:%Y-%m-%d %H:%M:%S}"
    refused = sold.refused("backup", "restore", SALES, "--at", first.moment.isoformat(), "--into", "live")
    assert f"would write all tables as of {moment} UTC" in refused
    assert set(rows(d1, "select name as v from events")) == {"Wrong"}
    sold.good("backup", "restore", SALES, *position, "--table", "events", "--into", "live", "--confirm")
    assert "Wrong" not in rows(d1, "select name as v from events")


def test_a_person_who_was_erased_comes_back_neither_to_d1_nor_to_postgres(sold: Terminal) -> None:
    d1, postgres = sold.stores.d1(CONSIGNMENT), sold.stores.app_postgres(GROWTH)
    postgres.execute("insert into marketing.leads (email, source) values ('gone@e.example', 'referral')")
    postgres.execute("insert into marketing.leads (email, source) values ('here@e.example', 'referral')")
    sold.good("backup", "run", "growth/postgres")
    person = str(rows(d1, "select min(user_id) as v from consignors")[0])
    lead = str(postgres.fetch("select id from marketing.leads where email = 'gone@e.example'")[0]["id"])
    erase(sold, "consignment", "user", person)
    erase(sold, "growth", "lead", lead)

    said = sold.good("backup", "restore", SALES, "--into", "beside.sqlite")
    assert " of erased people left out, compared" in said
    place = EmbeddedD1(sold.folder / "beside.sqlite")
    for table in ("consignors", "inventory_items"):
        assert rows(place, f"select count(*) as v from {table} where user_id = '{person}'") == [0]
        assert rows(place, f"select count(*) as v from {table}") != [0]
    place.close()
    with other_database(postgres) as name:
        sold.good("backup", "restore", "growth/postgres", "--into", name)
        with Postgres(made(postgres.dsn, name)) as beside:
            found = {row["email"] for row in beside.fetch("select email from marketing.leads")}
    assert "here@e.example" in found
    assert "gone@e.example" not in found


def test_a_wrong_word_is_one_line_and_changes_nothing(sold: Terminal) -> None:
    d1 = sold.stores.d1(CONSIGNMENT)
    before = d1.query("select * from events order by id")
    early = f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%d}"
    live = ("--into", "live", "--confirm")
    assert "there is no store 'consignment/d2'. Next: name consignment/d1" in sold.refused(
        "backup", "run", "consignment/d2"
    )
    assert "there is no store 'nosuch/d1'. Next: name one of pipelines/postgres, " in sold.refused(
        "backup", "run", "nosuch/d1"
    )
    for into, why in (
        ("", "no place is named to restore into. Next: name a new file"),
        (".", ". is a folder. Next: name a SQLite file"),
        ("/proc/x.sqlite", "/proc/x.sqlite cannot be made: No such file or directory. Next: name another place"),
    ):
        assert why in sold.refused("backup", "restore", SALES, "--into", into)
    assert f"no backup of {SALES} holds {early}" in sold.refused("backup", "restore", SALES, "--at", early, *live)
    assert f"no backup of {SALES} holds 99999" in sold.refused("backup", "restore", SALES, "--at", "99999", *live)
    assert "no table sales" in sold.refused("backup", "restore", SALES, "--table", "sales", *live)
    assert "there is no backup 20260101T000000Z-full-0 of" in sold.refused(
        "backup", "verify", SALES, "20260101T000000Z-full-0"
    )
    assert "no backup of sesh/d1" in sold.refused("backup", "restore", "sesh/d1", *live)
    assert "are of one store. Next: name the store" in sold.refused("backup", "restore", "all", "--at", "7", *live)
    for at in ("yesterday", "2999-01-01"):
        said = sold.clearlift("backup", "restore", SALES, "--at", at, *live)
        assert (said.code, said.out) == (2, "")
    assert d1.query("select * from events order by id") == before


def test_a_damaged_set_is_named_and_refused(sold: Terminal) -> None:
    target, store = covered.target_of(sold.stores), StoreName("consignment", "d1")
    (manifest,) = find(target, store).complete
    key = target.key(store, manifest.id, manifest.parts[0].name)
    data = target.objects.get(key)
    target.objects.put(key, data[:-1] + bytes([data[-1] ^ 1]))
    said = sold.clearlift("backup", "verify", SALES)
    assert (said.code, f"damaged {key}: its bytes have another SHA-256" in said.out) == (1, True)
    assert "1 set of consignment/d1 damaged. Next: `clearlift backup run consignment/d1 --full`" in said.err
    said = sold.clearlift("backup", "list", SALES)
    assert (said.code, f"damaged: {key}: its bytes have another SHA-256" in said.out) == (1, True), said
    assert "1 set of consignment/d1 cannot be restored. Next: `clearlift backup verify consignment/d1`" in said.err
    assert key in sold.refused("backup", "restore", SALES, "--into", "live", "--confirm")
    assert "no backup of consignment/d1 is verified" in sold.refused("backup", "drill", SALES)
    target.objects.put(key, data)
    sold.good("backup", "verify", SALES)
    assert " verified" in sold.good("backup", "list", SALES)


def test_a_set_that_was_never_verified_ends_the_list_with_an_error_once_it_is_old(sold: Terminal) -> None:
    target, store = covered.target_of(sold.stores), StoreName("consignment", "d1")
    (manifest,) = find(target, store).complete
    target.delete(store, manifest.id, [VERIFIED])
    assert " not verified" in sold.good("backup", "list", SALES)
    sold.monkeypatch.setenv("CLEARLIFT_THRESHOLDS__BACKUP_HOURS", "0.0000001")
    said = sold.clearlift("backup", "list", SALES)
    assert (said.code, " not verified for 0 days" in said.out) == (1, True), said
    assert "1 set of consignment/d1 not verified for too long. Next: `clearlift backup verify consignment" in said.err


def test_with_the_keys_of_another_deployment_no_backup_is_made(sold: Terminal) -> None:
    keyring = sold.stores.settings.home / "keyring.json"
    keyring.unlink()
    sold.good("keys", "new", str(keyring))
    before = sorted(sold.stores.backup_store.list("backups"), key=str)
    said = sold.refused("backup", "run", SALES)
    assert "were sealed by another key set: 1 of 1 backup set cannot be opened without keys that are not here" in said
    assert sold.refused("backup", "run", "sesh/d1") == said
    assert sorted(sold.stores.backup_store.list("backups"), key=str) == before
    sold.monkeypatch.setenv("CLEARLIFT_BACKUP_PREFIX", "others")
    sold.good("backup", "run", SALES)


def test_what_stands_in_the_way_is_said_before_it_is_confirmed(sold: Terminal) -> None:
    d1 = sold.stores.d1(CONSIGNMENT)
    (event,) = rows(d1, "select min(event_id) as v from inventory_items")
    d1.execute(f"delete from inventory_items where event_id = {event}")
    d1.execute(f"delete from events where id = {event}")
    live = ("backup", "restore", SALES, "--into", "live", "--table", "inventory_items")
    said = sold.refused(*live)
    assert "of inventory_items refer by event_id to what is not in events. Next: restore that table with it: " in said
    assert sold.refused(*live, "--confirm") == said
    assert "the same with --confirm does it" in sold.refused(*live, "--table", "events")
    sold.good(*live, "--table", "events", "--confirm")
    assert rows(d1, f"select count(*) as v from inventory_items where event_id = {event}") != [0]


def test_a_restore_over_a_live_postgres_counts_its_tables_as_its_preview_does(sold: Terminal) -> None:
    sold.good("backup", "run", "growth/postgres")
    live = ("backup", "restore", "growth/postgres", "--into", "live")
    before, after = sold.refused(*live), sold.good(*live, "--confirm")
    tables = re.search(
        r"rows? in (\d+) tables\) over the live growth/postgres; pipelines\.migrations stays as it is", before
    )
    assert tables, before
    assert f" in {tables[1]} tables as of " in after
    assert after.splitlines()[-1] == "pipelines.migrations stays as it is"


def test_a_manifest_that_was_changed_ends_the_list_and_the_restore_with_an_error(sold: Terminal) -> None:
    target, store = covered.target_of(sold.stores), StoreName("consignment", "d1")
    sold.good("backup", "run", SALES)
    first, newest = find(target, store).complete
    key = target.key(store, newest.id, "manifest")
    data = target.objects.get(key)
    target.objects.put(key, data[:-1] + bytes([data[-1] ^ 1]))
    said = sold.clearlift("backup", "list", SALES)
    assert (said.code, "1 set of consignment/d1 cannot be restored" in said.err) == (1, True)
    refused = sold.refused("backup", "restore", SALES, "--into", "beside.sqlite")
    assert newest.id in refused
    at = re.search(r"--at (\S+)$", refused)
    assert at
    sold.good("backup", "restore", SALES, "--into", "beside.sqlite", "--at", at[1])
    assert "the same with --confirm does it" in sold.refused("backup", "forget", SALES, newest.id)
    gone = sold.good("backup", "forget", SALES, newest.id, "--confirm")
    assert f"{SALES}: gave up {newest.id}; the newest good set is {first.id} of " in gone
    assert newest.id in sold.good("backup", "list", SALES), "its parts are there until the rotation"
    sold.good("backup", "drill", SALES)
    target.objects.put(key, data)
    target.objects.delete(target.key(store, first.id, "manifest"))
    said = sold.clearlift("backup", "list", SALES)
    assert (said.code, "what it needs is not there" in " ".join(said.out.split())) == (1, True), said


def test_verifying_takes_all_stores_and_names_a_damaged_part_once(sold: Terminal) -> None:
    assert f"1 set of {SALES} verified" in sold.good("backup", "verify")
    target, store = covered.target_of(sold.stores), StoreName("consignment", "d1")
    sold.good("backup", "run", SALES)
    full, _ = find(target, store).complete
    key = target.key(store, full.id, full.parts[0].name)
    target.objects.delete(key)
    said = sold.clearlift("backup", "verify")
    assert (said.code, said.out.count(f"damaged {key}: missing")) == (1, 1)
    assert f"2 sets of {SALES} damaged" in said.err
    said = sold.clearlift("backup", "restore", SALES, "--into", "beside.sqlite")
    assert f"{key}: missing. Next: put a copy of it back, because no other set is without it" in said.err


def test_nothing_is_listed_where_nothing_is(terminal: Terminal) -> None:
    assert terminal.good("backup", "list") == "There is no backup. Next: clearlift backup run\n"
    assert "there is no backup of sesh/d1. Next: `clearlift backup run sesh/d1`" in terminal.refused(
        "backup", "verify", "sesh/d1"
    )


def test_the_step_before_the_confirmation_says_what_the_confirmed_one_does(sold: Terminal) -> None:
    d1 = sold.stores.d1(CONSIGNMENT)
    before = d1.query("select * from events order by id")
    (events,) = rows(d1, "select count(*) as v from events")
    live = ("backup", "restore", SALES, "--into", "live")
    for table in ("nosuch", "item_search", "change_log"):
        for confirm in ((), ("--confirm",)):
            said = sold.refused(*live, "--table", table, *confirm)
            assert f"no table {table} in that set. Next: name some of " in said
    assert f"(events: {events} row" in sold.refused(*live, "--table", "events")
    assert " rows in 7 tables) over the live" in sold.refused(*live)
    person = str(rows(d1, "select min(user_id) as v from consignors")[0])
    said = sold.refused(*live, "--organisation", person)
    assert "consignors: 1 row" in said
    for into in (live, ("backup", "restore", SALES, "--into", "beside.sqlite")):
        said = sold.refused(*into, "--organisation", person, "--organisation", "nobody")
        assert "no row is of the organisation or person named as number 2" in said
    assert not (sold.folder / "beside.sqlite").exists()
    assert d1.query("select * from events order by id") == before


def test_of_several_stores_each_says_why_it_failed_on_a_line_of_its_own(sold: Terminal) -> None:
    said = sold.clearlift("backup", "restore", "all", "--into", "recovered")
    lines = said.err.splitlines()
    assert (said.code, f"{SALES} restored into recovered/consignment-d1: " in said.out) == (1, True)
    assert "pipelines/lake was not restored: there is no backup of pipelines/lake. Next: " in lines[1]
    assert lines[-1].startswith("Error: 6 of 7 stores were not restored: pipelines/postgres, pipelines/lake, ")
    assert lines[-1].endswith(". Next: do what their lines say, then run the same again")
    said = sold.clearlift("backup", "drill", SALES, "sesh/d1")
    assert said.err.splitlines()[0].startswith("sesh/d1 was not drilled: no backup of sesh/d1 is verified. Next: ")
