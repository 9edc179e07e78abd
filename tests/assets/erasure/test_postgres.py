"""Erasing in our own Postgres and in KV: by hashes of ids, by texts that hold one; counts and others stay."""

import hashlib
import json

import pytest

from assets.erasure import texts
from assets.erasure.app_postgres import eraser as app_postgres_eraser
from assets.erasure.kv import eraser as kv_eraser
from assets.erasure.postgres import eraser as postgres_eraser
from assets.privacy.identity import Identity
from resources.kv import Entry
from tests.assets.erasure.inhabited import CLEARLIFT, GROWTH, SESH, Inhabited

VISITOR, OTHER = "visitor-anna-17", "visitor-anna-170"
ANNA = Identity("r", "clearlift", {"visitor": frozenset({VISITOR}), "user": frozenset({"ä user/7"})})


def hashed(org: str, id_: str) -> bytes:
    return hashlib.blake2b(f"{org}\0{id_}".encode(), digest_size=16).digest()


@pytest.fixture
def visits(inhabited: Inhabited) -> Inhabited:
    """Two organisations, each with sessions, touches, conversions and pages of two visitors."""
    for org in ("a3f7c2", "b8e9d1"):
        for number, visitor in enumerate((VISITOR, OTHER)):
            given = {"org": org, "visitor": hashed(org, visitor), "session": hashed(org, f"s{number}")}
            inhabited.postgres.execute(
                "insert into attribution.touches (app, day, org_tag, visitor, browser, session, at, session_begins,"
                " session_ends, named_platform, utm_campaign) values ('clearlift', '2026-06-01', %(org)s, %(visitor)s,"
                " %(visitor)s, %(session)s, '2026-06-01', '2026-06-01', '2026-06-01', 'meta', 'spring')",
                given,
            )
            inhabited.postgres.execute(
                "insert into attribution.conversions (app, day, org_tag, event, visitor, browser, at, value)"
                " values ('clearlift', '2026-06-01', %(org)s, %(session)s, %(visitor)s, %(visitor)s, '2026-06-01', 9)",
                given,
            )
            signed_in = {**given, "person": hashed(org, f"user-{number}" if number else "ä user/7")}
            inhabited.postgres.execute(
                "insert into attribution.sign_ins (app, day, org_tag, visitor, person, first_at, last_at)"
                " values ('clearlift', '2026-06-01', %(org)s, %(session)s, %(person)s, '2026-06-01', '2026-06-01')",
                signed_in,
            )
    for path in ("/", f"/welcome/{VISITOR}", f"/{VISITOR}/orders", f"/welcome/{OTHER}", "/%C3%A4%20user%2F7"):
        inhabited.postgres.execute(
            "insert into rollups.daily_pages (app, org_tag, day, page_hostname, page_path, events, visitors, sessions,"
            " value) values ('clearlift', 'a3f7c2', '2026-06-01', 'x.example', %s, 1, 1, 1, 0)",
            (path,),
        )
    return inhabited


def test_touches_go_revenue_and_counts_stay_and_nobody_elses_row_changes(visits: Inhabited) -> None:
    others = visits.postgres.fetch(
        "select * from attribution.touches where visitor = any(%s) order by org_tag",
        ([hashed(org, OTHER) for org in ("a3f7c2", "b8e9d1")],),
    )
    done = postgres_eraser(visits.rooms, CLEARLIFT).erase([ANNA])
    assert done.rows == 2 + 2 + 2 + 3
    assert visits.postgres.fetch("select * from attribution.touches order by org_tag") == others
    rows = visits.postgres.fetch(
        "select sum(value) as value, count(visitor) as n, count(browser) as m from attribution.conversions"
    )
    assert rows == [{"value": 36, "n": 2, "m": 2}]
    assert (
        visits.postgres.fetch(
            "select distinct person from attribution.sign_ins where person = any(%s)",
            ([hashed(org, "ä user/7") for org in ("a3f7c2", "b8e9d1")],),
        )
        == []
    )
    pages = visits.postgres.fetch("select page_path, events from rollups.daily_pages order by page_path")
    paths = [row["page_path"] for row in pages]
    assert len(pages) == 5
    assert {"/", f"/welcome/{OTHER}"} <= set(paths)
    assert sum(path.startswith("[erased] ") for path in paths) == 3
    assert postgres_eraser(visits.rooms, CLEARLIFT).erase([ANNA]).rows == 0


def test_another_app_keeps_its_rows(visits: Inhabited) -> None:
    visits.postgres.execute("update attribution.touches set app = 'sesh' where org_tag = 'b8e9d1'")
    postgres_eraser(visits.rooms, CLEARLIFT).erase([ANNA])
    (left,) = visits.postgres.fetch("select count(*) as n from attribution.touches where app = 'sesh'")
    assert left["n"] == 2


def test_keys_that_name_a_user_go_and_values_that_hold_an_id_are_made_again(inhabited: Inhabited) -> None:
    sesh, dashboards = inhabited.kv["sesh"], inhabited.kv["clearlift"]
    names = [f"user:{user}:{what}" for user in ("u-1%20x", "u-2") for what in ("preferences", "inventory", "profile")]
    sesh.put_many(Entry(key, b"{}") for key in (*names, "strain:1", "user:u-1%20x:inventory:page:1"))
    user = Identity("r", "sesh", {"user": frozenset({"u-1 x"})})
    eraser = kv_eraser(inhabited.rooms, SESH)
    assert eraser is not None
    assert eraser.erase([user]).objects == 4
    assert sorted(key.name for key in sesh.list()) == [
        "strain:1", "user:u-2:inventory", "user:u-2:preferences", "user:u-2:profile",
    ]  # fmt: skip
    assert eraser.erase([user]).objects == 0

    held = {"a3f7c2": f"/welcome/{VISITOR}", "b8e9d1": f"/welcome/{OTHER}"}
    for org, path in held.items():
        key = f"dashboard:{org}:top_pages:7d"
        dashboards.put_many([Entry(key, json.dumps([{"path": path}]).encode())])
        inhabited.postgres.execute(
            "insert into cache.entries (namespace, key, family, hash, bytes, expires_at, written_at)"
            " values ('clearlift', %s, 'top_pages', '', 1, now(), now())",
            (key,),
        )
    other = kv_eraser(inhabited.rooms, CLEARLIFT)
    assert other is not None
    assert other.erase([ANNA]).objects == 1
    assert [key.name for key in dashboards.list()] == ["dashboard:b8e9d1:top_pages:7d"]
    assert inhabited.postgres.fetch("select key from cache.entries") == [{"key": "dashboard:b8e9d1:top_pages:7d"}]


def test_texts_in_rows_of_others_of_an_own_database_are_replaced(inhabited: Inhabited) -> None:
    """JSON stays JSON, and a longer id is somebody else's."""
    lead = "00000000-0000-4000-8000-000000000017"
    for page, properties in (
        (f"/hello/{lead}", f'{{"of": "{lead}"}}'),
        (f"/hello/{lead}0", f'{{"{lead}0": 1}}'),
        ("/", "{}"),
    ):
        inhabited.growth.execute(
            "insert into analytics.events (type, name, page, properties) values ('page_view', 'view', %s, %s::jsonb)",
            (page, properties),
        )
    eraser = app_postgres_eraser(inhabited.rooms, GROWTH)
    assert eraser is not None
    identity = Identity("r", "growth", {"lead": frozenset({lead})})
    assert eraser.erase([identity]).rows == 2
    rows = inhabited.growth.fetch("select page, properties from analytics.events order by page")
    assert [row["properties"] for row in rows] == [{}, {f"{lead}0": 1}, {}]
    assert [row["page"] for row in rows[:2]] == ["/", f"/hello/{lead}0"]
    assert rows[2]["page"].startswith("[erased] ")
    assert eraser.erase([identity]).rows == 0


def test_short_ids_are_not_looked_for_in_texts() -> None:
    short = Identity("r", "sesh", {"user": frozenset({"7", "abc"})})
    assert texts.needles([short]) == []
    assert texts.patterns([]) == []
