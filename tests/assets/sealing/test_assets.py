"""What the sealing room brings: assets that seal and say what is left, and a look that asks for them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from dagster import AssetsDefinition, ExecuteInProcessResult, materialize

from assets.apps.sesh import APP as SESH
from assets.capability import Capability, Request, Site
from assets.partitions import Calendar
from assets.sealing import ledger
from assets.sealing.capability import bring
from assets.sealing.fields import LONGEST
from resources.d1 import EmbeddedD1
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.sealing.columns import database
from tests.rooms import TestRooms

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)
SECRET = "Ann@Secret.example"


@pytest.fixture
def rooms(postgres: Postgres, tmp_path: Path) -> Iterator[TestRooms]:
    d1 = database(tmp_path, "sesh")
    d1.execute("update users set email = ? where id = 'u1'", [SECRET])
    yield TestRooms(NOW, postgres, FolderObjectStore(tmp_path / "r2"), d1s={"sesh": d1})
    d1.close()


def brought(rooms: TestRooms, *, is_on: bool = True) -> Capability:
    sealed = frozenset({"sesh"}) if is_on else frozenset()
    site = Site(rooms, Calendar(date(2026, 1, 1)), timedelta(days=35), 1000, (7, 5, 12), sealed_apps=sealed)
    return bring(SESH, site)


def made(rooms: TestRooms, *names: str, is_on: bool = True) -> ExecuteInProcessResult:
    chosen: list[AssetsDefinition] = [a for a in brought(rooms, is_on=is_on).assets if a.key.path[-1] in names]
    return materialize(chosen, resources={"rooms": rooms}, raise_on_error=False)


def asked(rooms: TestRooms, *, is_on: bool = True) -> list[str]:
    (watch,) = brought(rooms, is_on=is_on).watches
    return [one.key if isinstance(one, Request) else str(one) for one in watch.asks(lambda _: None)]


def test_what_is_in_clear_is_asked_for_sealed_and_then_not_asked_for(rooms: TestRooms) -> None:
    assert asked(rooms) == ["users", "medical_symptoms", "journal_entries"]
    done = made(rooms, "users", "medical_symptoms", "journal_entries")
    assert done.success
    assert all(check.passed for check in done.get_asset_check_evaluations())
    assert asked(rooms) == ["Nothing is in clear."]
    assert ledger.known(rooms.postgres)[1].seals == 4
    d1 = rooms.d1(SESH)
    assert d1.query("select email from users where id = 'u1'") == [{"email": "u1"}]
    shown = [str(event) for event in done.all_events]
    assert not [text for text in shown if SECRET in text or "Slept" in text]


def test_what_is_too_long_is_named_by_the_check(rooms: TestRooms) -> None:
    rooms.d1(SESH).execute("update journal_entries set content = ?", ["x" * (LONGEST + 1)])
    done = made(rooms, "journal_entries")
    (left,) = [check for check in done.get_asset_check_evaluations() if not check.passed]
    assert left.check_name == "nothing_in_clear"
    assert (left.description or "").startswith("in clear: 1 of content. Next: run it again; what stays is longer than")


def test_a_worn_key_fails_its_check(rooms: TestRooms) -> None:
    ledger.count_seals(rooms.postgres, 1, ledger.MOST_SEALS, NOW)
    (worn,) = [check for check in made(rooms, "users").get_asset_check_evaluations() if not check.passed]
    assert worn.check_name == "key_is_not_worn"
    assert "`clearlift keys rotate`" in (worn.description or "")


def test_an_app_that_is_not_sealed_keeps_its_values_and_says_what_to_set(rooms: TestRooms) -> None:
    assert asked(rooms, is_on=False) == ["Sealing is off for this app."]
    done = made(rooms, "users", is_on=False)
    assert not done.success
    assert "CLEARLIFT_SEALED__SESH=true" in str(done.all_events)
    d1 = rooms.d1(SESH)
    assert isinstance(d1, EmbeddedD1)
    assert d1.query("select email from users where id = 'u1'") == [{"email": SECRET}]
