"""Whom a request means: by id or address, in every app; hostile and unknown ids are refused in one line."""

import pytest

from assets.erasure.identify import Asked, NotIdentifiedError, identify
from assets.sealing.fields import fields_of, index_of
from tests.assets.erasure.inhabited import CLEARLIFT, CONSIGNMENT, GROWTH, SESH, Inhabited, put, sesh_user
from tests.assets.erasure.test_d1 import clearlift_member, organisation
from tests.assets.erasure.traces import traces

HOSTILE = [
    "",
    "  ",
    "%",
    "_",
    "*",
    "'",
    '"',
    "u' or '1'='1",
    "anna-lena-1",
    "ANNA-LENA-17",
    "\0",
    "a\nb",
    "x" * 400,
    "{}",
    "$.id",
]


def test_a_user_by_id_and_by_address_is_the_same_person(inhabited: Inhabited) -> None:
    d1 = inhabited.d1["sesh"]
    for name in ("anna-lena-17", "anna-lena-170"):
        sesh_user(d1, name)
    by_id, by_address = inhabited.found(SESH, "anna-lena-17"), inhabited.found(SESH, " Anna-Lena-17@SESH.example ")
    assert by_id.ids == by_address.ids == {"user": {"anna-lena-17"}}
    assert {"anna-lena-17@Sesh.example", "anna-lena-17@sesh.example"} <= by_id.texts
    assert by_id.keys == {
        "user:anna-lena-17:profile", "user:anna-lena-17:inventory", "user:anna-lena-17:symptoms",
        "user:anna-lena-17:journal", "journal:j%20anna-lena-17",
    }  # fmt: skip
    assert "anna" not in repr(by_id)


@pytest.mark.parametrize("app", [SESH, CONSIGNMENT, GROWTH, CLEARLIFT], ids=lambda app: app.name)
def test_hostile_and_unknown_ids_are_refused_and_not_repeated(inhabited: Inhabited, app: object) -> None:
    sesh_user(inhabited.d1["sesh"], "anna-lena-17")
    for given in HOSTILE:
        with pytest.raises(NotIdentifiedError) as refused:
            identify(inhabited.rooms, app, Asked(given), "r")  # type: ignore[arg-type]
        assert not given.strip() or len(given) < 3 or given not in str(refused.value)


def test_one_id_of_two_people_is_refused_until_its_kind_is_said(inhabited: Inhabited) -> None:
    d1 = inhabited.d1["clearlift"]
    clearlift_member(d1, "ada-1815")
    inhabited.stores.happen(1, user_id="ada-1815", anonymous_id="of a site")
    with pytest.raises(NotIdentifiedError, match=r"a member and user of clearlift have this id.*--kind"):
        inhabited.found(CLEARLIFT, "ada-1815")
    assert inhabited.found(CLEARLIFT, "ada-1815", kind="member").ids == {"member": {"ada-1815"}}
    assert inhabited.found(CLEARLIFT, "ada-1815", kind="user").ids == {
        "user": {"ada-1815"}, "visitor": {"of a site"},
    }  # fmt: skip


def test_an_id_that_people_of_two_organisations_have_is_refused(inhabited: Inhabited) -> None:
    inhabited.stores.happen(1, org="a3f7c2", user_id="customer-1")
    inhabited.stores.happen(1, org="b8e9d1", user_id="customer-1")
    with pytest.raises(NotIdentifiedError, match="2 organisations"):
        inhabited.found(CLEARLIFT, "customer-1")


def test_a_member_is_invited_by_their_address_too(inhabited: Inhabited) -> None:
    d1 = inhabited.d1["clearlift"]
    for name in ("ada-1815", "new"):
        clearlift_member(d1, name)
    organisation(d1, "acme", "ada-1815", owner="ada-1815")
    found = inhabited.found(CLEARLIFT, "new")
    assert found.ids == {"member": {"new"}, "invitee": {"New@x.example"}}


def test_a_lead_is_found_with_the_user_that_it_became(inhabited: Inhabited) -> None:
    (lead,) = inhabited.growth.fetch(
        "insert into marketing.leads (email, email_key, first_source) values "
        "('Zoe@lead.example', 'zoe@lead.example', 'x') returning id::text"
    )
    user = "00000000-0000-4000-8000-00000000beef"
    inhabited.growth.execute(
        "insert into onboarding.sessions (session_token, user_id, lead_id) values ('token of zoe', %s, %s)",
        (user, lead["id"]),
    )
    inhabited.growth.execute(
        "insert into analytics.events (type, name, user_id, session_id) values ('page_view', 'x', %s, 'browser-zoe')",
        (user,),
    )
    found = inhabited.found(GROWTH, "ZOE@lead.example")
    assert found.ids == {"lead": {lead["id"], "zoe@lead.example"}, "user": {user}, "visitor": {"browser-zoe"}}
    inhabited.erased(GROWTH, "zoe@lead.example")
    for table in ("marketing.leads", "onboarding.sessions", "analytics.events"):
        condition = (
            "where email_key = 'zoe@lead.example'" if table == "marketing.leads" else f"where user_id = '{user}'"
        )
        assert inhabited.growth.fetch(f"select 1 from {table} {condition}") == []


def test_an_organisation_that_nobody_knows_is_refused(inhabited: Inhabited) -> None:
    with pytest.raises(NotIdentifiedError, match="no organisation of sesh"):
        inhabited.found(SESH, "acme", is_organisation=True)
    put(inhabited.d1["clearlift"], "organizations", id="acme", name="Acme", slug="acme")
    assert inhabited.found(CLEARLIFT, "acme", is_organisation=True).organisation == {"acme"}


def test_a_person_is_found_by_an_address_that_is_sealed(inhabited: Inhabited) -> None:
    d1, keyring = inhabited.d1["sesh"], inhabited.rooms.keyring
    (field,) = [one for one in fields_of(SESH, "d1") if one.rule.index]
    index = index_of(field, keyring, "Anna@sesh.example", plain_hashes=False)
    sealed = keyring.seal_text("Anna@sesh.example", **field.place, row="u-17")
    row = {"id": "u-17", "email": "u-17", field.rule.into: sealed, field.rule.index: index}
    put(d1, field.table, **row)
    found = inhabited.found(SESH, "anna@SESH.example")
    assert found.ids == {"user": {"u-17"}}
    assert "Anna@sesh.example" in inhabited.found(SESH, "u-17").texts


def test_an_invitation_to_a_sealed_address_is_erased(inhabited: Inhabited) -> None:
    d1, keyring = inhabited.d1["clearlift"], inhabited.rooms.keyring
    clearlift_member(d1, "ada-1815")
    organisation(d1, "acme", "ada-1815", owner="ada-1815")
    (field,) = [one for one in fields_of(CLEARLIFT, "d1") if one.rule.index and one.table == "invitations"]
    sealed = keyring.seal_text("New@x.example", **field.place, row="n-acme")
    index = index_of(field, keyring, "New@x.example", plain_hashes=False)
    d1.execute(f"update invitations set email = '', {field.rule.into} = ?, {field.rule.index} = ?", [sealed, index])
    assert inhabited.found(CLEARLIFT, "new@x.example").ids == {"invitee": {"New@x.example"}}
    inhabited.erased(CLEARLIFT, "new@x.example")
    assert d1.query("select count(*) as n from invitations") == [{"n": 0}]


def test_who_is_in_an_archive_alone_is_found_there(inhabited: Inhabited) -> None:
    stores = inhabited.stores
    stores.happen(2, user_id="customer-0001", anonymous_id="browser-of-0001")
    stores.happen(2, user_id="customer-0002", anonymous_id="browser-of-0002")
    stores.archive()
    stores.prune()
    found = identify(inhabited.rooms, CLEARLIFT, Asked("customer-0001"), "r")
    assert found.identity.ids == {"user": {"customer-0001"}, "visitor": {"browser-of-0001"}}
    assert found.tables == ("the archive of events",)
    with pytest.raises(NotIdentifiedError, match="nobody of clearlift"):
        identify(inhabited.rooms, CLEARLIFT, Asked("customer-0003"), "r")
    inhabited.erased(CLEARLIFT, "customer-0001")
    assert traces(inhabited.folder / "r2", "customer-0001", "browser-of-0001") == []
    with pytest.raises(NotIdentifiedError, match="nobody of clearlift"):
        identify(inhabited.rooms, CLEARLIFT, Asked("browser-of-0001"), "r")
    assert traces(inhabited.folder / "r2", "customer-0002")
