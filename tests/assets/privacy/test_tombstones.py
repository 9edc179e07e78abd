"""Tombstones: whom they name nobody can ask without the secret, and they outlive the key that sealed it."""

import hashlib

import pytest

from assets.apps.sesh import APP as SESH
from assets.privacy.tombstones import Tombstones
from assets.sealing.change_keys import change_key
from assets.sealing.fields import fields_of
from assets.sealing.postgres import PostgresFields
from resources import migrations
from resources.keyring import Keyring, SealError
from resources.postgres import Postgres
from tests.rooms import KEYS
from tests.tombstones import bury

BOTH = Keyring({1: bytes(32), 2: b"2" * 32})


@pytest.fixture
def ours(postgres: Postgres) -> Postgres:
    migrations.up(migrations.PostgresAppliedMigrations(postgres), "pipelines/postgres")
    return postgres


def known(postgres: Postgres, keyring: Keyring = KEYS) -> Tombstones:
    with postgres.connection() as connection:
        return Tombstones.locked(connection, "sesh", lambda: keyring)


def test_a_known_id_cannot_be_looked_for_without_the_secret(ours: Postgres) -> None:
    bury(ours, "sesh", ("user", "user-3"))
    bury(ours, "sesh", ("user", "user-3"))
    (row,) = ours.fetch("select subject_hash, keyed from archive.tombstones")
    assert row["keyed"]
    assert bytes(row["subject_hash"]) != hashlib.sha256(b"user:user-3").digest()
    assert known(ours).holds("user", "user-3")
    assert not known(ours).holds("visitor", "user-3")
    assert not known(ours).holds("user", "user-4")
    assert "user-3" not in repr(known(ours))


def test_hashes_of_before_there_was_a_secret_are_asked_and_then_keyed(ours: Postgres) -> None:
    plain = hashlib.sha256(b"user:old").digest()
    ours.execute("insert into archive.tombstones values ('sesh', 'user', %s, now())", (plain,))
    assert known(ours).holds("user", "old")
    bury(ours, "sesh", ("user", "new"))
    found = known(ours)
    assert found.holds("user", "old")
    assert found.holds("user", "new")
    assert ours.fetch("select 1 from archive.tombstones where not keyed or subject_hash = %s", (plain,)) == []


def test_the_secret_is_sealed_again_and_the_old_key_can_go(ours: Postgres) -> None:
    (secret,) = [field for field in fields_of(SESH, "postgres") if field.table == "privacy.secrets"]
    store = PostgresFields(ours)
    assert change_key(store, secret, BOTH).sealed == 0
    bury(ours, "sesh", ("user", "user-3"))
    assert change_key(store, secret, BOTH).sealed == 1
    assert change_key(store, secret, BOTH).sealed == 0
    assert known(ours, Keyring({2: b"2" * 32})).holds("user", "user-3")
    with pytest.raises(SealError):
        known(ours, KEYS)
