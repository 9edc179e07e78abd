"""Notes of who was erased, beside the backups: what a Postgres that was lost or restored is told by them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.apps.consignment import APP as CONSIGNMENT
from assets.backups import noted
from assets.backups.erased import TombstonesMissingError, erased, remember
from assets.backups.sets import find
from assets.backups.target import StoreName, Target
from assets.privacy.tombstones import Tombstones
from resources.keyring import Keyring
from resources.postgres import Postgres
from tests.assets.backups import planted
from tests.assets.backups.planted import KEYS, NOON
from tests.tombstones import bury

OURS, SHOP = StoreName("pipelines", "postgres"), planted.STORE
ANN, BOB = ("user", "ann"), ("user", "bob")


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return planted.target(tmp_path / "sets")


def known(postgres: Postgres, *people: tuple[str, str]) -> list[bool]:
    """Whether tombstones of a Postgres hold people."""
    with postgres.connection() as connection:
        tombstones = Tombstones.locked(connection, "consignment", lambda: KEYS)
    return [tombstones.holds(*one) for one in people]


def test_a_postgres_that_was_lost_is_told_before_anything_else_is_restored(target: Target, postgres: Postgres) -> None:
    """It made another secret since."""
    bury(postgres, "consignment", BOB, keyring=KEYS)
    noted.note(target, "consignment", NOON, [ANN])
    assert known(postgres, ANN, BOB) == [False, True]
    with erased(postgres, target, SHOP, [CONSIGNMENT], NOON) as people:
        assert people.tombstones.holds(*ANN)
        assert people.tombstones.holds(*BOB)
    assert known(postgres, ANN, BOB) == [True, True]
    assert remember(postgres, target) == 0


def test_what_is_known_is_not_read(target: Target, postgres: Postgres) -> None:
    noted.note(target, "consignment", NOON, [ANN])
    assert remember(postgres, target) == 1
    (name,) = target.names(noted.STORE, noted.NOTES)
    (target.objects.path / target.key(noted.STORE, noted.NOTES, name)).write_bytes(b"damaged")  # type: ignore[attr-defined]
    assert remember(postgres, target) == 0


def test_a_postgres_that_is_restored_is_told_of_who_was_erased_after_its_backup(target: Target) -> None:
    noted.note(target, "consignment", NOON - timedelta(days=9), [BOB])
    noted.note(target, "consignment", NOON, [ANN])
    with erased(None, target, OURS, [CONSIGNMENT], NOON - timedelta(hours=1)) as people:
        assert people.tombstones.holds(*ANN)
        assert not people.tombstones.holds(*BOB)  # the backup has that


def test_a_note_whose_key_is_gone_stops_every_restore(target: Target, postgres: Postgres) -> None:
    noted.note(target, "consignment", NOON, [ANN])
    other = Target(target.objects, target.prefix, Keyring({2: bytes(32)}))
    for store, ours in ((SHOP, postgres), (OURS, None)):
        with (
            pytest.raises(TombstonesMissingError, match=r"a note of who was erased.* does not open.*key set"),
            erased(ours, other, store, [CONSIGNMENT], NOON),
        ):
            pass


def test_a_note_names_nobody_and_goes_when_every_backup_is_younger(target: Target) -> None:
    planted.planted(target, NOON, store=OURS)
    for days in (-3, 3):
        noted.note(target, "consignment", NOON + timedelta(days=days), [ANN])
    assert list(noted.key_ids(target)) == [1, 1]
    (note, _) = noted.since(target, datetime.min.replace(tzinfo=UTC) + timedelta(days=2))
    assert "ann" not in repr(note)
    noted.forget(target, find(target, SHOP))
    assert len(target.names(noted.STORE, noted.NOTES)) == 2
    noted.forget(target, find(target, OURS))
    (left,) = noted.since(target, NOON)
    assert left.at == NOON + timedelta(days=3)
