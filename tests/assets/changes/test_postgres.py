"""The log of a Postgres database: no row is skipped in any order of commits; triggers made again."""

import pytest

from assets.apps import LoggedTable
from assets.changes.change import Change
from assets.changes.postgres import PostgresChangeLog, install
from resources.postgres import Postgres
from tests.assets.changes.test_contract import NOW, app

LEADS = LoggedTable("growth.leads", "id", ("id", "email"), store="postgres")
SHOP = app(LEADS)


@pytest.fixture
def shop(postgres: Postgres) -> Postgres:
    postgres.execute("create schema growth; create table growth.leads (id bigint primary key, email text)")
    install(postgres, SHOP)
    return postgres


def read(postgres: Postgres, reader: str = "r") -> list[Change]:
    """Read as a reader does: every page, then move."""
    log = PostgresChangeLog(postgres)
    changes = [change for page in log.unread(reader, 2) for change in page]
    if changes:
        log.move(reader, changes[-1].position, NOW)
    return changes


def ids(changes: list[Change]) -> list[int]:
    return [change.new_keys["id"] for change in changes if change.new_keys is not None]


def test_a_transaction_that_commits_after_one_with_a_younger_id_is_not_skipped(shop: Postgres) -> None:
    with shop.connection(held=True) as slow:
        slow.execute("insert into growth.leads values (1)")
        with shop.connection() as quick:
            quick.execute("insert into growth.leads values (2)")
        # The row of the quick one has the greater id, is visible, and must wait for the slow one.
        assert ids(read(shop)) == []
        with shop.connection() as third:
            third.execute("insert into growth.leads values (3)")
        slow.execute("insert into growth.leads values (4)")
        assert ids(read(shop)) == []
    assert sorted(ids(read(shop))) == [1, 2, 3, 4]
    assert ids(read(shop)) == []


def test_the_end_of_one_of_two_open_transactions_gives_no_row_above_the_other(shop: Postgres) -> None:
    with shop.connection(held=True) as first:
        first.execute("insert into growth.leads values (1)")
        with shop.connection(held=True) as second:
            second.execute("insert into growth.leads values (2)")
            assert ids(read(shop)) == []
            first.commit()
            assert ids(read(shop)) == [1]
            second.commit()
        assert ids(read(shop)) == [2]


def test_a_transaction_that_is_rolled_back_holds_nobody_back(shop: Postgres) -> None:
    with shop.connection(held=True) as broken:
        broken.execute("insert into growth.leads values (1)")
        with shop.connection() as other:
            other.execute("insert into growth.leads values (2)")
        broken.rollback()
        assert ids(read(shop)) == [2]


def test_rows_of_a_savepoint_belong_to_its_transaction(shop: Postgres) -> None:
    with shop.connection(held=True) as connection:
        connection.execute("insert into growth.leads values (1)")
        with connection.transaction():
            connection.execute("insert into growth.leads values (2)")
        assert ids(read(shop)) == []
    assert ids(read(shop)) == [1, 2]


def triggers(postgres: Postgres) -> list[str]:
    rows = postgres.fetch("select pg_get_triggerdef(oid) as text, tgenabled from pg_trigger where not tgisinternal")
    return [f"{row['text']} {row['tgenabled']}" for row in rows]


def test_a_second_installation_changes_nothing(shop: Postgres) -> None:
    before = triggers(shop)
    assert len(before) == 1
    assert install(shop, SHOP) == []
    assert triggers(shop) == before


@pytest.mark.parametrize(
    "damage",
    [
        "drop trigger pipelines_change_log on growth.leads",
        "alter table growth.leads disable trigger pipelines_change_log",
        (
            "create or replace trigger pipelines_change_log after insert or update or delete on growth.leads "
            "for each row execute function pipelines.log_change('id', 'id')"
        ),
    ],
)
def test_a_trigger_that_is_missing_disabled_or_different_is_made_again(shop: Postgres, damage: str) -> None:
    before = triggers(shop)
    shop.execute(damage)
    assert install(shop, SHOP) == ["growth.leads"]
    assert triggers(shop) == before


def test_a_table_that_is_logged_no_more_loses_its_trigger(shop: Postgres) -> None:
    assert install(shop, app()) == ["growth.leads"]
    assert triggers(shop) == []


def test_partitions_are_logged_as_their_table_is(shop: Postgres) -> None:
    shop.execute(
        "create table growth.events (id bigint, day date, primary key (id, day)) partition by range (day);"
        "create table growth.events_2026 partition of growth.events for values from ('2026-01-01') to ('2027-01-01')"
    )
    events = LoggedTable("growth.events", "id", ("id",), store="postgres")
    assert install(shop, app(LEADS, events)) == ["growth.events"]
    assert install(shop, app(LEADS, events)) == []
    shop.execute("insert into growth.events values (7, '2026-03-20')")
    assert ids(read(shop)) == [7]


def test_a_role_without_rights_on_the_log_writes_to_it_by_the_trigger_alone(shop: Postgres) -> None:
    with shop.connection() as connection:
        connection.execute("create role shop_visitor; grant usage on schema growth to shop_visitor")
        connection.execute("grant insert on growth.leads to shop_visitor; set local role shop_visitor")
        connection.execute("insert into growth.leads values (1)")
        connection.execute("reset role; revoke all on growth.leads from shop_visitor")
        connection.execute("revoke all on schema growth from shop_visitor; drop role shop_visitor")
    assert ids(read(shop)) == [1]


def test_a_log_of_another_cluster_is_read_again_from_the_start(shop: Postgres) -> None:
    shop.execute("insert into growth.leads values (1)")
    read(shop)
    # As a restore leaves it: the numbers of the transactions are those of the cluster that was backed up.
    shop.execute("update pipelines.change_log set transaction = '4000000000'")
    shop.execute("update pipelines.change_log_readers set last_transaction = '4000000000'")
    shop.execute("insert into growth.leads values (2)")
    assert ids(read(shop)) == []
    install(shop, SHOP)
    assert sorted(ids(read(shop))) == [1, 2]
    shop.execute("insert into growth.leads values (3)")
    assert ids(read(shop)) == [3]


def test_the_table_of_a_page_is_read_by_its_index(shop: Postgres) -> None:
    with shop.connection() as connection:
        connection.execute("insert into growth.leads select n from generate_series(1, 20000) as n")
    shop.execute("analyze pipelines.change_log")
    (last,) = shop.fetch("select max(id) as id, max(transaction)::text as transaction from pipelines.change_log")
    plan = shop.fetch(
        "explain select * from pipelines.change_log where (transaction, id) > (%(transaction)s::text::xid8, %(id)s) "
        "and transaction < '9000000000000'::xid8 order by transaction, id limit 100",
        {"transaction": last["transaction"], "id": last["id"] - 10},
    )
    assert any("change_log_in_order" in line for row in plan for line in row.values())
