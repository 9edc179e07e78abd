"""Steps of an erasure are noted in the transaction that records them."""

from typing import NoReturn

import pytest

from assets.apps.clearlift import APP
from assets.audit import chain
from assets.erasure.request import Request
from assets.erasure.requests import Requests
from assets.privacy.identity import Erased
from tests.assets.audit.conftest import NOW
from tests.rooms import TestRooms

PUT = """
insert into privacy.requests (app, id, kind, origin, state, subject_hash, received_at, changed_at)
values ('clearlift', %s, 'person', 'command', 'running', sha256(%s), %s, %s)
"""


def nothing() -> NoReturn:
    raise AssertionError("nothing of a request is opened or noted")


def running(rooms: TestRooms, *ids: str) -> tuple[Requests, list[Request]]:
    for id_ in ids:
        rooms.postgres.execute(PUT, [id_, id_.encode(), NOW, NOW])
    requests = Requests(APP, rooms.postgres, nothing, nothing)
    return requests, [requests.get(id_) for id_ in ids]


def noted(rooms: TestRooms) -> list[tuple[str, str, int | None, str | None]]:
    with rooms.postgres.connection() as connection:
        entries = [noted.entry for noted in chain.entries(connection)]
    return [(entry.work, entry.store, entry.rows, entry.subject) for entry in entries]


def test_a_step_is_noted_with_the_person_s_hash(rooms: TestRooms) -> None:
    requests, (one,) = running(rooms, "r1")
    requests.record([one], 1, Erased("d1", rows=3, objects=2), NOW)
    assert noted(rooms) == [("erasure r1", "d1", 5, one.subject_hash.hex())]


def test_of_people_who_were_erased_together_no_count_is_noted(rooms: TestRooms) -> None:
    requests, people = running(rooms, "r1", "r2")
    requests.record(people, 1, Erased("lake events", rows=7), NOW)
    assert [(work, rows) for work, _, rows, _ in noted(rooms)] == [("erasure r1", None), ("erasure r2", None)]


def test_a_step_that_is_not_recorded_is_not_noted(rooms: TestRooms) -> None:
    requests, (one,) = running(rooms, "r1")
    rooms.postgres.execute("alter table privacy.steps add constraint none check (false)")
    with pytest.raises(Exception, match="none"):
        requests.record([one], 1, Erased("d1", rows=3), NOW)
    assert noted(rooms) == []
