"""Requests that people make in an application: taken over once, answered there, and named nowhere afterwards."""

from pathlib import Path
from typing import Any

from assets.erasure import application
from assets.privacy import requests_table
from resources.d1 import D1, EmbeddedD1
from tests.assets.erasure.inhabited import ANNA, CLEARLIFT, GROWTH, NOW, SESH, WINDOW, Inhabited, naming, put
from tests.assets.erasure.test_d1 import clearlift_member, organisation


def shown(d1: D1) -> dict[str, tuple[Any, ...]]:
    rows = d1.query("select id, subject, state, why from erasure_requests")
    return {row["id"]: (row["subject"], row["state"], row["why"]) for row in rows}


def test_a_request_is_taken_over_carried_out_and_answered(inhabited: Inhabited, sesh: D1) -> None:
    put(sesh, "erasure_requests", id="r-1", subject=f"{ANNA}@sesh.example")
    assert application.waiting(inhabited.rooms, SESH) == 1
    (taken,) = application.take_over(inhabited.erasure(SESH), WINDOW)
    assert (taken.id, taken.state, taken.origin) == ("r-1", "waiting", "application")
    assert shown(sesh) == {"r-1": (None, "waiting", "")}
    assert application.take_over(inhabited.erasure(SESH), WINDOW) == []
    inhabited.now = NOW + WINDOW
    inhabited.erasure(SESH).run()
    application.take_over(inhabited.erasure(SESH), WINDOW)
    assert shown(sesh) == {"r-1": (None, "done", "")}
    assert list(naming(sesh, ANNA)) == []


def test_what_means_nobody_or_comes_twice_is_refused_and_holds_nobody_up(inhabited: Inhabited, sesh: D1) -> None:
    put(sesh, "erasure_requests", id="r-1", subject="nobody-here")
    put(sesh, "erasure_requests", id="r-2", subject=ANNA, kind="robot")
    put(sesh, "erasure_requests", id="r-3", subject=None)
    put(sesh, "erasure_requests", id="r-4", subject=ANNA)
    put(sesh, "erasure_requests", id="r-5", subject=ANNA)
    taken = application.take_over(inhabited.erasure(SESH), WINDOW)
    assert [request.id for request in taken] == ["r-4"]
    assert {id_: state for id_, (_, state, _) in shown(sesh).items()} == {
        "r-1": "refused", "r-2": "refused", "r-3": "refused", "r-4": "waiting", "r-5": "refused",
    }  # fmt: skip
    assert all(subject is None for subject, _, _ in shown(sesh).values())
    assert "nobody of sesh" in shown(sesh)["r-1"][2]
    assert "for the same id is waiting" in shown(sesh)["r-5"][2]


def test_a_run_that_was_killed_after_it_took_a_request_is_gone_on_with(inhabited: Inhabited, sesh: D1) -> None:
    from assets.erasure.identify import Asked

    put(sesh, "erasure_requests", id="r-1", subject=ANNA)
    inhabited.erasure(SESH).requests.receive(Asked(ANNA), "application", NOW, "r-1")
    (taken,) = application.take_over(inhabited.erasure(SESH), WINDOW)
    assert taken.state == "waiting"
    assert len(inhabited.erasure(SESH).requests.all()) == 1


def test_a_request_that_a_restore_brought_back_is_answered_again(inhabited: Inhabited, sesh: D1) -> None:
    put(sesh, "erasure_requests", id="r-1", subject=ANNA)
    put(sesh, "erasure_requests", id="r-2", subject="nobody-here")
    application.take_over(inhabited.erasure(SESH), WINDOW)
    inhabited.now = NOW + WINDOW
    inhabited.erasure(SESH).run()
    sesh.execute("update erasure_requests set subject = ?, state = 'requested', why = ''", [ANNA])
    put(sesh, "erasure_requests", id="r-3", subject="bert-18")
    (taken,) = application.take_over(inhabited.erasure(SESH), WINDOW)
    assert taken.id == "r-3"
    assert {id_: of[:2] for id_, of in shown(sesh).items()} == {
        "r-1": (None, "done"), "r-2": (None, "refused"), "r-3": (None, "waiting"),
    }  # fmt: skip


def test_a_request_names_the_organisation_whose_person_is_meant(inhabited: Inhabited) -> None:
    d1 = inhabited.d1["clearlift"]
    clearlift_member(d1, "ada-1815")
    for name, tag in (("acme", "a3f7c2"), ("bolt", "b8e9d1")):
        organisation(d1, name, "ada-1815", owner="ada-1815")
        d1.execute("update org_tag_mappings set short_tag = ? where organization_id = ?", [tag, name])
        inhabited.stores.happen(1, org=tag, user_id="customer-1")
    put(d1, "erasure_requests", id="r-1", subject="customer-1")
    put(d1, "erasure_requests", id="r-2", subject="customer-1", organisation="acme")
    put(d1, "erasure_requests", id="r-3", subject="customer-1", organisation="bolt")
    put(d1, "erasure_requests", id="r-4", subject="customer-1", organisation="")
    application.take_over(inhabited.erasure(CLEARLIFT), WINDOW)
    found = shown(d1)
    assert [found[f"r-{number}"][1] for number in (1, 2, 3, 4)] == ["refused", "waiting", "waiting", "refused"]
    assert "the request names none" in found["r-1"][2]


def test_an_app_without_d1_puts_requests_into_its_postgres(inhabited: Inhabited) -> None:
    inhabited.growth.execute(
        "insert into marketing.leads (email, email_key, first_source) values"
        " ('Zoe@lead.example', 'zoe@lead.example', 'x')"
    )
    inhabited.growth.execute(
        "insert into pipelines.erasure_requests (id, subject) values ('r-1', 'zoe@lead.example'), ('r-2', 'nobody')"
    )
    assert application.waiting(inhabited.rooms, GROWTH) == 2
    (taken,) = application.take_over(inhabited.erasure(GROWTH), WINDOW)
    assert taken.id == "r-1"
    inhabited.now = NOW + WINDOW
    inhabited.erasure(GROWTH).run()
    application.take_over(inhabited.erasure(GROWTH), WINDOW)
    found = inhabited.growth.fetch("select id, subject, state from pipelines.erasure_requests order by id")
    assert [tuple(row.values()) for row in found] == [("r-1", None, "done"), ("r-2", None, "refused")]
    assert inhabited.growth.fetch("select 1 from marketing.leads") == []


def test_a_table_of_before_gets_the_column(tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "before.sqlite")
    d1.execute("create table erasure_requests (id text primary key, subject text, kind text, state text)")
    d1.execute("insert into erasure_requests values ('r-1', 'u', null, 'requested')")
    assert requests_table.install(d1) == ["export_requests", "erasure_requests"]
    assert requests_table.install(d1) == []
    assert d1.query("select organisation from erasure_requests") == [{"organisation": None}]
    d1.close()
