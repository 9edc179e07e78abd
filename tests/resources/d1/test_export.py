"""Exports, bookmarks and the rate limit, with the embedded room and the stand-in: the local runtime lacks them."""

import io
import re
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from resources.d1 import D1, CloudflareD1, D1Error, EmbeddedD1, Statement
from resources.http import HttpError, Session
from tests.standin.cloudflare import DATABASE, TOKEN, Cloudflare
from tests.standin.loopback import Fault
from tests.standin.waits import Waits

SCHEMA = (
    "create table parents (id text primary key, n integer, b blob, r real)",
    "create table children (id integer primary key autoincrement, parent text references parents, note text)",
    "create index children_parent on children (parent)",
    "create trigger noted after insert on children begin update parents set n = n + 1 where id = new.parent; end",
    "create view both as select * from parents join children on parent = parents.id",
)
ROWS = [("a'b", 2**60 + 1, b"\0\xff", 0.1), ("ü\n\U0001f680", None, None, 1e-300)]


@pytest.fixture(params=["embedded", "standin"])
def filled_d1(request: pytest.FixtureRequest, tmp_path: Path) -> D1:
    database: D1 = (
        EmbeddedD1(tmp_path / "d1.sqlite") if request.param == "embedded" else request.getfixturevalue("standin_d1")
    )
    database.batch([Statement(sql) for sql in SCHEMA])
    database.upsert("parents", ["id", "n", "b", "r"], ROWS, ["id"])
    database.execute("insert into children (parent, note) values (?, ?)", ("a'b", "line; one\n--two"))
    return database


def restored(dump: bytes) -> list[list[tuple[object, ...]]]:
    copy = sqlite3.connect(":memory:")
    copy.executescript(dump.decode())
    reads = ("parents order by n", "children", "both", "sqlite_sequence")
    answers = [copy.execute(f"select * from {read}").fetchall() for read in reads]
    copy.close()
    return answers


def test_an_export_restores_to_the_same_database(filled_d1: D1, tmp_path: Path) -> None:
    dump = io.BytesIO()
    size = filled_d1.export(dump)
    assert size == len(dump.getvalue())
    path = tmp_path / "dump.sql"
    assert filled_d1.export(path) == size
    assert path.read_bytes() == dump.getvalue()
    assert not list(tmp_path.glob("*.part"))

    parents, children, _, sequence = restored(dump.getvalue())
    assert parents == [ROWS[1], ("a'b", 2**60 + 2, b"\0\xff", 0.1)]
    assert children == [(1, "a'b", "line; one\n--two")]
    assert sequence == [("children", 1)]
    assert not re.search(rb"(?m)^(BEGIN|COMMIT)", dump.getvalue())


def test_an_export_with_a_virtual_table_is_refused_by_name(filled_d1: D1, tmp_path: Path) -> None:
    filled_d1.execute("create virtual table notes_fts using fts5(note)")
    with pytest.raises(D1Error, match="virtual tables"):
        filled_d1.export(tmp_path / "dump.sql")
    assert not (tmp_path / "dump.sql").exists()


def test_the_export_keeps_polling_and_carries_no_token_to_the_dump(
    standin_d1: CloudflareD1, cloudflare_api: Cloudflare, waits: Waits
) -> None:
    standin_d1.execute("create table t (id)")
    cloudflare_api.loopback.fail(Fault("cut", "/dumps/"), Fault("status", "/export", status=503))
    dump = io.BytesIO()
    standin_d1.export(dump)
    assert b"CREATE TABLE t" in dump.getvalue()
    polls = [request.json for request in cloudflare_api.loopback.requests if request.path.endswith("/export")]
    assert "current_bookmark" not in polls[1]
    assert polls[2]["current_bookmark"] == polls[3]["current_bookmark"]
    assert waits.slept.count(1.0) == 2
    downloads = [request for request in cloudflare_api.loopback.requests if request.path.startswith("/dumps/")]
    assert len(downloads) == 2
    assert not any(TOKEN in str(request.headers) for request in downloads)


def test_bookmarks_of_now_and_of_a_moment(standin_d1: CloudflareD1) -> None:
    moment = datetime(2026, 11, 1, 14, 30, tzinfo=timezone(timedelta(hours=2)))
    assert standin_d1.bookmark() == "00000000-00000000-now"
    assert standin_d1.bookmark(moment) == "00000000-00000000-2026-11-01T12:30:00Z"
    assert standin_d1.bookmark(moment.astimezone(UTC)) == standin_d1.bookmark(moment)


def test_a_thousand_rows_are_one_request(standin_d1: CloudflareD1, cloudflare_api: Cloudflare) -> None:
    standin_d1.execute("create table t (id text primary key, v integer)")
    before = len(cloudflare_api.loopback.requests)
    assert standin_d1.upsert("t", ["id", "v"], [(str(i), i) for i in range(1_000)], ["id"]) == 1_000
    assert len(cloudflare_api.loopback.requests) - before == 1


def test_big_integers_cost_a_second_request_and_are_never_damaged(
    standin_d1: CloudflareD1, cloudflare_api: Cloudflare
) -> None:
    assert standin_d1.query("select 9007199254740991 as a") == [{"a": 2**53 - 1}]
    assert len(cloudflare_api.loopback.requests) == 1
    assert standin_d1.query("select 9007199254740993 as a, 'x' as b;") == [{"a": 2**53 + 1, "b": "x"}]
    assert len(cloudflare_api.loopback.requests) == 3

    standin_d1.execute("create table t (n integer)")
    with pytest.raises(D1Error, match=r"the statement ran, but it returns an integer beyond 2\^53: cast it to text"):
        standin_d1.query("insert into t values (9007199254740993) returning n")
    assert standin_d1.query("select n from t") == [{"n": 2**53 + 1}]


def test_no_token_reaches_a_repr_or_an_error(cloudflare_api: Cloudflare, cloudflare_session: Session) -> None:
    stranger = CloudflareD1(cloudflare_session, "f" * 32, DATABASE, api=cloudflare_api.api)
    with pytest.raises(HttpError, match="code 7003") as refused:
        stranger.query("select 1")
    assert TOKEN not in repr(stranger) + repr(cloudflare_session) + repr(refused.value) + str(refused.value)
