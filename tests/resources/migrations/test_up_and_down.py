"""Up, down, up again: alone, two at once, and beside other folders and databases."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from resources import migrations, sql_files
from resources.migrations import AppliedMigrations, State
from resources.migrations.plan import AppliedMigration
from resources.postgres import Postgres
from tests.databases import database
from tests.resources.migrations.shop import FOLDER, NAMES, Store, states


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


def test_files_are_read_once_and_the_table_once_more_than_it_changes(
    shop: Store, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    table, text = type(shop.applied).rows, sql_files.read_sql

    def rows(applied: AppliedMigrations, folder: str) -> Sequence[AppliedMigration]:
        read.append("table")
        return table(applied, folder)

    def read_sql(path: str) -> str:
        read.append("file")
        return text(path)

    with monkeypatch.context() as patch:
        patch.setattr(type(shop.applied), "rows", rows)
        patch.setattr("resources.migrations.plan.read_sql", read_sql)
        for applied in (3, 0):
            migrations.up(shop.applied, FOLDER)
            assert (read.count("table"), read.count("file")) == (1 + applied, 2 * len(NAMES))
            read.clear()


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
