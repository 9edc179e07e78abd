"""Exports that people ask for in an application: made once, answered there, and named nowhere afterwards."""

import io
import threading
import traceback
import zipfile
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from assets.erasure.run import HeldUpError
from assets.export import requested
from assets.export.make import make
from assets.export.requested import LIFETIME, ExportsHeldUpError, answer, due
from assets.privacy.identity import Erased, Identity
from resources.d1 import D1
from resources.declined import DeclinedError
from tests.assets.erasure.calls import Killed, dying_at
from tests.assets.erasure.inhabited import ANNA, BERT, GROWTH, NOW, SESH, Inhabited, put


def ask(d1: D1, id_: str, subject: str | None, **more: Any) -> None:
    put(d1, "export_requests", id=id_, subject=subject, **more)


def rows(d1: D1) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in d1.query("select * from export_requests")}


def objects(inhabited: Inhabited) -> list[str]:
    return [info.key for info in inhabited.stores.store.list("exports")]


def test_an_export_is_made_answered_and_expires(inhabited: Inhabited, sesh: D1) -> None:
    ask(sesh, "r-1", f"{ANNA}@sesh.example")
    assert due(inhabited.rooms, SESH) == ["r-1"]
    assert answer(inhabited.rooms, SESH).made == 1
    row = rows(sesh)["r-1"]
    assert (row["state"], row["subject"], row["expires_at"]) == ("ready", None, "2026-07-04T02:00:00.000Z")
    assert [row["object_key"]] == objects(inhabited)
    assert row["object_key"] in row["url"]
    with zipfile.ZipFile(io.BytesIO(inhabited.stores.store.get(row["object_key"]))) as found:
        text = b"".join(found.read(name) for name in found.namelist())
    assert ANNA.encode() in text
    assert BERT.encode() not in text
    assert ANNA not in str(row)
    assert due(inhabited.rooms, SESH) == []

    inhabited.now = NOW + LIFETIME
    assert due(inhabited.rooms, SESH) == ["r-1"]
    assert answer(inhabited.rooms, SESH).expired == 1
    assert (rows(sesh)["r-1"]["state"], rows(sesh)["r-1"]["url"]) == ("expired", None)
    assert due(inhabited.rooms, SESH) == []
    (noted,) = inhabited.postgres.fetch("select work, subject from audit.entries where work like 'export%'")
    assert noted["work"] == "export r-1"
    assert bytes(noted["subject"]).hex() in row["object_key"]


def test_nobody_is_exported_while_they_are_erased_and_no_export_outlives_them(inhabited: Inhabited, sesh: D1) -> None:
    """An export that is asked for while stores are erased waits; it finds that the erasure was held up, or nobody."""
    ask(sesh, "r-1", ANNA)
    identity = inhabited.found(SESH, ANNA)
    errors: list[BaseException] = []

    class Asking:
        """A store that is erased while somebody makes an export, and that is down."""

        place = "far away"
        is_down = True

        def erase(self, identities: Sequence[Identity]) -> Erased:
            del identities
            if not self.is_down:
                return Erased(self.place)
            self.other = threading.Thread(target=self.export)
            self.other.start()
            self.other.join(0.5)
            assert self.other.is_alive()
            raise ConnectionError

        def export(self) -> None:
            try:
                make(inhabited.rooms, SESH, identity, LIFETIME)
            except DeclinedError as error:
                errors.append(error)

    store, request = Asking(), inhabited.asked(SESH, ANNA)
    with pytest.raises(HeldUpError):
        inhabited.erasure(SESH, further=[store]).run(at_once=[request.id])
    store.other.join()
    (error,) = errors
    assert str(error).startswith(f"this person of sesh is being erased by request {request.id}")
    assert objects(inhabited) == []
    make(inhabited.rooms, SESH, inhabited.found(SESH, BERT), LIFETIME)
    store.is_down = False
    assert inhabited.erasure(SESH, further=[store]).run().done
    assert len(objects(inhabited)) == 1
    assert answer(inhabited.rooms, SESH).refused == 1


def test_a_person_who_asks_twice_gets_one_export(inhabited: Inhabited, sesh: D1) -> None:
    ask(sesh, "r-1", ANNA)
    ask(sesh, "r-2", f"{ANNA}@sesh.example")
    ask(sesh, "r-3", BERT)
    done = answer(inhabited.rooms, SESH)
    assert (done.made, done.repeated) == (2, 1)
    inhabited.now = NOW + timedelta(days=1)
    ask(sesh, "r-4", ANNA)
    assert answer(inhabited.rooms, SESH).repeated == 1
    first, *others = (rows(sesh)[id_] for id_ in ("r-1", "r-2", "r-4"))
    for other in others:
        assert [other[name] for name in ("url", "expires_at")] == [first[name] for name in ("url", "expires_at")]
    assert len(objects(inhabited)) == 2
    # Where it was deleted meanwhile, another one is made.
    inhabited.stores.store.delete(first["object_key"])
    ask(sesh, "r-5", ANNA)
    assert answer(inhabited.rooms, SESH).made == 1


def test_bad_requests_are_refused_in_one_line_and_hold_nobody_up(inhabited: Inhabited, sesh: D1) -> None:
    given = ["", "%", "nobody-here", "x' or '1'='1", "a\nb", None]
    for number, subject in enumerate(given):
        ask(sesh, f"r-{number}", subject)
    ask(sesh, "r-kind", ANNA, kind="robot")
    ask(sesh, "r-org", ANNA, organisation="acme")
    ask(sesh, "r-good", ANNA)
    done = answer(inhabited.rooms, SESH)
    assert (done.made, done.refused) == (1, len(given) + 2)
    found = rows(sesh)
    assert {row["state"] for id_, row in found.items() if id_ != "r-good"} == {"refused"}
    assert all(row["why"] and "\n" not in row["why"] for id_, row in found.items() if id_ != "r-good")
    assert all(row["subject"] is None for row in found.values())
    assert "no organisation of sesh" in found["r-org"]["why"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("called", ["make", "_report"])
def test_killed_and_run_again_there_is_one_export(inhabited: Inhabited, sesh: D1, called: str, moment: str) -> None:
    ask(sesh, "r-1", ANNA)
    with pytest.raises(Killed), dying_at(requested, called, 1, moment):
        answer(inhabited.rooms, SESH)
    answer(inhabited.rooms, SESH)
    assert (rows(sesh)["r-1"]["state"], len(objects(inhabited))) == ("ready", 1)


def test_two_runs_at_once_make_it_once(inhabited: Inhabited, sesh: D1) -> None:
    ask(sesh, "r-1", ANNA)
    made: list[int] = []
    threads = [threading.Thread(target=lambda: made.append(answer(inhabited.rooms, SESH).made)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 1]
    assert len(objects(inhabited)) == 1


def test_a_store_that_fails_holds_up_that_export_alone(
    inhabited: Inhabited, sesh: D1, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(sesh, "r-1", ANNA)
    ask(sesh, "r-2", BERT)
    real = make

    def down(rooms: Any, app: Any, identity: Any, lifetime: Any) -> Any:
        if ANNA in identity.ids["user"]:
            raise ConnectionError(f"no answer for {ANNA}")
        return real(rooms, app, identity, lifetime)

    monkeypatch.setattr(requested, "make", down)
    with pytest.raises(ExportsHeldUpError, match="1 export of sesh failed: ConnectionError") as held:
        answer(inhabited.rooms, SESH)
    assert ANNA not in "".join(traceback.format_exception(held.value))
    assert {id_: row["state"] for id_, row in rows(sesh).items()} == {"r-1": "requested", "r-2": "ready"}
    monkeypatch.setattr(requested, "make", real)
    assert answer(inhabited.rooms, SESH).made == 1


def test_an_erasure_takes_the_export_along(inhabited: Inhabited, sesh: D1) -> None:
    ask(sesh, "r-1", ANNA)
    answer(inhabited.rooms, SESH)
    inhabited.erased(SESH, ANNA)
    assert objects(inhabited) == []


def test_an_app_without_d1_is_asked_in_its_postgres(inhabited: Inhabited) -> None:
    inhabited.growth.execute(
        "insert into marketing.leads (email, email_key, first_source) values"
        " ('Zoe@lead.example', 'zoe@lead.example', 'x')"
    )
    inhabited.growth.execute(
        "insert into pipelines.export_requests (id, subject) values ('r-1', 'zoe@lead.example'), ('r-2', 'nobody')"
    )
    assert sorted(due(inhabited.rooms, GROWTH)) == ["r-1", "r-2"]
    done = answer(inhabited.rooms, GROWTH)
    assert (done.made, done.refused) == (1, 1)
    found = {row["id"]: row for row in inhabited.growth.fetch("select * from pipelines.export_requests")}
    assert (found["r-1"]["state"], found["r-1"]["subject"], found["r-1"]["expires_at"]) == (
        "ready",
        None,
        NOW + LIFETIME,
    )
    assert found["r-2"]["state"] == "refused"
    inhabited.growth.execute("insert into pipelines.export_requests (id, subject) values ('r-3', 'ZOE@lead.example')")
    assert answer(inhabited.rooms, GROWTH).repeated == 1
    inhabited.now = NOW + LIFETIME
    assert answer(inhabited.rooms, GROWTH).expired == 2
