"""Sealed columns of Postgres: the same move and change of keys, on Growth's own tables and on ours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assets.apps.growth import APP as GROWTH
from assets.sealing.change_keys import Changed, change_key
from assets.sealing.fields import Field, fields_of
from assets.sealing.move import Sealer
from assets.sealing.postgres import PostgresFields
from resources.keyring import Keyring
from resources.postgres import Postgres
from tests.app_databases import AppDatabases
from tests.assets.sealing.columns import RING

FIELDS = {str(field): field for field in fields_of(GROWTH)}
NAME = FIELDS["marketing.leads.name_encrypted"]
TOKEN = FIELDS["whatsapp.accounts.access_token_ciphertext"]
SECRET = FIELDS["privacy.secrets.sealed"]
NEW = RING.with_new_key()
ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def growth(app_databases: AppDatabases, tmp_path: Path) -> Iterator[Postgres]:
    with Postgres(app_databases.of(tmp_path, "app_growth")) as postgres:
        postgres.execute("truncate marketing.leads, whatsapp.accounts cascade")
        yield postgres


def leads(postgres: Postgres) -> list[dict[str, Any]]:
    return postgres.fetch(
        "select id::text as id, name, name_encrypted as sealed from marketing.leads order by email_key"
    )


def opened(row: dict[str, Any], ring: Keyring = RING, field: Field = NAME) -> str:
    return ring.open_text(row["sealed"], **field.place, row=row["id"])


def test_names_are_sealed_changed_and_found_by_no_index(growth: Postgres) -> None:
    for n in range(7):
        growth.execute("insert into marketing.leads (email, name) values (%s, %s)", (f"l{n}@x.example", f"Zoë {n} 🚀"))
    growth.execute("insert into marketing.leads (email) values ('nameless@x.example')")
    store = PostgresFields(growth, page=3)
    moved = Sealer(store, RING).move(NAME)
    assert (moved.sealed, moved.blanked, moved.left) == (7, 7, 0)
    rows = leads(growth)
    assert [row["name"] for row in rows] == [None] * 8
    assert [opened(row) for row in rows if row["sealed"]] == [f"Zoë {n} 🚀" for n in range(7)]
    assert store.keys(NAME) == {1: 7}
    assert change_key(store, NAME, NEW) == Changed(7, 0)
    assert change_key(store, NAME, NEW) == Changed(0, 0)
    assert [opened(row, NEW.without(1)) for row in leads(growth) if row["sealed"]] == [f"Zoë {n} 🚀" for n in range(7)]


def test_a_capture_fills_in_no_second_name_and_a_writer_in_clear_replaces_it(growth: Postgres) -> None:
    growth.execute("insert into marketing.leads (email, name) values ('a@x.example', 'First')")
    store = PostgresFields(growth)
    Sealer(store, RING).move(NAME)
    growth.execute("insert into marketing.leads (email, name) values ('A@x.example', 'Second')")
    (row,) = leads(growth)
    assert (row["name"], opened(row)) == (None, "First")
    growth.execute("update marketing.leads set name = 'Third'")
    (row,) = leads(growth)
    assert (row["name"], row["sealed"]) == ("Third", None)
    Sealer(store, RING).move(NAME)
    (row,) = leads(growth)
    assert (row["name"], opened(row)) == (None, "Third")


def test_what_somebody_writes_between_note_and_blank_counts(growth: Postgres) -> None:
    growth.execute("insert into marketing.leads (email, name) values ('a@x.example', 'First')")

    class Late(PostgresFields):
        def read(self, field: Field, ids: Any) -> Any:
            growth.execute("update marketing.leads set name = 'Late'")
            return super().read(field, ids)

    assert Sealer(Late(growth), RING).move(NAME).left == 1
    (row,) = leads(growth)
    assert (row["name"], row["sealed"]) == ("Late", None)


def test_tokens_that_an_application_sealed_get_the_new_key_and_other_layouts_are_counted(growth: Postgres) -> None:
    for n, token in enumerate(
        (RING.seal(b"EAAG\x00\xff", table="whatsapp.accounts", column=TOKEN.rule.into, row=ID), b"\0")
    ):
        growth.execute(
            "insert into whatsapp.accounts (id, waba_id, phone_number_id, access_token_ciphertext)"
            " values (%s, '1', %s, %s)",
            (ID.replace("0000-4", f"{n:04}-4") if n else ID, str(n), token),
        )
    store = PostgresFields(growth)
    assert store.keys(TOKEN) == {1: 1, None: 1}
    assert change_key(store, TOKEN, NEW) == Changed(1, 1)
    (row,) = growth.fetch("select access_token_ciphertext as sealed from whatsapp.accounts where id = %s", (ID,))
    assert NEW.without(1).open(bytes(row["sealed"]), **TOKEN.place, row=ID) == b"EAAG\x00\xff"


def test_secrets_of_our_own_database_get_the_new_key(postgres: Postgres) -> None:
    secret = bytes(range(32))
    sealed = RING.seal(secret, **SECRET.place, row="tombstones")
    postgres.execute("insert into privacy.secrets (name, sealed) values ('tombstones', %s)", (sealed,))
    assert change_key(PostgresFields(postgres), SECRET, NEW) == Changed(1, 0)
    (row,) = postgres.fetch("select sealed from privacy.secrets")
    assert NEW.without(1).open(bytes(row["sealed"]), **SECRET.place, row="tombstones") == secret


def test_open_requests_of_our_own_database_get_the_new_key(postgres: Postgres) -> None:
    (request,) = [field for field in fields_of(GROWTH, "postgres") if field.table == "privacy.requests"]
    for app, id_ in (("sesh", "r1"), ("growth", "r1"), ("growth", "r2")):
        sealed = RING.seal(f"{app} {id_}".encode(), **request.place, row=id_)
        postgres.execute(
            "insert into privacy.requests (app, id, kind, origin, state, sealed, received_at, changed_at)"
            " values (%s, %s, 'person', 'command', 'received', %s, now(), now())",
            (app, id_, sealed),
        )
    store = PostgresFields(postgres)
    assert change_key(store, request, NEW) == Changed(3, 0)
    assert store.keys(request) == {2: 3}
    for row in postgres.fetch("select app, id, sealed from privacy.requests"):
        opened = NEW.without(1).open(bytes(row["sealed"]), **request.place, row=row["id"])
        assert opened.decode() == f"{row['app']} {row['id']}"
