"""Migrations that fail, whose process dies, or whose connection is cut."""

import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from resources import migrations
from resources.d1 import CloudflareD1, EmbeddedD1
from resources.migrations import FailedMigrationError, MigrationError, State
from resources.postgres import Postgres
from tests.resources.migrations.shop import FILES, FOLDER, NAMES, Store, states
from tests.standin.cloudflare import Cloudflare
from tests.standin.loopback import Fault, Reply, Request

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
