"""Requests that our Postgres lost with all that came after its backup: taken up again, none twice, none that ended."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest

from assets.apps import App
from assets.backups import noted, noted_requests
from assets.backups.covered import target_of
from assets.backups.making import Backup
from assets.backups.method import Scope
from assets.backups.postgres_logical import PostgresLogical
from assets.backups.postgres_schemas import OURS
from assets.backups.restore import Restore
from assets.backups.sets import find
from assets.backups.target import StoreName
from assets.erasure import application
from assets.erasure.begin import confirmed, received
from assets.erasure.exemptions import Exemption
from assets.erasure.identify import Asked
from assets.erasure.request import Request, columns_of, request_of_columns
from assets.erasure.taken_up import taken_up
from assets.privacy.tombstones import Tombstones
from resources.d1 import D1
from resources.keyring import Keyring
from resources.postgres import Postgres
from resources.postgres.databases import made
from tests.assets.erasure.calls import Killed
from tests.assets.erasure.inhabited import ANNA, BERT, CLEARLIFT, NOW, SESH, WINDOW, Inhabited, naming, put

UNTIL = date(2036, 12, 31)


@pytest.fixture
def closing() -> Iterator[Callable[[Postgres], Postgres]]:
    """Closes what it is given at the end."""
    with ExitStack() as held:
        yield held.enter_context


def lost(inhabited: Inhabited) -> None:
    """Our Postgres is a new one: it knows no request, and makes another secret."""
    inhabited.postgres.execute(
        "delete from privacy.requests; delete from privacy.secrets; delete from archive.tombstones"
    )


def postgres_of_test(inhabited: Inhabited) -> PostgresLogical:
    """The means of backup of our Postgres, whose catalog of the lake lies elsewhere in tests."""
    postgres, schema = inhabited.postgres, replace(OURS, rest=lambda _: None)
    return PostgresLogical(
        StoreName("pipelines", "postgres"), postgres, schema, lambda name: Postgres(made(postgres.dsn, name))
    )


def states(inhabited: Inhabited, app: App = SESH) -> dict[str, str]:
    return {request.id: request.state for request in inhabited.erasure(app).requests.all()}


def notes(inhabited: Inhabited, app: App = SESH) -> list[bool]:
    """Of each note, whether its request is open."""
    target = target_of(inhabited.rooms)
    assert len(target.names(noted.STORE, noted_requests.NOTES)) == len(noted_requests.newest(target, app.name))
    return [note.is_open for note in noted_requests.newest(target, app.name).values()]


def left(inhabited: Inhabited) -> Request:
    """A request that leaves two tables for a while, confirmed."""
    erasure = inhabited.erasure(SESH)
    exemption = Exemption(("d1/users", "d1/journal_entries"), "a claim before court", UNTIL)
    request, _ = received(erasure, Asked(ANNA), "command", exemption=exemption)
    return confirmed(erasure, request, WINDOW)


@pytest.mark.parametrize("is_new", [True, False])
def test_a_request_that_is_newer_than_the_last_backup_of_a_lost_postgres_is_carried_out(
    inhabited: Inhabited, sesh: D1, is_new: bool, closing: Callable[[Postgres], Postgres]
) -> None:
    """One of the application, whose row there no longer says whom it means, and one of a command."""
    ours = postgres_of_test(inhabited)
    Backup(target_of(inhabited.rooms), ours, inhabited.rooms.clock).run()
    put(sesh, "erasure_requests", id="r-1", subject=ANNA)
    inhabited.now = NOW + timedelta(hours=1)
    application.take_over(inhabited.erasure(SESH), WINDOW)
    by_command = inhabited.asked(SESH, BERT)
    if is_new:
        lost(inhabited)
    else:
        name = f"back_of_{urlsplit(inhabited.postgres.dsn).path.removeprefix('/')}"
        Restore(target_of(inhabited.rooms), ours, [SESH], None).run(Scope(), name)
        inhabited.postgres = closing(Postgres(made(inhabited.postgres.dsn, name)))
    assert states(inhabited) == {}
    assert taken_up(inhabited.rooms, SESH) == 2
    assert taken_up(inhabited.rooms, SESH) == 0
    assert states(inhabited) == {"r-1": "waiting", by_command.id: "waiting"}
    assert inhabited.erasure(SESH).requests.get("r-1").received_at == NOW + timedelta(hours=1)
    inhabited.now = NOW + timedelta(hours=1) + WINDOW
    assert len(inhabited.erasure(SESH).run().done) == 2
    application.take_over(inhabited.erasure(SESH), WINDOW)
    assert sesh.query("select subject, state from erasure_requests") == [{"subject": None, "state": "done"}]
    assert list(naming(sesh, ANNA, BERT)) == []


def test_a_request_is_asked_for_again_under_the_secret_of_the_new_postgres(inhabited: Inhabited, sesh: D1) -> None:
    del sesh
    first = inhabited.asked(SESH, ANNA)
    lost(inhabited)
    second = inhabited.asked(SESH, ANNA)
    assert taken_up(inhabited.rooms, SESH) == 0, "another request for the same id is open"
    inhabited.erasure(SESH).run(at_once=[second.id])
    assert taken_up(inhabited.rooms, SESH) == 1
    inhabited.now = NOW + WINDOW
    assert [request.id for request in inhabited.erasure(SESH).run().done] == [first.id]


def test_what_ended_since_a_backup_is_not_begun_again(inhabited: Inhabited, sesh: D1) -> None:
    """A restore brings both back as they waited."""
    cancelled, done = inhabited.asked(SESH, ANNA), inhabited.asked(SESH, BERT)
    before = inhabited.postgres.fetch("select * from privacy.requests")
    inhabited.now = NOW + timedelta(hours=1)
    inhabited.erasure(SESH).requests.cancelled(cancelled, inhabited.now)
    (ended,) = inhabited.erasure(SESH).run(at_once=[done.id]).done
    inhabited.postgres.execute("update privacy.requests set state = 'waiting', changed_at = %s, ended_at = null, "
        "receipt = '', sealed = (%s::jsonb ->> id)::bytea", [NOW, _sealed(before)])  # fmt: skip
    assert set(states(inhabited).values()) == {"waiting"}
    assert taken_up(inhabited.rooms, SESH) == 2
    assert states(inhabited) == {cancelled.id: "cancelled", done.id: "done"}
    assert inhabited.erasure(SESH).requests.get(done.id).receipt == ended.receipt
    assert inhabited.postgres.fetch("select 1 from privacy.requests where sealed is not null") == []
    inhabited.now = NOW + WINDOW
    assert inhabited.erasure(SESH).run().done == []
    assert ANNA in {row["id"] for row in sesh.query("select id from users")}


def _sealed(rows: list[dict[str, object]]) -> str:
    import json

    return json.dumps({str(row["id"]): f"\\x{bytes(row['sealed']).hex()}" for row in rows})  # type: ignore[call-overload]


def test_what_an_erasure_left_for_a_reason_is_still_erased_when_its_day_comes(inhabited: Inhabited, sesh: D1) -> None:
    request = left(inhabited)
    (done,) = inhabited.erasure(SESH).run(at_once=[request.id]).done
    lost(inhabited)
    assert taken_up(inhabited.rooms, SESH) == 2
    assert states(inhabited) == {done.id: "done", done.follow_up: "waiting"}
    with inhabited.postgres.connection() as connection:
        from assets.privacy import tombstones

        tombstones.add(connection, "sesh", [("user", ANNA)], NOW, lambda: inhabited.rooms.keyring)
        stones = Tombstones.locked(connection, "sesh", lambda: inhabited.rooms.keyring)
    assert not stones.in_table("d1", "users").holds("user", ANNA)
    assert stones.in_table("d1", "inventory").holds("user", ANNA)
    inhabited.now = NOW.replace(year=2037)
    assert [one.id for one in inhabited.erasure(SESH).run().done] == [done.follow_up]
    assert list(naming(sesh, ANNA)) == []


@pytest.mark.parametrize("ends", [False, True])
def test_a_process_that_dies_between_note_and_commit_is_gone_on_with(
    inhabited: Inhabited, sesh: D1, ends: bool
) -> None:
    """What somebody confirmed, or cancelled, holds."""
    del sesh
    erasure = inhabited.erasure(SESH)
    request, _ = received(erasure, Asked(ANNA), "command")
    if ends:
        request = confirmed(erasure, request, WINDOW)
    real = noted_requests.note

    def dying(*args: object, **named: object) -> None:
        real(*args, **named)  # type: ignore[arg-type]
        raise Killed

    inhabited.now = NOW + timedelta(minutes=1)
    ending = partial(erasure.requests.cancelled, request, inhabited.now)
    beginning = partial(confirmed, inhabited.erasure(SESH), request, WINDOW)
    with patch.object(noted_requests, "note", dying), pytest.raises(Killed):
        (ending if ends else beginning)()
    assert states(inhabited) == {request.id: "waiting" if ends else "confirmed"}
    assert taken_up(inhabited.rooms, SESH) == 1
    assert states(inhabited) == {request.id: "cancelled" if ends else "waiting"}
    assert notes(inhabited) == [not ends]


def test_notes_are_sealed_with_the_newest_key_and_name_nobody(inhabited: Inhabited, sesh: D1) -> None:
    del sesh
    inhabited.asked(SESH, ANNA)
    rooms = inhabited.rooms
    rooms.keyring = rooms.keyring.with_new_key()
    target = target_of(rooms)
    assert list(noted_requests.key_ids(target)) == [1]
    taken_up(rooms, SESH)
    taken_up(rooms, CLEARLIFT)
    assert list(noted_requests.key_ids(target)) == [2]
    assert notes(inhabited) == [True]
    for info in target.objects.list(target.folder(noted.STORE, noted_requests.NOTES)):
        assert ANNA not in info.key
        assert ANNA.encode() not in target.objects.get(info.key)


def test_a_note_whose_name_has_no_key_counts_for_the_key_that_sealed_it(inhabited: Inhabited) -> None:
    """Notes were named so at first."""
    target = target_of(inhabited.rooms)
    name = f"{NOW.strftime(noted.AT)}-sesh-{noted_requests.about('r-1')}-open-0123456789ab"
    target.put_sealed(noted.STORE, noted_requests.NOTES, name, b"{}")
    assert list(noted_requests.key_ids(target)) == [1]
    assert [note.name for note in noted_requests.newest(target, "sesh").values()] == [name]


def test_a_note_of_what_ended_holds_nobody_and_goes_when_every_backup_is_younger(
    inhabited: Inhabited, sesh: D1
) -> None:
    del sesh
    inhabited.erased(SESH, ANNA)
    inhabited.asked(SESH, BERT)
    target = target_of(inhabited.rooms)
    assert sorted(notes(inhabited)) == [False, True]
    (ended,) = (note for note in noted_requests.newest(target, "sesh").values() if not note.is_open)
    assert noted_requests.read(target, ended)["known"] is None
    inhabited.now = NOW + timedelta(days=2)
    Backup(target, postgres_of_test(inhabited), inhabited.rooms.clock).run()
    noted_requests.forget(target, find(target, StoreName("pipelines", "postgres")))
    assert notes(inhabited) == [True]


def test_a_note_whose_key_is_gone_is_one_clear_line(inhabited: Inhabited, sesh: D1) -> None:
    from assets.backups.erased import TombstonesMissingError

    del sesh
    inhabited.asked(SESH, ANNA)
    lost(inhabited)
    rooms = inhabited.rooms
    rooms.keyring = Keyring({2: bytes(32)})
    with pytest.raises(TombstonesMissingError, match=r"or is to be, does not open.*key set"):
        taken_up(rooms, SESH)


def test_a_note_says_all_of_a_row(inhabited: Inhabited, sesh: D1) -> None:
    del sesh
    for request in (left(inhabited), inhabited.asked(SESH, BERT)):
        assert request_of_columns(columns_of(request)) == request
