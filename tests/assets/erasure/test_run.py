"""Requests and their states: killed anywhere and run again, twice, two at once, and what their receipt says."""

import json
import threading
import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from assets.apps import App
from assets.backups import noted
from assets.backups.covered import target_of
from assets.backups.erased import remember
from assets.erasure.deadlines import deadline
from assets.erasure.identify import Asked, NotIdentifiedError
from assets.erasure.requests import NotOpenError, RepeatedError
from assets.erasure.run import HeldUpError, Search
from assets.privacy.identity import Erased, Identity
from assets.privacy.tombstones import Tombstones, plain_hash
from resources.d1 import D1
from tests.assets.erasure.inhabited import ANNA, BERT, CLEARLIFT, NOW, SESH, WINDOW, Inhabited, everything, naming
from tests.assets.erasure.mortal import Mortal
from tests.assets.erasure.test_d1 import clearlift_member


def test_a_request_waits_and_is_carried_out_once_its_time_has_come(inhabited: Inhabited, sesh: D1) -> None:
    request = inhabited.asked(SESH, ANNA)
    assert request.state == "waiting"
    assert inhabited.erasure(SESH).run().done == []
    inhabited.now = NOW + WINDOW
    (done,) = inhabited.erasure(SESH).run().done
    assert (done.state, done.id, done.is_open) == ("done", request.id, False)
    assert list(naming(sesh, ANNA)) == []
    assert inhabited.erasure(SESH).run().done == []


def test_nothing_of_the_person_stays_in_the_request_and_its_receipt(inhabited: Inhabited, sesh: D1) -> None:
    del sesh
    (done,) = inhabited.erased(SESH, f"{ANNA}@sesh.example").done
    (row,) = inhabited.postgres.fetch("select * from privacy.requests")
    assert row["sealed"] is None
    text = inhabited.stores.store.get(done.receipt).decode()
    assert ANNA not in text
    assert ANNA not in json.dumps(row, default=str)
    receipt = json.loads(text)
    assert [store["place"] for store in receipt["stores"]] == list(done.plan)
    assert receipt["stores"][0]["rows"] == 8
    assert receipt["backups"]["gone_by"] == "2027-07-16"
    assert any(kept["deleted_after"] == "8 days" and kept["reason"] for kept in receipt["exemptions"])


def test_a_request_can_be_cancelled_until_it_begins(inhabited: Inhabited, sesh: D1) -> None:
    request = inhabited.asked(SESH, ANNA)
    with pytest.raises(RepeatedError, match=f"request {request.id} for the same id is waiting"):
        inhabited.asked(SESH, ANNA)
    requests = inhabited.erasure(SESH).requests
    assert requests.cancelled(request, NOW).state == "cancelled"
    inhabited.now = NOW + WINDOW
    assert inhabited.erasure(SESH).run().done == []
    assert ANNA in json.dumps(everything(sesh))
    with pytest.raises(NotOpenError, match="is cancelled"):
        requests.cancelled(request, NOW)
    assert inhabited.erased(SESH, ANNA).done
    with pytest.raises(NotIdentifiedError, match="nobody of sesh"):
        inhabited.asked(SESH, ANNA)


def test_who_was_erased_twice_is_found_nowhere(inhabited: Inhabited, sesh: D1) -> None:
    identity = inhabited.found(SESH, ANNA)
    inhabited.erased(SESH, ANNA)
    before = everything(sesh)
    again = [one.erase([identity]) for one in _erasers(inhabited)]
    assert [(one.rows, one.objects) for one in again] == [(0, 0)] * len(again)
    assert everything(sesh) == before


def _erasers(inhabited: Inhabited) -> Sequence[Any]:
    from assets.erasure.steps import erasers

    return erasers(inhabited.rooms, SESH)


def test_killed_after_any_call_of_a_store_and_run_again_the_end_is_the_same(inhabited: Inhabited, sesh: D1) -> None:
    others = {table: [row for row in rows if ANNA not in row] for table, rows in everything(sesh).items()}
    request, mortal = inhabited.asked(SESH, ANNA), Mortal(every=4)
    mortal.until_done(lambda: inhabited.erasure(SESH).run(at_once=[request.id]))
    assert {name.partition(".")[0] for name in mortal.died} >= {"EmbeddedD1", "commit"}
    assert mortal.died.total() >= 8
    assert inhabited.erasure(SESH).requests.get(request.id).state == "done"
    left = everything(sesh)
    for table in ("users", "inventory", "journal_entries", "sessions_2026_07", "points_2026_07", "metrics_daily"):
        assert left[table] == others[table]
    assert list(naming(sesh, ANNA)) == []


def test_a_store_that_fails_holds_the_request_up_and_the_next_run_goes_on(inhabited: Inhabited, sesh: D1) -> None:
    del sesh

    class Down:
        place = "far away"
        is_down = True

        def erase(self, identities: Sequence[Identity]) -> Erased:
            if self.is_down:
                raise ConnectionError(f"no answer for {ANNA}")
            return Erased(self.place, objects=len(identities))

    down = Down()
    request = inhabited.asked(SESH, ANNA)
    erasure = inhabited.erasure(SESH, further=[down])
    with pytest.raises(HeldUpError, match="far away of sesh failed: ConnectionError") as held:
        erasure.run(at_once=[request.id])
    shown_to_people = "".join(traceback.format_exception(held.value))
    assert "in erase" in shown_to_people
    assert ANNA not in shown_to_people
    (shown,) = erasure.requests.all()
    assert (shown.state, shown.why) == ("running", "far away: ConnectionError")
    assert "d1" in erasure.requests.steps(shown)
    down.is_down = False
    (done,) = erasure.run().done
    assert done.state == "done"
    assert erasure.requests.steps(done)["far away"].erased.objects == 1


def test_a_key_that_is_gone_holds_up_its_own_request_alone(inhabited: Inhabited, sesh: D1) -> None:
    """In one line; the request goes on once the key is back."""
    held, rooms = inhabited.asked(SESH, ANNA), inhabited.rooms
    both = inhabited.rooms.keyring.with_new_key()
    document = {"asked": vars(Asked(BERT)), "identity": {"ids": {"user": [BERT]}}}
    place = {"table": "privacy.requests", "column": "sealed", "row": "newer"}
    inhabited.postgres.execute(
        "insert into privacy.requests (app, id, kind, origin, state, subject_hash, sealed, received_at, changed_at,"
        " waits_until) select app, 'newer', kind, origin, state, sha256('x'), %s, received_at, changed_at, waits_until"
        " from privacy.requests",
        [both.seal(json.dumps(document).encode(), **place)],
    )
    rooms.keyring, rooms.now = both.without(1), NOW + WINDOW
    secret = {"table": "privacy.secrets", "column": "sealed", "row": "tombstones"}
    (row,) = inhabited.postgres.fetch("select sealed from privacy.secrets")
    again = both.seal(both.open(bytes(row["sealed"]), **secret), **secret)
    inhabited.postgres.execute("update privacy.secrets set sealed = %s", [again])
    erasure = replace(inhabited.erasure(SESH), rooms=rooms)
    with pytest.raises(HeldUpError, match=f"of sesh, {held.id}: whom it means does not open.*key set"):
        erasure.run()
    assert {r.id: (r.state, bool(r.why)) for r in erasure.requests.all()} == {
        "newer": ("done", False), held.id: ("waiting", True),
    }  # fmt: skip
    rooms.keyring = both
    assert [one.id for one in erasure.run().done] == [held.id]
    assert list(naming(sesh, ANNA, BERT)) == []


def test_what_the_search_finds_fails_the_request_until_it_is_gone(inhabited: Inhabited, sesh: D1) -> None:
    del sesh
    hits = [1]

    def search(_rooms: object, _app: object, identities: Sequence[Identity]) -> list[Any]:
        return [
            SimpleNamespace(request=one.request, place="r2", name="landing/…", count=1, kept="")
            for one in identities
            if hits
        ]

    looked: Search = search
    outcome = inhabited.erased(SESH, ANNA, looked)
    assert list(outcome.failed.values()) == ["r2 landing/…"]
    (request,) = inhabited.erasure(SESH).requests.all()
    assert (request.state, request.why, request.is_open) == ("failed", "found in r2 landing/…", True)
    hits.clear()
    assert [one.state for one in inhabited.erasure(SESH, looked).run().done] == ["done"]


def test_who_is_erased_is_noted_beside_the_backups_once(inhabited: Inhabited, sesh: D1) -> None:
    del sesh
    inhabited.erased(SESH, ANNA)
    target = target_of(inhabited.rooms)
    (note,) = noted.since(target, NOW)
    assert note.app == "sesh"
    assert ("user", plain_hash("user", ANNA)) in note.people
    assert remember(inhabited.postgres, target) == 0
    inhabited.postgres.execute("delete from archive.tombstones; delete from privacy.secrets")
    assert remember(inhabited.postgres, target) == len(note.people)
    with inhabited.postgres.connection() as connection:
        tombstones = Tombstones.locked(connection, "sesh", lambda: inhabited.rooms.keyring)
        assert tombstones.holds("user", ANNA)


def test_two_requests_are_carried_out_together_and_two_runs_at_once_do_it_once(inhabited: Inhabited, sesh: D1) -> None:
    first, second = inhabited.asked(SESH, ANNA), inhabited.asked(SESH, BERT)
    found: list[int] = []

    def run() -> None:
        found.append(len(inhabited.erasure(SESH).run(at_once=[first.id, second.id]).done))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 2]
    assert list(naming(sesh, ANNA, BERT)) == []
    receipt = json.loads(inhabited.stores.store.get(inhabited.erasure(SESH).requests.get(first.id).receipt))
    assert receipt["requests_carried_out_together"] == 2


def test_erasures_of_two_apps_at_once_end_both(inhabited: Inhabited, sesh: D1) -> None:
    """All apps begin at the same time, and share Postgres, its files, and objects."""
    clearlift_member(inhabited.d1["clearlift"], "carl-19")
    requests = {app.name: inhabited.asked(app, subject) for app, subject in ((SESH, ANNA), (CLEARLIFT, "carl-19"))}
    found: list[str] = []

    def run(app: App) -> None:
        found.extend(one.id for one in inhabited.erasure(app).run(at_once=[requests[app.name].id]).done)

    threads = [threading.Thread(target=run, args=(app,)) for app in (SESH, CLEARLIFT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(request.id for request in requests.values())
    assert list(naming(sesh, ANNA)) == list(naming(inhabited.d1["clearlift"], "carl-19")) == []


def test_a_request_of_the_application_is_received_once(inhabited: Inhabited, sesh: D1) -> None:
    del sesh
    requests = inhabited.erasure(SESH).requests
    first = requests.receive(Asked(ANNA), "application", NOW, "of-the-app")
    assert requests.receive(Asked(ANNA), "application", NOW, "of-the-app") == first
    assert len(requests.all()) == 1


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-01-31", "2026-02-28"),
        ("2028-01-31", "2028-02-29"),
        ("2026-12-15", "2027-01-15"),
        ("2026-06-30", "2026-07-30"),
    ],
)
def test_a_request_is_due_a_calendar_month_after_it_came(received: str, due: str) -> None:
    assert deadline(datetime.fromisoformat(received)) == datetime.fromisoformat(due)
    assert deadline(datetime.fromisoformat(received)) - datetime.fromisoformat(received) <= timedelta(days=45)
