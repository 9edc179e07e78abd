"""Who was erased does not come back from a D1, by no row that refers to them; tables and owners come back alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.consignment import APP as CONSIGNMENT
from assets.apps.sesh import APP as SESH
from assets.backups.method import Scope
from assets.privacy.tombstones import Tombstones, within
from resources import migrations
from resources.d1 import D1
from resources.declined import DeclinedError
from resources.keyring import Keyring
from tests.assets.backups.d1_databases import Kept, new_file
from tests.sql.consignment.database import put as put_into_consignment
from tests.sql.sesh.database import put as put_into_sesh

TABLES = ("users", "organizations", "organization_members", "platform_connections", "sessions", "invitations")


@dataclass
class ClearLift:
    """ClearLift's D1 with two organisations, their members, and a backup of it."""

    d1: D1
    kept: Kept
    folder: Path

    def put(self, table: str, **values: Any) -> None:
        names = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        self.d1.execute(f"insert into {table} ({names}) values ({marks})", list(values.values()))

    def restored(self, name: str, scope: Scope) -> D1:
        place = new_file(self.folder, name)
        self.kept.restore(place, scope)
        return place


@pytest.fixture
def clearlift(memory_folder: Path) -> Iterator[ClearLift]:
    d1 = new_file(memory_folder, "clearlift")
    migrations.up(migrations.D1AppliedMigrations(d1, "clearlift-d1"), "clearlift/d1")
    found = ClearLift(d1, Kept.of(d1, memory_folder / "target", CLEARLIFT), memory_folder)
    for user in ("ada", "bob"):
        found.put("users", id=user, email=f"{user}@x.example", issuer="i", access_sub=f"sub {user}", name=user)
        found.put("sessions", token=f"t {user}", user_id=user, expires_at="2027")
    for org in ("acme", "zoo"):
        found.put("organizations", id=org, name=org, slug=org)
        for user in ("ada", "bob"):
            found.put("organization_members", organization_id=org, user_id=user, role="admin", invited_by="ada")
        found.put(
            "platform_connections", id=f"c {org}", organization_id=org, platform="meta", account_id="1",
            connected_by="ada",
        )  # fmt: skip
    found.kept.full()
    yield found
    d1.close()


def erased(*subjects: tuple[str, str]) -> Scope:
    return Scope(erased=Tombstones.of(*subjects))


def everything(d1: D1) -> str:
    return repr([d1.query(f"select * from {table}") for table in TABLES])


def test_an_erased_member_does_not_come_back_and_their_organisation_does(clearlift: ClearLift) -> None:
    place = clearlift.restored("place", erased(("member", "ada")))
    text = everything(place)
    assert "ada" not in text
    assert "sub ada" not in text
    assert [row["id"] for row in place.query("select id from organizations order by id")] == ["acme", "zoo"]
    assert (
        place.query("select user_id, invited_by from organization_members order by organization_id")
        == [{"user_id": "bob", "invited_by": None}] * 2
    )
    assert place.query("select token from sessions") == [{"token": "t bob"}]
    # Who connected the account must be somebody, so that it is a nobody.
    (nobody,) = place.query("select id, email, name from users where id <> 'bob'")
    assert nobody["id"].startswith("erased-")
    assert nobody["name"] is None
    connected = place.query("select distinct connected_by as id from platform_connections")
    assert connected == [{"id": nobody["id"]}]
    assert place.query("pragma foreign_key_check") == []
    place.close()


def test_an_erased_member_does_not_come_back_over_the_live_database_either(clearlift: ClearLift) -> None:
    d1 = clearlift.d1
    d1.execute("update platform_connections set connected_by = 'bob'")
    d1.execute("delete from users where id = 'ada'")
    d1.execute("delete from organizations where id = 'zoo'")
    clearlift.kept.restore(d1, Scope(live=True, erased=erased(("member", "ada")).erased))
    assert "ada" not in everything(d1)
    assert d1.query("select count(*) as n from organizations") == [{"n": 2}]


def test_people_in_json_and_in_partitions_are_left_out(memory_folder: Path) -> None:
    d1 = new_file(memory_folder, "sesh")
    migrations.up(migrations.D1AppliedMigrations(d1, "sesh-d1"), "sesh/d1")
    for user in ("ada", "bob"):
        put_into_sesh(d1, "users", id=user)
        put_into_sesh(d1, "inventory", id=f"item of {user}", userId=user)
    kept = Kept.of(d1, memory_folder / "target", SESH)
    kept.full()
    place = new_file(memory_folder, "place")
    assert kept.restore(place, erased(("user", "ada"))).erased == 2
    assert place.query("select id from users") == [{"id": "bob"}]
    assert place.query("select id from inventory") == [{"id": "item of bob"}]
    d1.close()
    place.close()


def test_who_is_only_mentioned_does_not_come_back_and_every_other_row_is_as_it_was(memory_folder: Path) -> None:
    """Who organised a sale: the id refers to no row."""
    d1 = new_file(memory_folder, "consignment")
    migrations.up(migrations.D1AppliedMigrations(d1, "consignment-d1"), "consignment/d1")
    for number, user in enumerate(("organiser-17", "organiser-18", "organiser-17", "organiser-1", "organiser-17-b"), 1):
        put_into_consignment(d1, "events", id=number, user_id=user, name=f"Sale {number}", description="by organiser-1")
    kept = Kept.of(d1, memory_folder / "target", CONSIGNMENT)
    kept.full()
    place = new_file(memory_folder, "place")
    gone = erased(("user", "organiser-17"), ("user", "organiser-18"))
    assert kept.restore(place, gone).erased == 3
    before, after = (at.query("select * from events order by id") for at in (d1, place))
    assert before[3:] == after[3:]
    assert [{**row, "user_id": ""} for row in before] == [{**row, "user_id": ""} for row in after]
    first, second, third = (row["user_id"] for row in after[:3])
    assert first == third != second
    assert all(one.startswith("erased-") for one in (first, second))
    for at in (d1, place):
        at.close()


def test_texts_of_others_that_name_the_erased_come_back_as_other_texts(memory_folder: Path) -> None:
    """In words, in addresses and in JSON; a longer id, and a shorter one, are somebody else's."""
    d1 = new_file(memory_folder, "consignment")
    migrations.up(migrations.D1AppliedMigrations(d1, "consignment-d1"), "consignment/d1")
    texts = (
        "ask organiser-17 for it",
        "https://shop.example/by?who=organiser%2D17",
        '{"by": "organiser-17"}',
        "by organiser-177",
        "by organiser-1",
        "",
    )
    put_into_consignment(d1, "consignors", user_id="lender-1")
    put_into_consignment(d1, "events", id=1)
    for number, text in enumerate(texts, 1):
        put_into_consignment(d1, "inventory_items", id=number, user_id="lender-1", event_id=1, description=text)
    kept = Kept.of(d1, memory_folder / "target", CONSIGNMENT)
    kept.full()
    place = new_file(memory_folder, "place")
    assert kept.restore(place, erased(("user", "organiser-17"))).erased == 3
    before, after = (at.query("select * from inventory_items order by id") for at in (d1, place))
    assert [{**row, "description": ""} for row in before] == [{**row, "description": ""} for row in after]
    found = [row["description"] for row in after]
    assert found[3:] == list(texts[3:])
    assert found[2] == "{}"
    assert found[0].startswith("erased-")
    assert found[1].startswith("erased-")
    for at in (d1, place):
        at.close()


def test_one_organisation_comes_back_beside_what_is_there(clearlift: ClearLift) -> None:
    d1 = clearlift.d1
    d1.execute("delete from organizations")
    clearlift.put("organizations", id="new", name="new", slug="new")
    clearlift.kept.restore(d1, Scope(live=True, owners=("acme",)))
    assert [row["id"] for row in d1.query("select id from organizations order by id")] == ["acme", "new"]
    assert [row["id"] for row in d1.query("select id from platform_connections")] == ["c acme"]
    assert len(d1.query("select * from organization_members")) == 2


def test_one_person_s_rows_are_restored_aside(clearlift: ClearLift) -> None:
    place = clearlift.restored("aside", Scope(owners=("bob",)))
    assert [row["id"] for row in place.query("select id from users")] == ["bob"]
    assert [row["token"] for row in place.query("select token from sessions")] == ["t bob"]
    assert place.query("select * from organizations") == []
    place.close()


def test_single_tables_come_back_aside_and_live(clearlift: ClearLift) -> None:
    place = clearlift.restored("aside", Scope(tables=("sessions",)))
    assert len(place.query("select * from sessions")) == 2
    assert place.query("select * from users") == []
    d1 = clearlift.d1
    d1.execute("delete from sessions where user_id = 'ada'")
    d1.execute("update sessions set expires_at = '2030'")
    clearlift.kept.restore(d1, Scope(live=True, tables=("sessions",)))
    assert sorted(row["expires_at"] for row in d1.query("select * from sessions")) == [2027, 2027]
    place.close()


def test_what_does_not_fit_beside_what_is_there_is_refused_in_one_line(clearlift: ClearLift) -> None:
    d1 = clearlift.d1
    d1.execute("delete from organizations where id = 'acme'")
    clearlift.put("organizations", id="other", name="other", slug="acme")
    before = everything(d1)
    with pytest.raises(DeclinedError, match=r"1 row of organizations has a value of the unique key \(slug\)"):
        clearlift.kept.restore(d1, Scope(live=True, owners=("acme",)))
    assert everything(d1) == before
    with pytest.raises(DeclinedError, match="no table nothing in that set"):
        clearlift.kept.restore(d1, Scope(live=True, tables=("nothing",)))


def test_an_invitation_to_an_erased_address_does_not_come_back_in_clear_or_sealed(clearlift: ClearLift) -> None:
    def invite(name: str, address: str, keyring: Keyring | None = None, sealed: str = "") -> None:
        place = {"table": "invitations", "column": "email_encrypted", "row": name}
        clearlift.put(
            "invitations", id=name, organization_id="acme", token=name, expires_at="2027", invited_by="bob",
            email="" if keyring else address,
            email_encrypted=sealed or (keyring.seal_text(address, **place) if keyring else None),
        )  # fmt: skip

    keyring = clearlift.kept.target.keyring
    invite("clear", " New@X.example")
    invite("sealed", "NEW@x.example", keyring)
    invite("noted", "new@x.example")
    noted = keyring.seal_text("new@x.example", table="invitations", column="email_encrypted", row="noted")
    clearlift.d1.execute("update invitations set email_encrypted = ? where id = 'noted'", [f".{noted}"])
    invite("other", "newer@x.example", keyring)
    invite("damaged", "new@x.example", keyring, "AQAA")
    clearlift.kept.full()
    place = clearlift.restored("place", erased(("invitee", "new@x.example")))
    assert [row["id"] for row in place.query("select id from invitations order by id")] == ["damaged", "other"]
    place.close()
    place = clearlift.restored("alone", erased(within("acme", "invitee", "new@x.example")))
    assert [row["id"] for row in place.query("select id from invitations order by id")] == ["damaged", "other"]
    place.close()
    place = clearlift.restored("elsewhere", erased(within("zoo", "invitee", "new@x.example")))
    assert len(place.query("select id from invitations")) == 5
    place.close()
    invite("lost", "new@x.example", Keyring({9: b"9" * 32}))
    clearlift.kept.full()
    with pytest.raises(DeclinedError, match=r"invitations\.email_encrypted does not open"):
        clearlift.restored("refused", erased(("invitee", "new@x.example")))
    clearlift.restored("nobody", erased(("member", "carl"))).close()
