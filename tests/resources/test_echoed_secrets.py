"""No client shows a secret that its service repeats: neither in its errors nor in what they are raised from."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import psycopg
import pytest

from resources.ad_platforms.access import Access
from resources.cloudflare import api_session
from resources.d1 import CloudflareD1
from resources.http import Patience, Session
from resources.kv import CloudflareKV
from resources.lake.catalogs import rest_catalog, sql_catalog
from resources.pacing import Pacing, Rate
from resources.postgres import Postgres
from resources.postgres.client import PostgresUnreachableError
from resources.r2 import Bucket, BucketObjectStore
from resources.r2.sql import R2Sql
from tests.resources.shown import everything
from tests.standin.echo import ECHOES, echoing_postgres
from tests.standin.loopback import Loopback, Reply, Request

SECRET = "hush/Secret+0123=abcdefgh-IJKL"
PIECE = 8
IMPATIENT = Patience(connect=2, read=10, waiting=0, tries=1)


def pieces(secret: str) -> list[str]:
    return [secret[i : i + PIECE] for i in range(len(secret) - PIECE + 1)]


def unseen(secret: str, shown: str) -> bool:
    return not [piece for piece in pieces(secret) + pieces(quote(secret, safe="")) if piece in shown]


@pytest.fixture(params=ECHOES)
def service(request: pytest.FixtureRequest) -> Iterator[Loopback]:
    with Loopback(ECHOES[request.param]) as served:
        yield served


def _session(token: str) -> Session:
    return api_session(token, Pacing(Rate(1e6, 1e6)), patience=IMPATIENT)


def _refresh(url: str) -> None:
    access = Access(
        account_id="1",
        oauth={},
        app={"client_id": "us", "client_secret": SECRET},
        store=lambda _: None,
        pacing=Pacing(Rate(1e6, 1e6)),
        clock=lambda: datetime.now(UTC),
        patience=IMPATIENT,
    )
    access.refreshed(access.session("Platform", dict), url, SECRET)


def _list(url: str) -> None:
    bucket = Bucket(endpoint=url, name="lake", access_key_id="key", secret_access_key=SECRET)
    [*BucketObjectStore(bucket, retries=0).list("x/")]


CLIENTS: dict[str, Callable[[str], object]] = {
    "D1": lambda url: CloudflareD1(_session(SECRET), "a", "d", api=url).query("select 1"),
    "KV": lambda url: [*CloudflareKV(_session(SECRET), "a", "n", api=url).list()],
    "KV in bulk": lambda url: CloudflareKV(_session(SECRET), "a", "n", api=url).get_many(["k"]),
    "R2": _list,
    "R2 SQL": lambda url: R2Sql(_session(SECRET), "a", "b", api=url).query("select 1"),
    "ad platform": _refresh,
    "lake": lambda url: rest_catalog(url, "w", SECRET, patience=IMPATIENT).load_table("a.b"),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_service_may_repeat_what_it_was_sent(
    client: str, service: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(Exception, match=r"\w") as raised:
        CLIENTS[client](service.url)
    assert unseen(SECRET, everything(raised.value))
    assert unseen(SECRET, caplog.text)


@pytest.mark.parametrize("echo", ECHOES)
def test_a_catalog_may_repeat_it_at_any_call(echo: str) -> None:
    calls = {"config": 0}

    def answer(request: Request) -> Reply:
        if request.path.endswith("/config"):
            calls["config"] += 1
            return Reply({"defaults": {}, "overrides": {}})
        return ECHOES[echo](request)

    with Loopback(answer) as served:
        catalog = rest_catalog(served.url, "w", SECRET, patience=IMPATIENT)
        asked: list[Callable[[], object]] = [
            lambda: catalog.load_table("a.b"),
            lambda: catalog.list_tables("a"),
            lambda: catalog.load_namespace_properties("a"),
        ]
        for ask in asked:
            with pytest.raises(Exception, match=r"\w") as raised:
                ask()
            assert unseen(SECRET, everything(raised.value))
        catalog.close()
    assert calls["config"] == 1


ENCODED = quote(SECRET, safe="")


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://user:{ENCODED}@127.0.0.1:PORT/db?connect_timeout=5",
        f"host=127.0.0.1 port=PORT user=u dbname=d password='{SECRET}'",
        f"postgresql://user@127.0.0.1:PORT/db?password={ENCODED}",
        # Not encoded, so that libpq takes its end for the host.
        f"postgresql://user:first{SECRET.replace('/', '@')}@127.0.0.1:PORT/db",
    ],
)
def test_postgres_may_repeat_the_password(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    with echoing_postgres() as port:
        filled = dsn.replace("PORT", str(port))
        with Postgres(filled) as postgres:
            with pytest.raises(PostgresUnreachableError, match="no connection") as raised:
                postgres.fetch("select 1")
            shown = everything(raised.value) + repr(postgres) + postgres.address + caplog.text
            assert unseen(SECRET.replace("/", "@"), shown)
            assert unseen(SECRET, shown)


@pytest.mark.parametrize("dsn", [f"postgresql://user:{SECRET}%zz@h/db", f"postgresql://u@h/db?{SECRET}=1"])
def test_a_connection_string_that_cannot_be_read_is_not_repeated(dsn: str) -> None:
    for use in (lambda: Postgres(dsn).fetch("select 1"), lambda: sql_catalog(dsn, "file:///w", {})):
        with pytest.raises(ValueError, match="cannot be read") as raised:
            use()
        assert unseen(SECRET, everything(raised.value))


def test_a_statement_may_repeat_the_password(postgres_dsn: str) -> None:
    parts = {**psycopg.conninfo.conninfo_to_dict(postgres_dsn), "password": SECRET}
    with Postgres(psycopg.conninfo.make_conninfo("", **parts)) as postgres:
        with pytest.raises(psycopg.Error, match="refused: ") as raised:
            postgres.execute(f"do $$ begin raise exception 'refused: {SECRET}'; end $$")
        assert unseen(SECRET, everything(raised.value))


def test_the_lakes_own_catalog_may_not_show_it_either() -> None:
    with echoing_postgres() as port:
        dsn = f"postgresql://user:{ENCODED}@127.0.0.1:{port}/db"
        with pytest.raises(Exception, match="no entry with") as raised:
            sql_catalog(dsn, "file:///w", {})
        assert unseen(SECRET, everything(raised.value))
