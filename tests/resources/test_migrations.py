"""Migrations of both stores: up, down, up again, drift, failure, races, and the files that are refused."""

import hashlib
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources import migrations, sql_files
from resources.d1 import CloudflareD1, D1Error, EmbeddedD1
from resources.http import Session
from resources.migrations import AppliedMigrations, FailedMigrationError, MigrationError, State
from resources.migrations import postgres as in_postgres
from resources.migrations.d1 import split
from resources.postgres import Postgres
from tests.databases import database
from tests.standin.cloudflare import ACCOUNT, DATABASE, Cloudflare
from tests.standin.loopback import Fault, Reply, Request

FOLDER = "shop/store"
FILES = {
    "001_customers.up.sql": "create table customers (id text primary key, name text); create table gone (id text);",
    "001_customers.down.sql": "drop table gone; drop table customers;",
    "002_orders.up.sql": "-- a comment; with a semicolon\ncreate table orders (id text primary key, "
    "note text default ';' not null, customer text references customers (id));\n"
    "insert into customers (id, name) values ('1', 'it''s; fine');\n",
    "002_orders.down.sql": "delete from customers where id = '1'; drop table orders;",
    "003_index.up.sql": "create index orders_by_customer on orders (customer)",
    "003_index.down.sql": "drop index orders_by_customer",
}
NAMES = ["001_customers", "002_orders", "003_index"]
WHOLE = {
    "d1": (
        """create trigger trimmed after insert on customers begin
            update customers set name = 'end;' where id = new.id;
            insert into gone values (';');
        end;""",
        "drop trigger trimmed",
    ),
    "postgres": (
        """create function trimmed() returns trigger language plpgsql as $$
        begin
            new.name = 'end;';
            return new;
        end;
        $$;
        create trigger trimmed before insert on customers for each row execute function trimmed();""",
        "drop trigger trimmed on customers; drop function trimmed",
    ),
}
BREAKING = "create table half (id text); insert into customers (id) values ('x'); select * from nowhere;"
# Holds the transaction of the last migration open until it is killed.
KILLED = """
import pathlib, sys, time
from resources import migrations, sql_files
from resources.d1 import EmbeddedD1, embedded
sql_files.ROOT = pathlib.Path(sys.argv[1])
run = embedded._result
def dying(connection, statement):
    done = run(connection, statement)
    if "orders_by_customer" in statement.sql:
        pathlib.Path(sys.argv[3]).touch()
        time.sleep(60)
    return done
embedded._result = dying
migrations.up(migrations.D1AppliedMigrations(EmbeddedD1(pathlib.Path(sys.argv[2]))), "shop/store")
"""


class Store:
    """A database of one kind, and what is in it."""

    def __init__(self, kind: str, client: Any, another: Callable[[], Any]) -> None:
        self.kind = kind
        self._make = migrations.D1AppliedMigrations if kind == "d1" else migrations.PostgresAppliedMigrations
        self.applied: AppliedMigrations = self._make(client)
        self._client = client
        self._another = another

    @contextmanager
    def other(self) -> Iterator[AppliedMigrations]:
        """A second process's connection to the same database."""
        client = self._another()
        try:
            yield self._make(client)
        finally:
            client.close()

    def run(self, sql: str) -> None:
        self._client.execute(sql)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (self._client.query if self.kind == "d1" else self._client.fetch)(sql)
        return rows

    def schema(self) -> list[dict[str, Any]]:
        """Everything that a migration can change, without the table of applied migrations."""
        if self.kind == "d1":
            return self.rows(
                "select type, name, sql from sqlite_master where tbl_name <> 'pipelines_migrations' order by 2"
            )
        return self.rows(
            "select table_name as t, column_name as c, data_type as d, column_default as e"
            " from information_schema.columns where table_schema = 'public' union all"
            " select tablename, indexname, indexdef, null from pg_indexes where schemaname = 'public' order by 1, 2"
        )


@pytest.fixture
def http_d1(cloudflare_api: Cloudflare, cloudflare_session: Session) -> CloudflareD1:
    return CloudflareD1(cloudflare_session, ACCOUNT, DATABASE, api=cloudflare_api.api)


@pytest.fixture(params=["embedded D1", "D1 over HTTP", "Postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "embedded D1":
        embedded = EmbeddedD1(tmp_path / "shop.db")
        yield Store("d1", embedded, lambda: EmbeddedD1(tmp_path / "shop.db"))
        embedded.close()
    elif request.param == "D1 over HTTP":
        remote = request.getfixturevalue("http_d1")
        yield Store("d1", remote, lambda: remote)
    else:
        postgres = request.getfixturevalue("postgres")
        yield Store("postgres", postgres, lambda: Postgres(postgres.dsn))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the migrations, which a test may change."""
    root = tmp_path / "sql"
    folder = root / FOLDER
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(sql_files, "ROOT", root)
    return folder


def states(shop: Store) -> list[State]:
    return [status.state for status in migrations.status(shop.applied, FOLDER)]


def test_up_down_up(shop: Store, files: Path) -> None:
    empty = shop.schema()
    assert states(shop) == [State.PENDING] * 3
    assert shop.schema() == empty
    assert migrations.up(shop.applied, FOLDER) == NAMES
    full = shop.schema()
    assert full != empty
    assert shop.rows("select name from customers") == [{"name": "it's; fine"}]
    assert migrations.up(shop.applied, FOLDER) == []
    assert states(shop) == [State.APPLIED] * 3
    assert migrations.down(shop.applied, FOLDER) == ["003_index"]
    assert states(shop) == [State.APPLIED, State.APPLIED, State.PENDING]
    assert migrations.down(shop.applied, FOLDER, steps=5) == ["002_orders", "001_customers"]
    assert shop.schema() == empty
    assert migrations.down(shop.applied, FOLDER) == []
    assert migrations.up(shop.applied, FOLDER) == NAMES
    assert shop.schema() == full


def test_up_and_down_to_a_number(shop: Store, files: Path) -> None:
    assert migrations.up(shop.applied, FOLDER, to=2) == NAMES[:2]
    assert migrations.up(shop.applied, FOLDER, to=1) == []
    assert migrations.up(shop.applied, FOLDER, to=3) == NAMES[2:]
    assert migrations.down(shop.applied, FOLDER, to=1) == ["003_index", "002_orders"]
    assert migrations.down(shop.applied, FOLDER, to=0) == ["001_customers"]
    applied_at = [status.applied_at for status in migrations.status(shop.applied, FOLDER)]
    assert applied_at == [None] * 3


@pytest.mark.parametrize("which", ["up", "down"])
def test_an_edited_file_is_refused(shop: Store, files: Path, which: str) -> None:
    migrations.up(shop.applied, FOLDER, to=2)
    path = files / f"002_orders.{which}.sql"
    path.write_text(path.read_text() + "\n-- a later thought")
    before = shop.schema()
    for move in (migrations.up, migrations.down):
        with pytest.raises(MigrationError, match="002_orders was applied and its file is another now"):
            move(shop.applied, FOLDER)
    assert shop.schema() == before
    assert states(shop) == [State.APPLIED, State.EDITED, State.PENDING]


def test_line_ends_are_no_edit(shop: Store, files: Path) -> None:
    migrations.up(shop.applied, FOLDER)
    path = files / "002_orders.up.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert migrations.up(shop.applied, FOLDER) == []


def test_a_missing_file_is_refused(shop: Store, files: Path) -> None:
    migrations.up(shop.applied, FOLDER)
    for path in files.glob("003_*"):
        path.unlink()
    assert states(shop) == [State.APPLIED, State.APPLIED, State.MISSING]
    for move in (migrations.up, migrations.down):
        with pytest.raises(MigrationError, match=r"003_index was .* file is missing\. Next: restore it"):
            move(shop.applied, FOLDER)


def test_half_a_migration_is_reported_beside_the_others_and_refused(shop: Store, files: Path) -> None:
    migrations.up(shop.applied, FOLDER, to=2)
    for name in ("001_customers.up.sql", "003_index.down.sql"):
        (files / name).unlink()
    statuses = migrations.status(shop.applied, FOLDER)
    assert [status.state for status in statuses] == [State.MISSING, State.APPLIED, State.MISSING]
    assert [status.applied_at is None for status in statuses] == [False, False, True]
    assert [status.drift for status in statuses] == [
        "was applied and its up or down file is missing; restore it",
        None,
        "its up or down file is missing; restore it",
    ]
    for move in (migrations.up, migrations.down):
        with pytest.raises(MigrationError, match=r"001_customers.* missing. Next: restore it"):
            move(shop.applied, FOLDER)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_failed_migration_leaves_the_store_as_it_was(shop: Store, files: Path, direction: str) -> None:
    (files / f"003_index.{direction}.sql").write_text(BREAKING)
    if direction == "up":
        with pytest.raises(FailedMigrationError):
            migrations.up(shop.applied, FOLDER)
        expected = [State.APPLIED, State.APPLIED, State.PENDING]
    else:
        migrations.up(shop.applied, FOLDER)
        before = shop.schema()
        # A way down is tried first: in D1 on a copy of the schema, where it does not fit.
        with pytest.raises((FailedMigrationError, MigrationError), match=r"003_index\.down\.sql"):
            migrations.down(shop.applied, FOLDER)
        assert shop.schema() == before
        expected = [State.APPLIED] * 3
    assert states(shop) == expected
    assert shop.rows("select id from customers") == [{"id": "1"}]
    (files / "003_index.up.sql").write_text(FILES["003_index.up.sql"])
    if direction == "up":
        assert migrations.up(shop.applied, FOLDER) == ["003_index"]


def test_a_way_down_that_would_lose_rows_is_refused_before_it_begins(shop: Store, files: Path) -> None:
    migrations.up(shop.applied, FOLDER)
    shop.run("insert into orders (id) values ('o')")
    before = shop.schema()
    for steps in (2, 3):
        with pytest.raises(MigrationError, match=r"would lose .*1 row of (public\.)?orders") as refused:
            migrations.down(shop.applied, FOLDER, steps=steps)
        assert refused.value.next_step
    assert shop.schema() == before
    assert states(shop) == [State.APPLIED] * 3
    assert migrations.down(shop.applied, FOLDER, steps=1) == ["003_index"]
    shop.run("delete from orders")
    assert migrations.down(shop.applied, FOLDER, to=0) == ["002_orders", "001_customers"]


def test_rows_that_the_migrations_write_come_back_and_a_changed_one_would_not(shop: Store, files: Path) -> None:
    migrations.up(shop.applied, FOLDER)
    shop.run("update customers set name = 'Ann' where id = '1'")
    with pytest.raises(MigrationError, match=r"1 row of (public\.)?customers"):
        migrations.down(shop.applied, FOLDER, to=0)
    shop.run("update customers set name = 'it''s; fine' where id = '1'")
    assert migrations.down(shop.applied, FOLDER, to=0) == NAMES[::-1]


def test_values_of_a_column_that_would_go_are_named(shop: Store, files: Path) -> None:
    (files / "003_index.up.sql").write_text("alter table customers add column phone text")
    (files / "003_index.down.sql").write_text("alter table customers drop column phone")
    migrations.up(shop.applied, FOLDER)
    assert migrations.down(shop.applied, FOLDER) == ["003_index"]
    migrations.up(shop.applied, FOLDER)
    shop.run("update customers set phone = '555'")
    with pytest.raises(MigrationError, match=r"values? of (public\.)?customers\.phone"):
        migrations.down(shop.applied, FOLDER)
    assert shop.rows("select phone from customers") == [{"phone": "555"}]


def test_rows_that_came_after_the_look_stop_the_way_down(shop: Store, files: Path) -> None:
    migrations.up(shop.applied, FOLDER)
    migrations.down(shop.applied, FOLDER)
    shop.run("insert into orders (id) values ('late')")
    (migration,) = [one for one in migrations.load(FOLDER) if one.number == 2]
    with pytest.raises(MigrationError, match=r"1 row of (public\.)?orders"):
        shop.applied.revert(migration)
    assert shop.rows("select id from orders") == [{"id": "late"}]
    assert states(shop) == [State.APPLIED, State.APPLIED, State.PENDING]


def test_a_trigger_of_a_table_that_a_job_made_keeps_what_it_writes_to(tmp_path: Path, files: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "shop.db")
    applied = migrations.D1AppliedMigrations(d1, "shop-d1")
    migrations.up(applied, FOLDER)
    d1.execute("create table made_by_a_job (id text)")
    d1.execute("create trigger noted after insert on made_by_a_job begin insert into orders (id) values (new.id); end")
    with pytest.raises(MigrationError, match="what jobs made since needs it: error in trigger noted"):
        migrations.down(applied, FOLDER, to=1)
    d1.execute("drop table made_by_a_job")
    assert migrations.down(applied, FOLDER, to=1) == ["003_index", "002_orders"]
    d1.close()


def test_an_error_names_store_file_and_statement_without_their_values(shop: Store, files: Path) -> None:
    (files / "003_index.up.sql").write_text(
        "create table half (id text);\n-- one more\ninsert into customers (id, name) values ('1', 'ann@example.com');"
        "\nselect 1;"
    )
    with pytest.raises(FailedMigrationError) as caught:
        migrations.up(shop.applied, FOLDER)
    said = str(caught.value)
    assert said.startswith(
        f"{shop.applied.store}: sql/{FOLDER}/003_index.up.sql, statement 2 of 3 (insert into customers"
    )
    assert "customers" in said.partition("failed: ")[2]
    assert "ann" not in said
    assert said.endswith("The store is as it was before this migration.")
    assert states(shop)[2] is State.PENDING


def test_those_that_were_applied_before_an_error_are_known(shop: Store, files: Path) -> None:
    (files / "003_index.up.sql").write_text(BREAKING)
    done: list[str] = []
    with pytest.raises(FailedMigrationError):
        migrations.up(shop.applied, FOLDER, done=done)
    assert done == NAMES[:2]


def test_a_migration_whose_process_is_killed_is_undone_and_applied_by_the_next_up(tmp_path: Path, files: Path) -> None:
    migrations.up(migrations.D1AppliedMigrations(EmbeddedD1(tmp_path / "shop.db")), FOLDER, to=2)
    begun = tmp_path / "begun"
    killed = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(files.parents[1]), str(tmp_path / "shop.db"), str(begun)]
    )
    while not begun.exists():
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    d1 = EmbeddedD1(tmp_path / "shop.db")
    applied = migrations.D1AppliedMigrations(d1)
    assert [status.state for status in migrations.status(applied, FOLDER)] == [
        State.APPLIED,
        State.APPLIED,
        State.PENDING,
    ]
    assert migrations.up(applied, FOLDER) == ["003_index"]
    d1.close()


def test_a_migration_whose_connection_is_cut_is_undone_and_applied_by_the_next_up(
    postgres: Postgres, files: Path
) -> None:
    migrations.up(migrations.PostgresAppliedMigrations(postgres), FOLDER, to=2)
    postgres.execute("create table slow (yes boolean); insert into slow values (true)")
    (files / "003_index.up.sql").write_text(
        "create table half (id text); select pg_sleep(60) from slow; create index orders_by_customer on orders (id)"
    )
    (files / "003_index.down.sql").write_text("drop index orders_by_customer; drop table half")
    failures: list[Exception] = []

    def move() -> None:
        with Postgres(postgres.dsn) as other:
            try:
                migrations.up(migrations.PostgresAppliedMigrations(other), FOLDER)
            except FailedMigrationError as error:
                failures.append(error)

    thread = threading.Thread(target=move)
    thread.start()
    cut = "select pg_terminate_backend(pid) as cut from pg_stat_activity where query like 'select pg_sleep%'"
    while not postgres.fetch(f"{cut} and state = 'active' and pid <> pg_backend_pid()"):
        time.sleep(0.01)
    thread.join()
    assert "statement 2 of 3 (select pg_sleep(60) from slow;)" in str(failures[0])
    postgres.execute("delete from slow")
    assert migrations.up(migrations.PostgresAppliedMigrations(postgres), FOLDER) == ["003_index"]


@pytest.mark.parametrize("direction", ["up", "down"])
def test_two_at_once_end_the_same(shop: Store, files: Path, direction: str) -> None:
    empty = shop.schema()
    if direction == "down":
        migrations.up(shop.applied, FOLDER)
    done: list[str] = []
    failures: list[Exception] = []
    barrier = threading.Barrier(3)

    def move() -> None:
        barrier.wait()
        try:
            with shop.other() as applied:
                done.extend(
                    migrations.up(applied, FOLDER) if direction == "up" else migrations.down(applied, FOLDER, to=0)
                )
        except Exception as error:  # noqa: BLE001 - any of them fails the test below
            failures.append(error)

    threads = [threading.Thread(target=move) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(done) == NAMES
    assert (shop.schema() == empty) is (direction == "down")
    assert states(shop) == [State.APPLIED if direction == "up" else State.PENDING] * 3


FAULTS = {
    "500": Fault("status", status=500),
    "500 after the effect": Fault("status", status=500, done=True),
    "reset after the effect": Fault("reset", done=True),
    "cut body": Fault("cut"),
    "429": Fault("status", status=429, headers={"Retry-After": "5"}),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("after", range(1, 9))
def test_a_lost_answer_of_d1_applies_once(
    files: Path, cloudflare_api: Cloudflare, http_d1: CloudflareD1, fault: str, after: int
) -> None:
    applied = migrations.D1AppliedMigrations(http_d1)
    honest = cloudflare_api.loopback.serve

    def counting(request: Request) -> Reply:
        if len(cloudflare_api.loopback.requests) == after:
            cloudflare_api.loopback.fail(replace(FAULTS[fault]))
        return honest(request)

    cloudflare_api.loopback.serve = counting
    migrations.up(applied, FOLDER)
    assert [status.state for status in migrations.status(applied, FOLDER)] == [State.APPLIED] * 3
    assert http_d1.query("select id from customers") == [{"id": "1"}]
    assert len(cloudflare_api.loopback.requests) > after
    assert not cloudflare_api.loopback.faults
    migrations.down(applied, FOLDER, to=0)
    assert [status.state for status in migrations.status(applied, FOLDER)] == [State.PENDING] * 3


def test_folders_share_a_database_without_a_conflict(shop: Store, files: Path) -> None:
    other = files.parent / "other"
    other.mkdir()
    (other / "001_more.up.sql").write_text("create table more (id text)")
    (other / "001_more.down.sql").write_text("drop table more")
    migrations.up(shop.applied, FOLDER)
    assert migrations.up(shop.applied, "shop/other") == ["001_more"]
    assert migrations.down(shop.applied, FOLDER, to=0) == NAMES[::-1]
    assert [status.state for status in migrations.status(shop.applied, "shop/other")] == [State.APPLIED]


def test_each_postgres_database_has_its_own_applied_migrations(
    postgres: Postgres, postgres_server: str, files: Path
) -> None:
    with database(postgres_server) as dsn, Postgres(dsn, schema="shop") as second:
        ours, theirs = migrations.PostgresAppliedMigrations(postgres), migrations.PostgresAppliedMigrations(second)
        second.execute("create schema shop")
        migrations.up(ours, FOLDER)
        assert [status.state for status in migrations.status(theirs, FOLDER)] == [State.PENDING] * 3
        assert migrations.up(theirs, FOLDER, to=2) == NAMES[:2]
        assert migrations.down(ours, FOLDER, to=0) == NAMES[::-1]
        assert [row.number for row in theirs.rows(FOLDER)] == [1, 2]
        assert ours.rows(FOLDER) == []
        assert ours.store != theirs.store
        tables = (
            "select schemaname as schema, tablename as name from pg_tables where schemaname in ('shop', 'pipelines')"
        )
        assert {(row["schema"], row["name"]) for row in second.fetch(tables)} == {
            *(("shop", name) for name in ("customers", "gone", "orders")),
            ("pipelines", "migrations"),
        }


def test_the_lock_of_a_folder_is_of_one_database(postgres: Postgres, postgres_server: str, files: Path) -> None:
    with database(postgres_server) as dsn, Postgres(dsn) as second, postgres.lock(f"migrations:{FOLDER}"):
        assert migrations.up(migrations.PostgresAppliedMigrations(second), FOLDER) == NAMES


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"004_x.up.sql": "select 1"}, r"004_x\.down\.sql is missing"),
        ({"003_other.up.sql": "select 1"}, "two migrations have number 003"),
        ({"005_x.up.sql": "select 1", "005_x.down.sql": "select 1"}, "migration 004 is missing, 005 is there"),
        ({"4_x.up.sql": "select 1"}, r"4_x\.up\.sql: a migration is named"),
        ({"004_X.up.sql": "select 1"}, r"004_X\.up\.sql: a migration is named"),
        ({"003_index.up.sql": "BEGIN;\nselect 1;\nCOMMIT;"}, "opens or ends a transaction"),
        ({"003_index.down.sql": "select 1;\n  rollback transaction ;"}, "opens or ends a transaction"),
    ],
)
def test_files_that_cannot_be_migrations(files: Path, change: dict[str, str], line: str) -> None:
    for name, text in change.items():
        (files / name).write_text(text)
    with pytest.raises(MigrationError, match=line):
        migrations.load(FOLDER)


def test_every_migration_of_the_house_can_be_loaded() -> None:
    for folder in {path.parent for path in sql_files.ROOT.rglob("*.up.sql")}:
        assert migrations.load(str(folder.relative_to(sql_files.ROOT)))


def test_triggers_and_functions_are_whole(shop: Store, files: Path) -> None:
    body, undo = WHOLE[shop.kind]
    (files / "003_index.up.sql").write_text(body)
    (files / "003_index.down.sql").write_text(undo)
    migrations.up(shop.applied, FOLDER)
    shop.run("insert into customers (id, name) values ('2', 'x')")
    assert shop.rows("select name from customers where id = '2'") == [{"name": "end;"}]
    assert migrations.down(shop.applied, FOLDER) == ["003_index"]


PARTS = [
    "create table t%d (a text default ';')",
    "-- c;\nselect ';--'",
    "select e'it\\';' /* ; */",
    """do $$ begin perform ';'; end $$""",
    """create function f%d() returns int language sql as $x$ select 1; $x$""",
    'select 1 as "a;b"',
]


@given(st.lists(st.sampled_from(PARTS), min_size=1))
def test_a_postgres_script_is_cut_at_the_ends_of_statements(parts: list[str]) -> None:
    texts = [part % number if "%d" in part else part for number, part in enumerate(parts)]
    found = in_postgres.split(";\n".join(texts) + "\n-- the end; of it\n")
    assert [text.rstrip(";") for text in found] == [*texts[:-1], f"{texts[-1]}\n-- the end; of it"]


@given(st.lists(st.sampled_from(["create table t%d (a text default ';')", "-- c;\nselect ';--'", "/* ; */ select %d"])))
def test_split_gives_the_statements_again(parts: list[str]) -> None:
    texts = [part % number if "%d" in part else part for number, part in enumerate(parts)]
    found = split(";\n".join(texts))
    assert found == [f"{text};" for text in texts[:-1]] + texts[-1:]


def test_the_schema_of_clearlift_refuses_what_it_must(tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "clearlift.db")
    applied = migrations.D1AppliedMigrations(d1)
    migrations.up(applied, "clearlift/d1")
    user = "insert into users (id, email, issuer, access_sub) values ('u', 'u@example.com', 'i', 's')"
    d1.execute(user)
    d1.execute("insert into organizations (id, name, slug) values ('o', 'Org', 'org')")
    refused = {
        "insert into users (id, email, issuer, access_sub) values ('v', 'v@example.com', 'i', 's')": "UNIQUE",
        "insert into organizations (id, name, slug, subscription_tier) values ('p', 'P', 'p', 'gold')": "CHECK",
        "insert into organizations (id, name, slug, settings) values ('p', 'P', 'p', '{')": "CHECK",
        "insert into organization_members (organization_id, user_id, role) values ('o', 'u', 'king')": "CHECK",
        "insert into organization_members (organization_id, user_id, role) values ('o', 'nobody', 'admin')": "FOREIGN",
        "insert into org_tag_mappings (id, organization_id, short_tag, is_active) values ('t', 'o', 'x', 2)": "CHECK",
        "insert into sessions (token, user_id, expires_at) values ('t', 'nobody', '2026-01-01T00:00:00Z')": "FOREIGN",
        "insert into platform_connections (id, organization_id, platform, account_id, connected_by, sync_status)"
        " values ('c', 'o', 'google', '1', 'u', 'maybe')": "CHECK",
        "insert into invitations (id, organization_id, email, expires_at, invited_by)"
        " values ('i', 'o', 'x@example.com', '2026-01-01T00:00:00Z', 'u')": "NOT NULL",
    }
    for statement, kind in refused.items():
        with pytest.raises(D1Error, match=kind):
            d1.execute(statement)
    defaults = d1.query("select created_at, settings, subscription_tier from organizations")[0]
    assert defaults["settings"] == "{}"
    assert defaults["subscription_tier"] == "free"
    assert len(defaults["created_at"]) == len("2026-01-01T00:00:00Z")
    assert defaults["created_at"].endswith("Z")
    d1.execute("insert into sessions (token, user_id, expires_at) values ('t', 'u', '2026-01-01T00:00:00Z')")
    d1.execute("insert into organization_members (organization_id, user_id, role) values ('o', 'u', 'owner')")
    d1.execute("delete from users where id = 'u'")
    assert d1.query("select (select count(*) from sessions) + (select count(*) from organization_members) as n") == [
        {"n": 0}
    ]
    d1.execute("delete from organizations")
    assert migrations.down(applied, "clearlift/d1", to=0) == ["001_initial"]
    d1.close()
    with sqlite3.connect(tmp_path / "clearlift.db") as file:
        assert (
            file.execute("select name from sqlite_master where name not like '%pipelines_migrations%'").fetchall() == []
        )
    file.close()


def test_a_checksum_is_of_both_files() -> None:
    one = migrations.Migration("f", 1, "n", "up", "down")
    assert one.checksum == hashlib.sha256(b"up\0down").hexdigest()
    assert str(one) == "001_n"
