"""A person is found wherever it lies in a store, and nowhere else; what stays for a reason says so."""

import base64
import gzip
import hashlib
import io
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster import AssetMaterialization, AssetObservation

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.consignment import APP as CONSIGNMENT
from assets.apps.growth import APP as GROWTH
from assets.apps.personal import Person
from assets.apps.sesh import APP as SESH
from assets.events.table import events_table
from assets.privacy.identity import Identity
from assets.rooms import EmbeddedServer
from assets.search import canary, certify, objects, postgres
from assets.search.look import Look
from assets.search.needles import Needles
from assets.search.seen import Hit
from resources.kv import Entry
from resources.lake import PartitionKey
from resources.postgres import Postgres
from tests.assets.rollups.event_lake import event, frame
from tests.assets.search.conftest import Searched
from tests.conftest import FOLDER

TAG, NOW = "a3f7c2", "2026-05-01T12:00:00.000Z"
MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
Put = Callable[[Searched, str], None]


def member(on: Searched, subject: str) -> None:
    row = [subject, f"{subject}@example.org", "https://sample.example", f"sub {subject}"]
    on.stores.d1(CLEARLIFT).upsert("users", ["id", "email", "issuer", "access_sub"], [row], ["id"])


def deleted_member(on: Searched, subject: str) -> None:
    member(on, subject)
    on.stores.d1(CLEARLIFT).execute("delete from users where id = ?", [subject])


def session(on: Searched, subject: str) -> None:
    hashed = hashlib.blake2b(f"{TAG}\0{subject}".encode(), digest_size=16).digest()
    names = "landing_hostname landing_path exit_hostname exit_path first_source first_medium first_campaign last_source"
    texts = f"{names} last_medium last_campaign".split()
    on.stores.postgres.execute(
        f"insert into sessions.daily (app, org_tag, day, origin, session, visitor, started_at, ended_at,"
        f" duration_seconds, events, page_views, bounced, {', '.join(texts)}) values ('clearlift', %(tag)s,"
        f" '2026-05-01', 'tracker', %(other)s, %(visitor)s, '2026-05-01', '2026-05-01', 1, 1, 1, true,"
        f" {', '.join(['%(empty)s'] * len(texts))})",
        {"tag": TAG, "visitor": hashed, "other": uuid.uuid4().bytes, "empty": ""},
    )


def path(on: Searched, subject: str) -> None:
    on.stores.postgres.execute(
        "insert into rollups.daily_pages (app, day, org_tag, page_hostname, page_path, events, visitors, sessions,"
        " value) values ('clearlift', '2026-05-01', %(tag)s, 'x', %(path)s, 1, 1, 1, 0)",
        {"tag": TAG, "path": f"/people/{quote(subject, safe='')}/cart"},
    )


def taken(on: Searched, subject: str) -> None:
    on.stores.postgres.execute(
        "insert into archive.tombstones (app, subject_kind, subject_hash, erased_at)"
        " values ('clearlift', 'visitor', %(hash)s, '2026-05-01')",
        {"hash": hashlib.sha256(f"visitor:{subject}".encode()).digest()},
    )


def in_r2(key: str, content: Callable[[str], bytes]) -> Put:
    def put(on: Searched, subject: str) -> None:
        on.stores.object_store.put(key.format(subject), content(subject))

    return put


def line(subject: str) -> bytes:
    return json.dumps({"user_id": subject}).encode()


def refused(subject: str) -> bytes:
    return gzip.compress(json.dumps({"line": 1, "raw": base64.b64encode(line(subject)).decode()}).encode())


def event_of(on: Searched, subject: str) -> None:
    rows = [event(org_tag=TAG, timestamp=MAY, anonymous_id=subject, event_data=json.dumps({"who": subject}))]
    table = on.stores.lake.table(events_table(CLEARLIFT))
    table.append(table.write([(PartitionKey(TAG, MAY.date()), frame(rows))]), f"batch {subject}")


def left_file(on: Searched, subject: str) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"user_id": [subject] * 9}), file, compression="zstd", write_statistics=False)
    on.stores.object_store.put("data/events/old/left.parquet", file.getvalue())


def key(on: Searched, subject: str) -> None:
    on.stores.kv(CLEARLIFT).put_many([Entry(f"user:{subject}:profile", b"{}")])


def value(on: Searched, subject: str) -> None:
    on.stores.kv(CLEARLIFT).put_many([Entry("a value", json.dumps([f"/x/{subject}"]).encode())])


def metadata(on: Searched, subject: str) -> None:
    on.stores.kv(CLEARLIFT).put_many([Entry("metadata", b"", metadata={"of": subject})])


def materialization(on: Searched, subject: str) -> None:
    preview = {"preview": f"| event | {subject} |"}
    on.instance.report_runless_asset_event(AssetMaterialization(["clearlift", "events"], metadata=preview))


def long_observation(on: Searched, subject: str) -> None:
    long = {"text": "x" * 9000 + f" {subject} " + "y" * 9000}
    on.instance.report_runless_asset_event(AssetObservation(["clearlift", "events"], metadata=long))


PLACES: dict[str, tuple[Put, Person, str]] = {
    "a row of D1": (member, "member", "d1"),
    "a deleted row of D1": (deleted_member, "member", "d1"),
    "a hash in Postgres": (session, "visitor", "postgres"),
    "a path in Postgres": (path, "visitor", "postgres"),
    "landing": (in_r2("landing/events/2026/05/01/12/a.gz", lambda s: gzip.compress(line(s))), "user", "r2"),
    "quarantine": (in_r2("quarantine/events/a.ndjson.gz", refused), "user", "r2"),
    "an archive": (in_r2("archive/clearlift/events/2026Q1/a3f7c2/part-1.jsonl.gz", lambda s: gzip.compress(line(s))),
                   "user", "r2"),
    "the name of an object": (in_r2("landing/events/2026/05/01/12/{}.gz", lambda _: gzip.compress(b"")), "user", "r2"),
    "a prefix that nobody knows": (in_r2("elsewhere/a.json", line), "user", "r2"),
    "the lake": (event_of, "visitor", "r2"),
    "a data file that no snapshot names": (left_file, "user", "r2"),
    "a key of KV": (key, "user", "kv"),
    "a value of KV": (value, "user", "kv"),
    "metadata of KV": (metadata, "user", "kv"),
    "an event of Dagster": (materialization, "visitor", "dagster"),
    "a long event of Dagster": (long_observation, "visitor", "dagster"),
}  # fmt: skip


def identity(name: str, kind: Person = "user", app: str = "clearlift") -> Identity:
    return Identity(name, app, {kind: frozenset({uuid.uuid5(uuid.NAMESPACE_URL, name).hex})})


def found(on: Searched, *identities: Identity, app: Any = CLEARLIFT) -> list[Hit]:
    return certify.search(on.stores, app, identities, on.instance)


def test_a_person_is_found_wherever_it_lies_and_nowhere_else(searched: Searched) -> None:
    identities = {name: identity(name, kind) for name, (_, kind, _) in PLACES.items()}
    nobody = identity("nobody")
    for name, (put, kind, _) in PLACES.items():
        put(searched, next(iter(identities[name].ids[kind])))
    hits = found(searched, *identities.values(), nobody)
    assert {hit.request for hit in hits if hit.place != "kv" or not hit.name.endswith("sqlite-wal")} == set(PLACES)
    for name, (_, _, place) in PLACES.items():
        assert {hit.place for hit in hits if hit.request == name} == {place}
        assert not any(hit.kept for hit in hits if hit.request == name)
    shown = repr(hits)
    assert not any(subject in shown for who in identities.values() for ids in who.ids.values() for subject in ids)
    assert {hit.name for hit in hits if hit.request == "the name of an object"} == {"landing/events/2026/05/01/12/….gz"}


def test_what_stays_for_a_reason_says_so(searched: Searched) -> None:
    who = identity("in a tombstone", "visitor")
    taken(searched, next(iter(who.ids["visitor"])))
    (hit,) = found(searched, who)
    assert (hit.place, hit.name, hit.encoding) == ("postgres", "archive.tombstones", "hash")
    assert hit.kept == "a restore reads it and leaves out who was erased"
    certificate = certify.certify(searched.stores, CLEARLIFT, [who], searched.instance)
    assert certificate.remaining == []
    assert all(certificate.read[place] > 1000 for place in ("d1", "postgres", "r2", "dagster"))


def test_a_user_of_another_application_with_the_same_id_is_no_hit(searched: Searched) -> None:
    who = identity("of sesh", app="clearlift")
    subject = next(iter(who.ids["user"]))
    searched.stores.postgres.execute(
        "insert into cache.entries (namespace, family, key, tenant, hash, bytes, written_at, expires_at)"
        " values ('sesh', 'user_preferences', %(key)s, %(id)s, '', 1, '2026-05-01', '2026-05-02')",
        {"key": f"user:{subject}:preferences", "id": subject},
    )
    searched.stores.object_store.put(f"user-media/{subject}/s/a.jpg", b"")
    assert {hit.kept for hit in found(searched, who)} == {postgres.ELSEWHERE}
    of_sesh = Identity("of sesh", "sesh", who.ids)
    hits = found(searched, of_sesh, app=SESH)
    assert {(hit.place, hit.kept) for hit in hits} == {("postgres", ""), ("r2", "")}


def test_every_application_is_searched(searched: Searched) -> None:
    consignor, subject = identity("a consignor", app="consignment"), str(uuid.uuid4())
    lead = Identity("a lead", "growth", {"lead": frozenset({subject})})
    names = ["id", "user_id", "name", "email", "phone", "created_at", "updated_at"]
    row = [1, next(iter(consignor.ids["user"])), "a name", "an address", "a number", NOW, NOW]
    searched.stores.d1(CONSIGNMENT).upsert("consignors", names, [row], ["id"])
    assert {hit.place for hit in found(searched, consignor, app=CONSIGNMENT)} == {"d1"}
    searched.stores.app_postgres(GROWTH).execute(
        "insert into pipelines.audit_log (made_by, table_name, row_id, operation, columns, new_values)"
        " values ('anon', 'marketing.leads', %(id)s, 'insert', '{}', '{}')",
        {"id": subject},
    )
    (hit,) = found(searched, lead, app=GROWTH)
    assert (hit.place, hit.name) == ("app_postgres", "pipelines.audit_log")
    assert hit.kept.startswith("ids alone")


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("archive/clearlift/events/2026Q1/x/part-cut.jsonl.gz", ""),
        ("elsewhere/part-cut.jsonl.gz", ""),
        ("quarantine/events/part-cut.whole", objects.SENT),
        ("landing/events/2026/05/01/12/part-cut.gz", objects.SENT),
    ],
)
def test_nobody_knows_what_a_damaged_object_holds(searched: Searched, key: str, why: str) -> None:
    store = searched.stores.object_store
    store.put(key, gzip.compress(b"x" * 99)[:-9])
    try:
        (hit,) = found(searched, identity("nobody at all"))
        assert (hit.place, hit.encoding, hit.count, hit.kept) == ("r2", "unreadable", 0, why)
        assert "part-cut" in hit.name
    finally:
        store.delete(key)


@pytest.mark.parametrize("place", ["r2", "d1", "postgres"])
def test_a_search_that_does_not_see_says_so(searched: Searched, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    search = {"r2": "objects.search_objects", "d1": "d1.search_d1", "postgres": "postgres.search_postgres"}[place]
    monkeypatch.setattr(f"assets.search.{search}", lambda *_: None)
    with pytest.raises(canary.BlindSearchError, match=place):
        found(searched, identity("nobody"))
    assert list(searched.stores.object_store.list("search")) == []


def test_the_files_of_a_server_are_searched(
    searched: Searched, pytestconfig: pytest.Config, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = identity("deleted in Postgres")
    subject = next(iter(who.ids["user"]))
    with Postgres(postgres_dsn) as database:
        database.execute("create table people as select %(id)s as id from generate_series(1, 9)", {"id": subject})
        database.execute("delete from people")
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("checkpoint")
    server = EmbeddedServer(pytestconfig.stash[FOLDER], {})
    monkeypatch.setattr(type(searched.stores), "embedded_postgres", property(lambda _: server))
    look = Look(searched.stores, CLEARLIFT, [who], Needles([who]))
    postgres.search_server(look)
    assert any(hit.name.startswith("base/") for hit in look.hits())
    assert Path(server.folder).exists()
