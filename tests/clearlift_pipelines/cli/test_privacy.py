"""`clearlift privacy`: what people type and read; whom a request means is neither typed as an argument nor shown."""

import io
import json

import pytest

from assets.apps.sesh import APP as SESH
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.sql.sesh.database import put

ANNA = "anna-lena-17"


@pytest.fixture
def sesh(migrated: Terminal) -> Terminal:
    d1 = migrated.stores.d1(SESH)
    for name in (ANNA, "bert-18"):
        put(d1, "users", id=name, email=f"{name}@sesh.example")
        put(d1, "journal_entries", id=f"j-{name}", userId=name)
    return migrated


def typed(terminal: Terminal, *lines: str) -> None:
    terminal.monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_a_person_is_erased_at_once_and_proved(sesh: Terminal) -> None:
    typed(sesh, f"{ANNA}@SESH.example")
    said = sesh.good("privacy", "erase", "--app", "sesh", "--confirm", "--now")
    assert "a person of sesh, by 1 user id, in journal_entries, users." in said
    assert "done, and found nowhere" in said
    assert ANNA not in said
    assert sesh.stores.d1(SESH).query("select id from users") == [{"id": "bert-18"}]
    (request,) = sesh.stores.postgres.fetch("select * from privacy.requests")
    shown = sesh.good("privacy", "status", request["id"])
    assert request["receipt"] in shown
    assert all(place in shown for place in ("d1", "d1 change logs", "postgres", "kv", "dagster"))
    receipt = sesh.stores.object_store.get(request["receipt"]).decode()
    assert json.loads(receipt)["found"] == 0
    assert ANNA not in shown + receipt
    typed(sesh, ANNA)
    assert "nobody of sesh has this id or address" in sesh.refused("privacy", "erase", "--app", "sesh", "--confirm")


def test_a_request_waits_is_refused_twice_and_can_be_cancelled(sesh: Terminal) -> None:
    typed(sesh, ANNA)
    said = sesh.good("privacy", "erase", "--app", "sesh", "--confirm")
    assert "It waits until" in said
    (request,) = sesh.stores.postgres.fetch("select id from privacy.requests")
    typed(sesh, ANNA)
    refusal = sesh.refused("privacy", "erase", "--app", "sesh")
    assert f"request {request['id']} for the same id is waiting" in refusal
    assert f"`clearlift privacy cancel {request['id']} --app sesh`" in refusal
    assert "waiting" in sesh.good("privacy", "status", "--app", "sesh")
    assert "nothing was erased" in sesh.good("privacy", "cancel", request["id"], "--app", "sesh")
    trail = json.loads(sesh.good("audit", "show", "--json", "--work", "clearlift privacy"))["entries"]
    assert [(row["work"], row["act"], row["place"], row["rows"]) for row in trail] == [
        ("clearlift privacy erase", "read", "a person", None),
        ("clearlift privacy erase", "changed", "privacy.requests", 1),
        ("clearlift privacy erase", "read", "a person", None),
        ("clearlift privacy cancel", "changed", "privacy.requests", 1),
    ]
    assert trail[1]["subject"] == trail[3]["subject"]
    assert len(trail[1]["subject"]) == 64
    assert ANNA not in json.dumps(trail)
    assert "is cancelled, and no longer" in sesh.refused("privacy", "cancel", request["id"], "--app", "sesh")
    assert len(sesh.stores.d1(SESH).query("select id from users")) == 2


def test_what_is_not_confirmed_is_cancelled(sesh: Terminal) -> None:
    typed(sesh, ANNA)
    assert "nothing was confirmed" in sesh.refused("privacy", "erase", "--app", "sesh")
    assert "cancelled" in sesh.good("privacy", "status")


@pytest.mark.parametrize("command", ["erase", "export"])
def test_a_command_means_one_person(sesh: Terminal, command: str) -> None:
    for written, refusal in (
        (f"{ANNA}\nbert-18", "has 2 lines"),
        ("\udcff\udcfe", "is no text"),
        ("\n \n", "no id is given"),
    ):
        typed(sesh, written)
        assert refusal in sesh.refused("privacy", command, "--app", "sesh")
    assert sesh.stores.postgres.fetch("select from privacy.requests where state <> 'refused'") == []


def test_who_is_erased_at_once_does_not_wait_where_the_process_is_killed(sesh: Terminal) -> None:
    def killed(*_: object, **__: object) -> None:
        raise SystemExit(137)

    typed(sesh, ANNA)
    with sesh.monkeypatch.context() as patched:
        patched.setattr("assets.erasure.run.Erasure.run", killed)
        sesh.clearlift("privacy", "erase", "--app", "sesh", "--confirm", "--now")
    (request,) = sesh.stores.postgres.fetch("select state, waits_until <= now() as is_due from privacy.requests")
    assert request == {"state": "waiting", "is_due": True}


def test_words_for_nothing(sesh: Terminal) -> None:
    assert "Nobody asked to be erased." in sesh.good("privacy", "status")
    assert "there is no request 'x'" in sesh.refused("privacy", "status", "x")
    assert "has no request 'x'" in sesh.refused("privacy", "cancel", "x", "--app", "sesh")


def test_tables_are_left_until_a_day_and_the_rest_goes(sesh: Terminal) -> None:
    typed(sesh, ANNA)
    wrong = sesh.clearlift("privacy", "erase", "--app", "sesh", "--except", "d1/users", "--confirm")
    assert "--except, --because and --until go together" in wrong.err
    left = ("--except", "d1/users", "--because", "accounts", "--until", "2096-12-31")
    typed(sesh, ANNA)
    said = sesh.good("privacy", "erase", "--app", "sesh", "--confirm", "--now", *left)
    assert "d1/users: left until 2096-12-31, then erased by" in said
    d1 = sesh.stores.d1(SESH)
    assert [row["id"] for row in d1.query("select id from users order by id")] == [ANNA, "bert-18"]
    assert d1.query("select userId from journal_entries") == [{"userId": "bert-18"}]
    assert "2097-01-01 00:00" in sesh.good("privacy", "status", "--app", "sesh")


def test_an_organisation_that_nobody_knows_is_one_clear_line(sesh: Terminal) -> None:
    for command in ("erase", "export"):
        typed(sesh, ANNA)
        said = sesh.clearlift("privacy", command, "--app", "clearlift", "--org", "x' or '1'='1")
        assert said.code == 1
        assert "Error: no organisation of clearlift has this id or tag" in said.err
