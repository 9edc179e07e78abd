"""A data set that nobody here made goes through a D1, a backup, its loss and a restore, and is equal."""

from pathlib import Path

import pytest

from assets.backups.method import Scope
from resources import migrations
from resources.migrations.plan import Migration
from tests.assets.backups import chinook
from tests.assets.backups.d1_databases import Kept, new_file


def test_chinook_comes_back(memory_folder: Path) -> None:
    d1, place = new_file(memory_folder, "chinook"), new_file(memory_folder, "place")
    chinook.put(d1)
    tables = chinook.rows()
    assert sum(map(len, tables.values())) == 15_607
    kept = Kept.of(d1, memory_folder / "target")
    full = kept.full()
    assert {table.name: table.rows for table in full.tables} == {name: len(rows) for name, rows in tables.items()}
    d1.execute("update track set unit_price = unit_price * 1.1 where genre = 1")
    d1.execute("delete from invoiceline where quantity = 1 and id > 2000")
    before = chinook.held(d1)
    kept.incremental()
    d1.execute("delete from playlisttrack")
    d1.execute("delete from invoiceline")
    kept.restore(place)
    assert chinook.held(place) == before
    kept.restore(place, Scope(live=True, at=full.until))
    originals = chinook.held(place)
    assert {name: {row["id"]: row for row in rows} for name, rows in originals.items()} == {
        name: {row["id"]: row for row in rows} for name, rows in tables.items()
    }
    kept.restore(d1, Scope(live=True, tables=("playlisttrack", "invoiceline")))
    assert chinook.held(d1) == before
    for database in (d1, place):
        database.close()


@pytest.mark.parametrize("drop", ["drop table artist", "drop table album"])
def test_a_migration_that_rebuilds_a_parent_keeps_its_children_or_is_refused(memory_folder: Path, drop: str) -> None:
    d1 = new_file(memory_folder, "shop")
    d1.execute("create table artist (id integer primary key, name)")
    d1.execute("create table album (id integer primary key, artist integer references artist (id) on delete cascade)")
    d1.execute("create table song (id integer primary key, album integer references album (id) on delete cascade)")
    d1.execute("insert into artist values (1, 'Luís'), (2, 'Jobim')")
    d1.execute("insert into album values (1, 1), (2, 2)")
    d1.execute("insert into song values (1, 1), (2, 2)")
    kept = Kept.of(d1, memory_folder / "target")
    kept.full()
    name = drop.split()[-1]
    rebuilt = f"create table new_{name} as select * from {name}; {drop}; alter table new_{name} rename to {name};"
    with pytest.raises(migrations.MigrationError, match="would lose what refers to a table that it drops"):
        migrations.D1AppliedMigrations(d1, "shop-d1").apply(Migration("shop/d1", 1, "rebuilt", rebuilt, "select 1;"))
    assert d1.query("select count(*) as n from song") == [{"n": 2}]
    kept.full()
    # By hand, D1 deletes them; the backup has them.
    d1.execute(drop)
    assert d1.query("select count(*) as n from song") == [{"n": 0}]
    place = new_file(memory_folder, "place")
    kept.restore(place)
    assert place.query("select count(*) as n from song") == [{"n": 2}]
    d1.close()
    place.close()
