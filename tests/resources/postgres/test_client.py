"""Transactions, settings, locks and errors, through the direct and the pooled port."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest

from resources.postgres import LockHeldError, Postgres, PostgresUnreachableError, embedded, stream
from tests.resources.postgres.transaction_pooler import pooler


@pytest.fixture
def client(way: str) -> Iterator[Postgres]:
    with Postgres(way, wait_seconds=30) as made:
        yield made


def test_rows_are_dicts(client: Postgres) -> None:
    assert client.fetch("select %s::int as a, null as b", (1,)) == [{"a": 1, "b": None}]
    assert client.fetch("select %(x)s::text as x, '100%%' as y", {"x": "é"}) == [{"x": "é", "y": "100%"}]
    assert client.fetch("select '100%' as y") == [{"y": "100%"}]


def test_execute_counts_and_takes_scripts(client: Postgres) -> None:
    client.execute("create table t (a int); insert into t values (1), (2); insert into t values (3)")
    assert client.execute("update t set a = a + 1 where a > %s", (1,)) == 2
    assert client.execute("create table u (a int)") == 0
    assert [row["a"] for row in client.fetch("select a from t order by a")] == [1, 3, 4]


def test_a_block_is_one_transaction(client: Postgres) -> None:
    client.execute("create table t (a int primary key)")
    with client.connection() as connection:
        connection.execute("insert into t values (1)")
        connection.execute("insert into t values (2)")

    def broken_by_us() -> None:
        with client.connection() as connection:
            connection.execute("insert into t values (3)")
            raise ZeroDivisionError

    def broken_by_the_server() -> None:
        with client.connection() as connection:
            connection.execute("insert into t values (4)")
            connection.execute("insert into t values (1)")

    with pytest.raises(ZeroDivisionError):
        broken_by_us()
    with pytest.raises(psycopg.errors.UniqueViolation):
        broken_by_the_server()
    assert client.fetch("select count(*) as n from t") == [{"n": 2}]


def test_a_swallowed_error_cannot_commit(client: Postgres) -> None:
    client.execute("create table t (a int primary key)")

    def swallowing() -> None:
        with client.connection() as connection:
            connection.execute("insert into t values (1)")
            with suppress(psycopg.errors.DivisionByZero):
                connection.execute("select 1/0")

    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        swallowing()
    assert client.fetch("select * from t") == []


def test_a_savepoint_undoes_its_part_alone(client: Postgres) -> None:
    client.execute("create table t (a int primary key)")
    with client.connection() as connection:
        connection.execute("insert into t values (1)")
        with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
            connection.execute("insert into t values (1)")
        connection.execute("insert into t values (2)")
    assert client.fetch("select count(*) as n from t") == [{"n": 2}]


def test_statements_end_in_time(way: str) -> None:
    with Postgres(way, statement_timeout=1) as client:
        with pytest.raises(psycopg.errors.QueryCanceled):
            client.fetch("select pg_sleep(20)")
        assert client.fetch("select 1 as a") == [{"a": 1}]


def test_role_schema_and_time_zone_last_for_one_transaction(way: str, postgres_dsn: str) -> None:
    name = f"reader_{postgres_dsn.partition('?')[0].rpartition('/')[2]}"
    with Postgres(postgres_dsn) as admin:
        admin.execute(f"create role {name}; create schema own; grant usage on schema own to {name}")
        admin.execute("create table own.t (a int); set timezone = 'Asia/Tokyo'")
    now = "select current_user as u, current_schema as s, current_setting('TimeZone') as z"
    try:
        with Postgres(way, role=name, schema="own") as reader, Postgres(way) as plain:
            for _ in range(4):
                assert reader.fetch(now) == [{"u": name, "s": "own", "z": "UTC"}]
                assert plain.fetch(now) == [{"u": "postgres", "s": "public", "z": "UTC"}]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.fetch("select * from t")
    finally:
        with Postgres(postgres_dsn) as admin:
            admin.execute(f"drop owned by {name}; drop role {name}")


def test_the_pooler_of_these_tests_shows_what_it_must(postgres_dsn: str) -> None:
    with pooler(postgres_dsn) as dsn, psycopg.connect(dsn, autocommit=True) as naive:
        naive.execute("set statement_timeout = '77s'")
        seen = [naive.execute("show statement_timeout").fetchone() for _ in range(3)]
        assert ("77s",) in seen
        assert ("0",) in seen


def test_a_lock_keeps_others_out(client: Postgres, way: str) -> None:
    with Postgres(way) as other:
        with client.lock("a") as connection:
            assert connection.execute("select 1 as a").fetchall() == [{"a": 1}]
            for seconds in (0, 0.05):
                with pytest.raises(LockHeldError, match="'a'"), other.lock("a", wait_seconds=seconds):
                    pytest.fail("two hold the lock")
            with other.lock("b", wait_seconds=0):
                pass
        with other.lock("a", wait_seconds=0) as connection:
            settings = "select current_setting('statement_timeout') as s, current_setting('lock_timeout') as l"
            assert connection.execute(settings).fetchall() == [{"s": "5min", "l": "0"}]


def test_a_lock_counts_exactly(client: Postgres) -> None:
    client.execute("create table t (n int); insert into t values (0)")

    def add() -> None:
        for _ in range(10):
            with client.lock("counter") as connection:
                found = connection.execute("select n from t").fetchone()
                assert found is not None
                connection.execute("update t set n = %s", (found["n"] + 1,))

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.fetch("select n from t") == [{"n": 30}]


def test_a_lock_that_is_held_lets_the_server_remove_what_is_deleted_meanwhile(client: Postgres) -> None:
    with client.lock("held") as connection:
        (held,) = connection.execute("select pg_backend_pid() as pid").fetchall()
    with client.lock("held"):
        rows = client.fetch("select backend_xmin from pg_stat_activity where pid = %s", (held["pid"],))
    assert [row["backend_xmin"] for row in rows] == [None]


def test_a_failed_block_frees_the_lock(client: Postgres) -> None:
    with pytest.raises(ZeroDivisionError), client.lock("a"):
        raise ZeroDivisionError
    with client.lock("a", wait_seconds=0):
        pass


def test_streams_in_batches(client: Postgres) -> None:
    with client.connection() as connection:
        batches = list(stream(connection, "select generate_series(1, %s) as n", (7,), batch=3))
    assert [[row["n"] for row in batch] for batch in batches] == [[1, 2, 3], [4, 5, 6], [7]]


def test_error_texts_hold_no_values(client: Postgres) -> None:
    client.execute("create table people (id int primary key, email text unique, age int check (age > 0))")
    client.execute("insert into people values (1, 'ann@example.com', 5)")
    for statement, expected in {
        "insert into people values (2, 'ann@example.com', 5)": "23505; table people, constraint people_email_key",
        "insert into people values (2, 'ann@example.com', -7654321)": "SQLSTATE 23514; table people",
        "select 'ann@example.com'::int": "SQLSTATE 22P02",
        "insert into people values (null, 'ann@example.com', 1)": "SQLSTATE 23502; table people, column id",
    }.items():
        with pytest.raises(psycopg.Error, match=expected) as raised:
            client.execute(statement)
        assert "ann@" not in str(raised.value)
        assert "7654321" not in str(raised.value)


def test_a_restarted_server_is_found_again(postgres_dsn: str) -> None:
    with Postgres(postgres_dsn, max_connections=2) as client, Postgres(postgres_dsn) as killer:
        with client.connection() as first, client.connection() as second:
            pids = [first.info.backend_pid, second.info.backend_pid]
        assert all(row["ended"] for row in killer.fetch("select pg_terminate_backend(unnest(%s)) as ended", (pids,)))
        for _ in range(3):
            assert client.fetch("select 1 as a") == [{"a": 1}]


def test_an_absent_server_is_one_clear_error(tmp_path: object) -> None:
    with Postgres(f"postgresql://u:the-secret@/db?host={tmp_path}", wait_seconds=0.2) as client:
        with pytest.raises(PostgresUnreachableError, match="/db: no connection: ") as raised:
            client.fetch("select 1")
        assert "the-secret" not in str(raised.value)


def test_a_full_pool_says_so(postgres_dsn: str) -> None:
    with (
        Postgres(postgres_dsn, max_connections=1, wait_seconds=2) as client,
        client.connection(),
        pytest.raises(PostgresUnreachableError, match="1 connection is in use"),
    ):
        client.fetch("select 1")


def test_what_is_held_takes_no_place_of_work(postgres_dsn: str) -> None:
    with Postgres(postgres_dsn, max_connections=1, wait_seconds=2) as client:
        client.execute("create table t (a int)")
        with client.lock("outer") as held, client.lock("inner"), client.connection(one_moment=True) as moment:
            held.execute("insert into t values (1)")
            assert moment.execute("select count(*) as n from t").fetchall() == [{"n": 0}]
            client.execute("insert into t values (2)")
            assert client.fetch("select a from t") == [{"a": 2}]
        assert client.fetch("select a from t order by a") == [{"a": 1}, {"a": 2}]


def test_a_pool_of_one_whose_server_was_restarted_still_gives_transactions(postgres_dsn: str) -> None:
    with (
        Postgres(postgres_dsn, schema="pg_catalog", max_connections=1) as client,
        Postgres(postgres_dsn) as killer,
    ):
        (row,) = client.fetch("select pg_backend_pid() as pid")
        killer.fetch("select pg_terminate_backend(%s) as ended", (row["pid"],))
        assert client.fetch("select current_setting('search_path') as path") == [{"path": "pg_catalog"}]


def test_no_secret_is_shown() -> None:
    client = Postgres("postgresql://u:the-secret@db.example.com:6543/app", role="service_role")
    assert repr(client) == "Postgres('db.example.com:6543/app', role='service_role', schema=None)"
    broken = Postgres("postgresql://u:the-secret@host:65 43/app?nonsense")
    with pytest.raises(ValueError, match="connection string cannot be read") as raised:
        broken.fetch("select 1")
    assert "the-secret" not in str(raised.value)


def test_nothing_is_opened_before_the_first_use() -> None:
    def never() -> str:
        raise AssertionError("called too early")

    client = Postgres(never)
    assert repr(client) == "Postgres('embedded', role=None, schema=None)"
    client.close()


def test_a_closed_client_opens_again(postgres_dsn: str) -> None:
    client = Postgres(lambda: postgres_dsn)
    assert client.fetch("select 1 as a") == [{"a": 1}]
    client.close()
    assert client.fetch("select 2 as a") == [{"a": 2}]
    client.close()
    assert embedded.binaries().joinpath("pg_dump").exists()


def test_a_lock_that_is_never_freed_is_waited_for_no_longer_than_its_time(postgres_dsn: str) -> None:
    with Postgres(postgres_dsn, lock_seconds=0.2) as client, client.lock("a"):
        began = client.fetch("select clock_timestamp() as at")[0]["at"]
        gave_up = pytest.raises(LockHeldError, match=r"^lock 'a' is still held after 0\.2 s: .* if it hangs$")
        with gave_up, client.lock("a"):
            pytest.fail("two hold the lock")
        assert client.fetch("select clock_timestamp() as at")[0]["at"] - began >= timedelta(seconds=0.2)
        with client.lock("b"):
            pass
