"""Erasing in D1: nothing of a person stays in any table or page of the file, and nothing of others changes."""

from pathlib import Path

from resources.d1 import D1
from resources.kv import Entry
from tests.assets.erasure.inhabited import (
    CLEARLIFT,
    CONSIGNMENT,
    MOMENT,
    SESH,
    Inhabited,
    everything,
    naming,
    put,
)

LOGS = ("change_log", "backup_log", "backup_noted", "stale_metrics")


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("*.sqlite*"))


def test_nothing_of_a_user_is_left_in_the_file_and_others_are_as_they_were(inhabited: Inhabited, sesh: D1) -> None:
    d1 = sesh
    others = [row for rows in everything(d1, LOGS).values() for row in rows if "anna-lena-17" not in row]
    inhabited.erased(SESH, "ANNA-LENA-17@sesh.example")
    left = [row for rows in everything(d1, LOGS).values() for row in rows]
    assert sorted(left) == sorted(others)
    assert list(naming(d1, "anna-lena-17")) == []
    assert "bert-18" in "".join(everything(d1)["change_log"])
    assert b"anna-lena-17" not in bytes_of(inhabited.folder / "r2")
    assert b"bert-18" in bytes_of(inhabited.folder / "r2")


def clearlift_member(d1: D1, name: str) -> None:
    put(d1, "users", id=name, email=f"{name}@x.example", issuer="i", access_sub=f"sub-{name}", name=name)
    put(d1, "sessions", token=f"t-{name}", user_id=name, expires_at="2027", ip_address="192.0.2.1")


def organisation(d1: D1, name: str, *members: str, owner: str) -> None:
    put(d1, "organizations", id=name, name=name, slug=name)
    put(d1, "org_tag_mappings", id=f"m-{name}", organization_id=name, short_tag=f"tag-{name}")
    for member in members:
        role = "owner" if member == owner else "admin"
        put(d1, "organization_members", organization_id=name, user_id=member, role=role, invited_by=owner)
    put(
        d1, "platform_connections", id=f"c-{name}", organization_id=name, platform="meta", account_id="1",
        connected_by=owner, settings='{"oauth": {"token": "secret"}, "sync_config": {"days": 3}}',
        settings_encrypted="sealed",
    )  # fmt: skip
    put(
        d1, "invitations", id=f"n-{name}", organization_id=name, email="New@x.example", token=f"in-{name}",
        expires_at="2027", invited_by=owner,
    )  # fmt: skip


def test_another_member_takes_the_place_and_the_tokens_are_emptied(inhabited: Inhabited) -> None:
    d1 = inhabited.d1["clearlift"]
    for name in ("ada-1815", "bob-1906"):
        clearlift_member(d1, name)
    organisation(d1, "acme", "ada-1815", "bob-1906", owner="ada-1815")
    organisation(d1, "solo", "ada-1815", owner="ada-1815")
    inhabited.erased(CLEARLIFT, "ada-1815", kind="member")
    (connection,) = d1.query("select * from platform_connections")
    assert (connection["id"], connection["connected_by"], connection["is_active"]) == ("c-acme", "bob-1906", 0)
    assert (connection["settings"], connection["settings_encrypted"]) == ('{"sync_config":{"days":3}}', None)
    assert d1.query("select user_id, invited_by from organization_members") == [
        {"user_id": "bob-1906", "invited_by": None}
    ]
    assert d1.query("select count(*) as n from invitations") == [{"n": 0}]
    assert list(naming(d1, "ada-1815")) == []
    assert b"ada-1815" not in bytes_of(inhabited.folder / "r2")


def test_an_invitee_is_erased_and_who_invited_them_stays(inhabited: Inhabited) -> None:
    d1 = inhabited.d1["clearlift"]
    clearlift_member(d1, "ada-1815")
    organisation(d1, "acme", "ada-1815", owner="ada-1815")
    inhabited.erased(CLEARLIFT, "new@X.example")
    assert d1.query("select count(*) as n from invitations") == [{"n": 0}]
    assert [row["id"] for row in d1.query("select id from users")] == ["ada-1815"]


def test_an_organisation_goes_as_a_whole_and_its_members_stay(inhabited: Inhabited) -> None:
    d1 = inhabited.d1["clearlift"]
    for name in ("ada-1815", "bob-1906"):
        clearlift_member(d1, name)
    for name in ("acme", "zoo"):
        organisation(d1, name, "ada-1815", "bob-1906", owner="ada-1815")
    for tag in ("tag-acme", "tag-zoo"):
        inhabited.postgres.execute(
            "insert into rollups.daily_totals (app, org_tag, day, events, visitors, sessions, value, visitor_sketch, "
            "session_sketch) values ('clearlift', %s, '2026-06-01', 1, 1, 1, 0, '', '')", (tag,),
        )  # fmt: skip
        inhabited.kv["clearlift"].put_many([entry(f"dashboard:{tag}:series:7d"), entry(f"connections:{tag}")])
    inhabited.erased(CLEARLIFT, "tag-acme", is_organisation=True)
    assert list(naming(d1, "acme")) == []
    assert len(d1.query("select * from users")) == 2
    assert [r["org_tag"] for r in inhabited.postgres.fetch("select org_tag from rollups.daily_totals")] == ["tag-zoo"]
    assert [key.name for key in inhabited.kv["clearlift"].list()] == [
        "connections:tag-zoo", "dashboard:tag-zoo:series:7d",
    ]  # fmt: skip


def test_the_sale_of_an_erased_organiser_stays_with_nobody(inhabited: Inhabited) -> None:
    d1 = inhabited.d1["consignment"]
    for name in ("carl-1777", "dora-1881"):
        put(
            d1, "consignors", user_id=name, name=name, email=f"{name}@c.example", phone="+49 30 1234567",
            created_at=MOMENT, updated_at=MOMENT,
        )  # fmt: skip
        times = dict.fromkeys(
            ("start_date", "end_date", "drop_off_start", "drop_off_end", "pick_up_start", "pick_up_end", "created_at",
             "updated_at"), MOMENT,
        )  # fmt: skip
        put(d1, "events", user_id=name, name=f"Sale {name[0]}", location="Hall", max_consignors=3, **times)
        put(
            d1, "inventory_items", user_id=name, event_id=1, name="zeppelinmodell" if name[0] == "c" else "jacket",
            category="toys", price=1, condition="good", created_at=MOMENT, updated_at=MOMENT,
        )  # fmt: skip
    inhabited.kv["consignment"].put_many([entry("item:1"), entry("item:2"), entry("consignor:carl-1777")])
    inhabited.erased(CONSIGNMENT, "carl-1777")
    (first, second) = d1.query("select user_id, name from events order by id")
    assert first["user_id"].startswith("erased-")
    assert second["user_id"] == "dora-1881"
    assert d1.query("select rowid from item_search where item_search match 'zeppelinmodell'") == []
    assert len(d1.query("select rowid from item_search where item_search match 'jacket'")) == 1
    assert b"zeppelin" not in bytes_of(inhabited.folder / "r2")
    assert [key.name for key in inhabited.kv["consignment"].list()] == ["item:2"]


def entry(key: str) -> Entry:
    return Entry(key, b"{}")
