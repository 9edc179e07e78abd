"""A person of one organisation, whose id another organisation gave to somebody else: the other one is not touched."""

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance

from assets.apps.personal import Person
from assets.erasure.identify import Asked, NotIdentifiedError, identify
from assets.erasure.steps import erasers
from assets.export.make import portions
from assets.privacy.identity import Identity, within_of
from assets.privacy.tombstones import Tombstones
from assets.sealing.fields import fields_of, index_of
from assets.search import hashes
from assets.search.certify import certify
from resources.kv import Entry
from tests.assets.erasure.inhabited import CLEARLIFT, NOW, SESH, WINDOW, Inhabited, put
from tests.assets.erasure.test_d1 import clearlift_member, organisation
from tests.assets.event_pipeline import line

CUSTOMER, BROWSER = "customer-0001", "browser-of-0001"
OURS, OTHERS = "a3f7c2", "b8e9d1"
LANDED = "landing/events/2026/01/01/12/batch.ndjson.gz"


@pytest.fixture
def site(inhabited: Inhabited) -> Inhabited:
    """Two organisations, each with a customer of the same id, in each store that names one."""
    d1 = inhabited.d1["clearlift"]
    clearlift_member(d1, "ada-1815")
    for name, tag in (("acme", OURS), ("bolt", OTHERS)):
        organisation(d1, name, "ada-1815", owner="ada-1815")
        d1.execute("update org_tag_mappings set short_tag = ? where organization_id = ?", [tag, name])
        put(
            d1, "marketing_choices", id=f"c-{name}", organization_id=name, subject_kind="user", subject=CUSTOMER,
            choice="withdrawn",
        )  # fmt: skip
        inhabited.stores.happen(1, org=tag, user_id=CUSTOMER, anonymous_id=BROWSER)
        inhabited.stores.happen(1, org=tag, anonymous_id="another", page_path=f"/people/{CUSTOMER}")
        inhabited.postgres.execute(
            "insert into sessions.daily values (%s, '2026-01-01', 'tracker', %s, %s, now(), now(), 0, 1, 1, true, 'x',"
            " '/', 'x', '/', '', '', '', '', '', '', 'clearlift')",
            (tag, hashes.of_visitor("s", tag), hashes.of_visitor(BROWSER, tag)),
        )
        inhabited.postgres.execute(
            "insert into rollups.daily_pages (app, org_tag, day, page_hostname, page_path, events, visitors, sessions,"
            " value) values ('clearlift', %s, '2026-01-01', 'x', %s, 1, 1, 1, 0)",
            (tag, f"/people/{CUSTOMER}"),
        )
        inhabited.kv["clearlift"].put_many(
            [Entry(f"dashboard:{tag}:top_pages:7d", json.dumps([f"/people/{CUSTOMER}"]).encode())]
        )
    landed = [line(number, org_tag=tag, user_id=CUSTOMER) for number, tag in enumerate((OURS, OTHERS))]
    inhabited.stores.store.put(LANDED, gzip.compress(b"\n".join(landed)))
    return inhabited


def left(site: Inhabited) -> dict[str, Any]:
    """By store, of which organisation something names the customer."""
    events = site.stores.events.scan().collect().to_dicts()
    pages = site.postgres.fetch("select org_tag from rollups.daily_pages where page_path like '/people/c%' order by 1")
    sessions = site.postgres.fetch("select org_tag from sessions.daily order by 1")
    batch = gzip.decompress(site.stores.store.get(LANDED)) if site.stores.store.exists(LANDED) else b""
    landed = [json.loads(text) for text in batch.split(b"\n") if text]
    return {
        "d1": [row["organization_id"] for row in site.d1["clearlift"].query("select * from marketing_choices")],
        "events": sorted(row["org_tag"] for row in events if row["user_id"] == CUSTOMER),
        "paths": sorted(row["org_tag"] for row in events if CUSTOMER in (row["page_path"] or "")),
        "landed": [row["org_tag"] for row in landed],
        "sessions": [row["org_tag"] for row in sessions],
        "pages": [row["org_tag"] for row in pages],
        "kv": [info.name.split(":")[1] for info in site.kv["clearlift"].list("dashboard:")],
    }


def test_only_rows_of_the_organisation_that_is_named_go(site: Inhabited) -> None:
    with pytest.raises(NotIdentifiedError, match=r"people of 2 organisations of clearlift have this id.*--org"):
        site.found(CLEARLIFT, CUSTOMER)
    for given in ("acme", OURS):
        found = site.found(CLEARLIFT, CUSTOMER, organisation=given)
        assert found.within == {"acme", OURS}
        assert found.ids == {"user": {CUSTOMER}, "visitor": {BROWSER}}
        assert found.elsewhere == {CUSTOMER, BROWSER}
    before = left(site)
    assert all(len(of) == 2 for of in before.values())
    (done,) = site.erased(CLEARLIFT, CUSTOMER, organisation=OURS).done
    assert done.state == "done"
    assert left(site) == {place: [of[1]] for place, of in before.items()}
    assert CUSTOMER not in site.stores.store.get(done.receipt).decode()


def test_tombstones_leave_the_other_organisation_alone(site: Inhabited) -> None:
    site.erased(CLEARLIFT, CUSTOMER, organisation="acme")
    with site.postgres.connection() as connection:
        stones = Tombstones.locked(connection, "clearlift", lambda: site.rooms.keyring)
    assert stones.holds("user", CUSTOMER, OURS)
    assert stones.holds("user", CUSTOMER, "acme")
    assert not stones.holds("user", CUSTOMER, OTHERS)
    assert not stones.holds("user", CUSTOMER)
    other = site.found(CLEARLIFT, CUSTOMER)
    assert not other.within
    assert other.ids["user"] == {CUSTOMER}


def test_the_certificate_says_what_it_cannot_tell_apart_and_erasers_prove_it_by_rows(
    site: Inhabited, tmp_path: Path
) -> None:
    identity = site.found(CLEARLIFT, CUSTOMER, organisation=OURS)
    for eraser in erasers(site.rooms, CLEARLIFT):
        eraser.erase([identity])
    (tmp_path / "dagster").mkdir()
    with DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        hits = certify(site.rooms, CLEARLIFT, [identity], instance).hits
    assert hits
    assert {hit.kept for hit in hits if not hit.kept.startswith("people of other organisations")} == set()
    again = [eraser.erase([identity]) for eraser in erasers(site.rooms, CLEARLIFT)]
    assert [(one.rows, one.objects) for one in again] == [(0, 0)] * len(again)


def test_what_comes_back_meanwhile_fails_the_request(site: Inhabited) -> None:
    def search(*_: object) -> list[Any]:
        put(
            site.d1["clearlift"], "marketing_choices", id="late", organization_id="acme", subject_kind="user",
            subject=CUSTOMER, choice="withdrawn",
        )  # fmt: skip
        return []

    outcome = site.erased(CLEARLIFT, CUSTOMER, search, organisation=OURS)
    assert list(outcome.failed.values()) == ["d1, d1 change logs"]


def test_an_export_has_nothing_of_the_other_organisation(site: Inhabited) -> None:
    identity = site.found(CLEARLIFT, CUSTOMER, organisation=OURS)
    rows = [row for portion in portions(site.rooms, CLEARLIFT, identity) for row in portion.rows]
    text = json.dumps(rows, default=str)
    assert CUSTOMER in text
    assert OTHERS not in text
    assert "bolt" not in text


@pytest.mark.parametrize("given", ["", " ", "%", "x' or '1'='1", "cust%", "another-tenant", "a\nb", "x" * 400])
def test_an_organisation_that_is_none_is_one_clear_line(site: Inhabited, given: str) -> None:
    with pytest.raises(NotIdentifiedError, match=r"no organisation of|no id is given|is no id") as refused:
        site.found(CLEARLIFT, CUSTOMER, organisation=given)
    assert "\n" not in str(refused.value)


def test_an_id_of_another_organisation_and_a_member_are_nobody_there(site: Inhabited) -> None:
    site.stores.happen(1, org=OTHERS, user_id="customer-0002")
    for given in ("customer-0002", "ada-1815", "ada-1815@x.example"):
        with pytest.raises(NotIdentifiedError, match="nobody of this organisation of clearlift"):
            site.found(CLEARLIFT, given, organisation=OURS)
    with pytest.raises(NotIdentifiedError, match="no organisation of sesh"):
        identify(site.rooms, SESH, Asked("u", organisation=OURS), "r")
    with pytest.raises(NotIdentifiedError, match="erased as a whole"):
        site.found(CLEARLIFT, "acme", is_organisation=True, organisation=OURS)


def test_requests_of_two_organisations_are_open_together_and_carried_out_apart(site: Inhabited) -> None:
    requests = [site.asked(CLEARLIFT, CUSTOMER, organisation=given) for given in ("acme", "bolt")]
    site.now = NOW + WINDOW
    done = site.erasure(CLEARLIFT).run().done
    assert {one.id for one in done} == {one.id for one in requests}
    assert not any(left(site).values())


def test_people_of_different_organisations_are_never_erased_in_one_pass() -> None:
    ids: dict[Person, frozenset[str]] = {"user": frozenset({"u"})}
    one, other = (Identity("r", "clearlift", ids, within=frozenset({name})) for name in ("a", "b"))
    assert within_of([one, one]) == {"a"}
    with pytest.raises(ValueError, match="different organisations"):
        within_of([one, other])


def test_events_that_come_later_are_refused_for_that_organisation_alone(site: Inhabited) -> None:
    site.erased(CLEARLIFT, CUSTOMER, organisation=OURS)
    from assets.apps.clearlift import APP
    from assets.rows.columns import ColumnKind, RowColumn

    with site.postgres.connection() as connection:
        stones = Tombstones.locked(connection, "clearlift", lambda: site.rooms.keyring)
    import polars as pl

    assert APP.audience is not None
    subjects = APP.holding("lake", APP.audience.table).tombstoned
    rows = pl.DataFrame(
        {
            "org_tag": [OURS, OTHERS, None, OURS],
            "user_id": [CUSTOMER, CUSTOMER, CUSTOMER, None],
            "anonymous_id": ["x", "x", "x", BROWSER],
            "day": [date(2026, 1, 1)] * 4,
        }
    )
    columns = [RowColumn(name, ColumnKind.TEXT, "") for name in ("org_tag", "user_id", "anonymous_id")]
    assert stones.kept(rows, columns, subjects)["org_tag"].to_list() == [OTHERS, None]


def test_an_invitation_of_another_organisation_to_the_same_address_stays(site: Inhabited) -> None:
    d1, keyring = site.d1["clearlift"], site.rooms.keyring
    (field,) = [one for one in fields_of(CLEARLIFT, "d1") if one.rule.index and one.table == "invitations"]
    for name in ("acme", "bolt"):
        sealed = keyring.seal_text("New@x.example", **field.place, row=f"n-{name}")
        index = index_of(field, keyring, "New@x.example", plain_hashes=False)
        statement = f"update invitations set email = '', {field.rule.into} = ?, {field.rule.index} = ? where id = ?"
        d1.execute(statement, [sealed, index, f"n-{name}"])
    assert len(site.found(CLEARLIFT, "new@x.example").ids["invitee"]) == 1
    assert site.erased(CLEARLIFT, "new@x.example", organisation="acme").failed == {}
    assert d1.query("select organization_id from invitations") == [{"organization_id": "bolt"}]
    site.erased(CLEARLIFT, "new@x.example")
    assert d1.query("select count(*) as n from invitations") == [{"n": 0}]
