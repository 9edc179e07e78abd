"""A way down that would lose rows is refused before it begins, in every store."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from resources import migrations
from resources.d1 import EmbeddedD1
from resources.migrations import MigrationError, State
from tests.resources.migrations.shop import FOLDER, NAMES, Store, states


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


FULL_TEXT = "create virtual table words using fts5(name{content});{rebuild}"


@pytest.mark.parametrize(
    ("content", "rebuild", "held"),
    [
        (", content = 'customers'", " insert into words (words) values ('rebuild');", False),
        (', content="customers"', " insert into words (words) values ('rebuild');", False),
        ("", "", True),
        (", content=''", "", True),
    ],
)
def test_a_full_text_index_of_another_table_is_no_loss_and_one_with_texts_of_its_own_is(
    tmp_path: Path, files: Path, content: str, rebuild: str, held: bool
) -> None:
    (files / "003_index.up.sql").write_text(FULL_TEXT.format(content=content, rebuild=rebuild))
    (files / "003_index.down.sql").write_text("drop table words")
    d1 = EmbeddedD1(tmp_path / "shop.db")
    applied = migrations.D1AppliedMigrations(d1, "shop-d1")
    migrations.up(applied, FOLDER)
    d1.execute("insert into words (rowid, name) values (1, 'fine')")
    found = d1.query("select rowid from words where words match 'fine'")
    assert found
    with pytest.raises(MigrationError, match="would lose") if held else nullcontext():
        migrations.down(applied, FOLDER)
    migrations.up(applied, FOLDER)
    assert d1.query("select rowid from words where words match 'fine'") == found
    d1.close()
