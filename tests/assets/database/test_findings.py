"""What is found in a real database: each fault once, with SQL that mends it, and nothing in a healthy one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.database import assets, findings
from assets.database.findings import Finding
from resources.postgres import Postgres
from resources.sql_files import read_sql
from tests.databases import database

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=60)


def of_indexes(postgres: Postgres, now: datetime = NOW) -> list[Finding]:
    rows = postgres.fetch(read_sql("database/indexes.sql"))
    return findings.of_indexes(rows, postgres.fetch(read_sql("database/foreign_keys.sql")), now)


def of_tables(postgres: Postgres) -> list[Finding]:
    return findings.of_tables(postgres.fetch(read_sql("database/tables.sql")))


def run(dsn: str, finding: Finding) -> None:
    """Run the SQL of a finding as a person would, outside a transaction."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(finding.sql.encode())


@pytest.fixture
def shop(postgres_server: str, postgres: Postgres) -> Postgres:
    """A small schema without a fault."""
    postgres.execute(
        "create schema shop;"
        "create table shop.goods (id int primary key, name text not null unique, kind text);"
        "create table shop.sales (id int primary key, good int references shop.goods, at timestamptz);"
        "create index sales_good on shop.sales (good)"
    )
    return postgres


@pytest.fixture
def postgres_dsn(postgres_server: str) -> Iterator[str]:
    """An empty database, without the migrations of ours."""
    with database(postgres_server) as dsn:
        yield dsn


def test_a_healthy_schema_has_no_findings(shop: Postgres) -> None:
    shop.execute("insert into shop.goods select n, n::text, 'a' from generate_series(1, 100) n; analyze")
    assert of_indexes(shop, LATER) == []
    assert of_tables(shop) == []


@pytest.mark.parametrize(
    ("statement", "kind", "what"),
    [
        ("create index twice on shop.goods (name)", "duplicate index", "shop.twice"),
        ("create index twice on shop.sales (good)", "duplicate index", "shop.twice"),
        (
            'alter index shop.sales_good rename to a; create index "Upper" on shop.sales (good)',
            "duplicate index",
            "shop.a",
        ),
        ("drop index shop.sales_good", "missing index", "shop.sales (good)"),
        (
            "drop index shop.sales_good; create index p on shop.sales (good) where id > 5",
            "missing index",
            "shop.sales (good)",
        ),
    ],
)
def test_each_fault_of_an_index_is_found_once_and_its_sql_mends_it(
    shop: Postgres, postgres_dsn: str, statement: str, kind: str, what: str
) -> None:
    shop.execute(statement)
    (finding,) = of_indexes(shop)
    assert (finding.kind, finding.what) == (kind, what)
    run(postgres_dsn, finding)
    assert of_indexes(shop) == []


@pytest.mark.parametrize(
    "other",
    [
        "create index other on shop.goods (name desc)",
        "create index other on shop.goods (name text_pattern_ops)",
        'create index other on shop.goods (name collate "C")',
        "create index other on shop.goods (name) where id > 3",
        "create index other on shop.goods (lower(name))",
        "create index other on shop.goods using hash (name)",
        "create index other on shop.goods (name, id)",
        "create index other on shop.goods (name) include (id)",
    ],
)
def test_an_index_that_answers_other_questions_is_no_duplicate(shop: Postgres, other: str) -> None:
    shop.execute(other)
    assert of_indexes(shop) == []


def test_a_foreign_key_is_served_by_an_index_that_begins_with_its_columns_in_any_order(shop: Postgres) -> None:
    shop.execute(
        "create table shop.a (x int, y int, primary key (x, y));"
        "create table shop.b (y int, x int, z int, foreign key (x, y) references shop.a (x, y));"
        "create index b_yxz on shop.b (y, x, z)"
    )
    assert of_indexes(shop) == []
    shop.execute("drop index shop.b_yxz; create index b_zxy on shop.b (z, x, y)")
    assert [finding.what for finding in of_indexes(shop)] == ["shop.b (x, y)"]
    shop.execute("create index b_part on shop.b (x, y) where x is not null")
    assert of_indexes(shop) == []


def test_an_unused_index_is_found_when_it_is_large_and_statistics_are_old_enough(
    shop: Postgres, postgres_dsn: str
) -> None:
    shop.execute("insert into shop.goods select n, n::text, md5(n::text) from generate_series(1, 40000) n")
    assert of_indexes(shop, LATER) == []
    shop.execute("create index goods_kind on shop.goods (kind)")
    assert of_indexes(shop, NOW) == []
    (finding,) = of_indexes(shop, LATER)
    assert (finding.kind, finding.what) == ("unused index", "shop.goods_kind")
    run(postgres_dsn, finding)
    assert of_indexes(shop, LATER) == []


def test_an_index_that_was_used_lately_stays_and_one_that_was_used_long_ago_is_found() -> None:
    row: dict[str, Any] = {
        "schema": "shop", "index_name": "goods_kind", "bytes": 5 * findings.MIB, "scans": 9, "last_scan": NOW,
        "is_unique": False, "is_constraint": False, "is_valid": True, "signature": "1", "counted_since": NOW,
    }  # fmt: skip
    assert findings.of_indexes([row], [], NOW + timedelta(days=29)) == []
    (finding,) = findings.of_indexes([row], [], NOW + timedelta(days=31))
    assert finding.sql == "drop index concurrently shop.goods_kind"
    for spared in ({"is_unique": True}, {"is_constraint": True}, {"bytes": 1000}):
        assert findings.of_indexes([row | spared], [], LATER) == []


def test_an_index_whose_making_was_broken_off_is_found(shop: Postgres, postgres_dsn: str) -> None:
    shop.execute("insert into shop.goods select n, n::text, 'same' from generate_series(1, 10) n")
    with psycopg.connect(postgres_dsn, autocommit=True) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("create unique index concurrently broken on shop.goods (kind)")
    (finding,) = of_indexes(shop)
    assert (finding.kind, finding.sql) == ("invalid index", "reindex index concurrently shop.broken")
    shop.execute("update shop.goods set kind = id::text")
    run(postgres_dsn, finding)
    assert of_indexes(shop) == []


def of_table(postgres: Postgres, kind: str) -> Finding:
    postgres.execute("select pg_stat_force_next_flush()")
    (finding,) = [finding for finding in of_tables(postgres) if finding.kind == kind]
    return finding


def test_dead_rows_and_bloat_are_found_and_their_sql_mends_them(shop: Postgres, postgres_dsn: str) -> None:
    shop.execute("alter table shop.sales set (autovacuum_enabled = off)")
    shop.execute("insert into shop.sales select n, null, now() from generate_series(1, 300000) n")
    shop.execute("analyze shop.sales")
    assert of_tables(shop) == []
    shop.execute("delete from shop.sales where id % 10 > 0")
    dead = of_table(shop, "vacuum")
    assert dead.what == "shop.sales"
    run(postgres_dsn, dead)
    bloat = of_table(shop, "bloat")
    assert "of 13 MiB are empty" in bloat.why
    run(postgres_dsn, bloat)
    assert [finding for finding in of_tables(shop) if finding.kind in ("vacuum", "bloat")] == []


def test_a_table_of_which_most_rows_changed_since_it_was_analyzed_is_found(shop: Postgres, postgres_dsn: str) -> None:
    shop.execute("alter table shop.goods set (autovacuum_enabled = off)")
    shop.execute("insert into shop.goods select n, n::text, 'a' from generate_series(1, 1000) n")
    assert of_tables(shop) == []
    shop.execute("update shop.goods set kind = 'b' where id = 1")
    finding = of_table(shop, "analyze")
    assert finding.why == "1,001 rows changed since it was analyzed (never)"
    run(postgres_dsn, finding)
    assert of_tables(shop) == []


def test_a_table_that_is_often_read_as_a_whole_is_found(shop: Postgres) -> None:
    shop.execute("insert into shop.goods select n, n::text, 'a' from generate_series(1, 11000) n")
    for _ in range(findings.SCANS):
        shop.fetch("select count(*) from shop.goods where kind = 'b'")
    assert of_table(shop, "missing index").why.startswith("read as a whole 10")


def test_an_old_transaction_asks_for_a_freeze() -> None:
    row: dict[str, Any] = {
        "schema": "shop", "table_name": "sales", "bytes": 1, "table_bytes": 1, "live": 1, "dead": 0, "vacuum_at": 50,
        "vacuumed_at": None, "changed": 0, "analyze_at": 50, "analyzed_at": None, "seq_scans": 0, "seq_rows": 0,
        "xid_age": 170_000_000, "freeze_age": 200_000_000, "bloat": None,
    }  # fmt: skip
    (finding,) = findings.of_tables([row])
    assert finding.sql == "vacuum (freeze) shop.sales"
    assert findings.of_tables([row | {"xid_age": 150_000_000}]) == []


@contextmanager
def statistics(postgres: Postgres) -> Iterator[None]:
    """The view as the extension has it, where Supabase puts it; the embedded server does not have the extension."""
    postgres.execute(
        "create schema extensions;"
        "create view extensions.pg_stat_statements as select oid as dbid, queryid, query, calls, mean, mean * calls"
        " from pg_database cross join (values"
        " (1::bigint, E'select *\\n from shop.goods where name = $1', 50::bigint, 250.0::float8),"
        " (2, 'select 1', 5000, 0.1), (3, 'select 2', 3, 900.0),"
        " (4, 'alter role ann password ''hunter2''', 50, 400.0),"
        " (5, ' /* a */ WITH a AS (select 1) select 2', 90, 300.0)"
        ") as made (queryid, query, calls, mean) where datname in (current_database(), 'postgres')"
    )
    postgres.execute("alter view extensions.pg_stat_statements rename column mean to mean_exec_time")
    postgres.execute('alter view extensions.pg_stat_statements rename column "?column?" to total_exec_time')
    yield


def test_slow_statements_of_this_database_are_found_without_what_holds_constants(shop: Postgres) -> None:
    assert assets.slow_queries(shop) is None
    with statistics(shop):
        rows = assets.slow_queries(shop)
    assert rows is not None
    found = findings.of_queries(rows)
    assert [finding.what for finding in found] == ["5", "1"]
    assert found[1].why == "250 ms on average in 50 calls: select * from shop.goods where name = $1"
    assert "hunter2" not in str(found)


def test_connections_that_run_out_or_are_idle_in_a_transaction_are_found(shop: Postgres, postgres_dsn: str) -> None:
    def look(seconds: float) -> dict[str, Any]:
        return shop.fetch(read_sql("database/connections.sql"), {"seconds": seconds})[0]

    healthy = look(300)
    assert (healthy["stuck"], healthy["in_database"], healthy["active"]) == (0, 1, 1)
    assert 1 <= healthy["used"] < healthy["admitted"]
    assert findings.of_connections(healthy) == []
    with psycopg.connect(postgres_dsn) as other:
        other.execute("select 1")
        assert [finding.kind for finding in findings.of_connections(look(0))] == ["idle in transaction"]
    full = {**healthy, "used": healthy["admitted"]}
    assert [finding.kind for finding in findings.of_connections(full)] == ["connections"]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20))
def test_any_name_is_written_as_sql_reads_it(name: str) -> None:
    quoted = findings.quoted(name)
    inner = quoted[1:-1].replace('""', '"') if quoted.startswith('"') else quoted
    assert inner == name
    assert quoted.startswith('"') or (name == name.lower() and name.replace("_", "").isalnum())
