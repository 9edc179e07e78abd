"""What a change log can do, alike in D1 and in Postgres."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assets.apps import App, LoggedTable
from assets.changes import d1 as in_d1
from assets.changes import postgres as in_postgres
from assets.changes.change import Change, ChangeLog, Position
from resources.d1 import D1, EmbeddedD1
from resources.postgres import Postgres

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


def app(*tables: LoggedTable) -> App:
    """An app with these logged tables."""
    return App(name="shop", title="Shop", owner="team:shop", tables={}, changes=tables)


@dataclass
class Shop:
    """A database with a table `public.leads` (or `leads` in D1) and its log."""

    database: D1 | Postgres
    log: ChangeLog
    table: str

    def run(self, sql: str) -> None:
        self.database.execute(sql)

    def changes(self, reader: str = "r", page: int = 100) -> list[Change]:
        return [change for changes in self.log.unread(reader, page) for change in changes]


@pytest.fixture(params=["d1", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    create = "create table leads (id text primary key not null, email text, note text)"
    if request.param == "d1":
        d1 = EmbeddedD1(tmp_path / "shop.sqlite")
        d1.execute(create)
        assert len(in_d1.install(d1, app(LoggedTable("leads", "id", ("id", "email"))))) == 5
        yield Shop(d1, in_d1.D1ChangeLog(d1), "leads")
        d1.close()
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        postgres.execute(create)
        table = LoggedTable("public.leads", "id", ("id", "email"), store="postgres")
        assert in_postgres.install(postgres, app(table)) == ["public.leads"]
        yield Shop(postgres, in_postgres.PostgresChangeLog(postgres), "public.leads")


def test_a_row_is_logged_with_its_keys_before_and_after(shop: Shop) -> None:
    shop.run("insert into leads values ('a', 'x@y.example', 'secret')")
    shop.run("update leads set id = 'b', note = 'other'")
    shop.run("delete from leads")
    old, new = {"id": "a", "email": "x@y.example"}, {"id": "b", "email": "x@y.example"}
    changes = shop.changes()
    assert [(c.table, c.old_keys, c.new_keys) for c in changes] == [
        (shop.table, None, old),
        (shop.table, old, new),
        (shop.table, new, None),
    ]
    assert all(change.changed_at.tzinfo is not None for change in changes)


def test_a_change_that_is_rolled_back_is_in_no_log(shop: Shop) -> None:
    with pytest.raises(Exception, match=r"(?i)unique"):
        shop.run("insert into leads values ('a', null, null), ('a', null, null)")
    assert shop.changes() == []


@pytest.mark.parametrize("page", [1, 2, 100])
def test_a_reader_continues_where_it_was_moved_to(shop: Shop, page: int) -> None:
    for name in "abc":
        shop.run(f"insert into leads values ('{name}', null, null)")
    first, second, third = shop.changes(page=page)
    shop.log.move("r", second.position, NOW)
    assert shop.changes(page=page) == [third]
    shop.log.move("r", first.position, NOW)
    assert shop.changes(page=page) == [third], "a reader never goes back"
    assert len(shop.changes("another reader")) == 3


def test_what_is_written_during_a_reading_is_left_to_the_next(shop: Shop) -> None:
    for name in "ab":
        shop.run(f"insert into leads values ('{name}', null, null)")
    pages = shop.log.unread("r", 1)
    assert len(next(pages)) == 1
    shop.run("insert into leads values ('c', null, null)")
    assert [change.new_keys for changes in pages for change in changes] == [{"id": "b", "email": None}]


def test_the_newest_row_of_a_table_is_known(shop: Shop) -> None:
    assert shop.log.newest([shop.table, "other"]) == {}
    shop.run("insert into leads values ('a', null, null)")
    shop.run("update leads set note = 'x'")
    last = shop.changes()[-1]
    assert shop.log.newest([shop.table, "other"]) == {shop.table: (last.position.id, last.changed_at)}


def test_positions_are_in_the_order_of_the_log(shop: Shop) -> None:
    for name in "abc":
        shop.run(f"insert into leads values ('{name}', null, null)")
    positions = [change.position for change in shop.changes()]
    assert positions == sorted(positions)
    assert positions[0] > Position(0, 0)
