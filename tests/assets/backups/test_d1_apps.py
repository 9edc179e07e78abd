"""The applications' own databases: their tables can be followed, and their migrations know nothing of it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from assets.apps import APPS, App
from assets.apps.sesh_series import SESSIONS
from assets.backups import d1_place
from assets.backups.d1_log import install, logged, position
from assets.backups.method import FullNeededError, Scope
from assets.series import ahead
from resources import migrations
from resources.d1 import D1
from resources.declined import DeclinedError
from resources.migrations.failed import FailedMigrationError
from resources.migrations.plan import Migration
from tests.assets.backups.d1_databases import Kept, new_file
from tests.assets.backups.d1_shop import Between
from tests.sql.consignment.database import put

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WITH_D1 = [app for app in APPS if app.d1_migrations is not None]


@pytest.mark.parametrize("app", WITH_D1, ids=lambda app: app.name)
def test_every_table_of_an_app_can_be_backed_up_and_comes_back(app: App, memory_folder: Path) -> None:
    d1 = new_file(memory_folder, app.name)
    ledger = migrations.D1AppliedMigrations(d1, f"{app.name}-d1")
    assert app.d1_migrations is not None
    migrations.up(ledger, app.d1_migrations)
    assert set(install(d1, NOW)) == {table.name for table in logged(position(d1).schema)} >= set(app.tables)
    assert install(d1, NOW) == []
    kept = Kept.of(d1, memory_folder / "target", app)
    kept.full()
    place = new_file(memory_folder, "place")
    kept.restore(place)
    # The log and its triggers are the one thing that does not come back: a backup of the place makes its own.
    names = "select name from sqlite_master where name not like 'sqlite_%' order by name"
    made = [row["name"] for row in d1.query(names) if not row["name"].startswith("backup_")]
    assert [row["name"] for row in place.query(names)] == made
    assert migrations.up(migrations.D1AppliedMigrations(place, f"{app.name}-d1"), app.d1_migrations) == []
    d1.close()
    place.close()


def test_migrations_go_down_and_up_while_a_log_is_kept(memory_folder: Path) -> None:
    d1 = new_file(memory_folder, "consignment")
    ledger = migrations.D1AppliedMigrations(d1, "consignment-d1")
    migrations.up(ledger, "consignment/d1")
    kept = Kept.of(d1, memory_folder / "target")
    kept.full()
    put(d1, "consignors", user_id="u1")
    migrations.down(ledger, "consignment/d1", to=1)
    migrations.up(ledger, "consignment/d1")
    assert d1.query("select user_id from consignors") == [{"user_id": "u1"}]
    with pytest.raises(FullNeededError, match="triggers of the log were made again"):
        kept.incremental()
    kept.full()
    place = new_file(memory_folder, "place")
    kept.restore(place)
    assert place.query("select user_id from consignors") == [{"user_id": "u1"}]
    d1.close()
    place.close()


def test_a_migration_may_change_what_the_triggers_of_the_log_name(memory_folder: Path) -> None:
    d1 = new_file(memory_folder, "shop")
    d1.execute("create table items (id integer primary key, name text, price real)")
    install(d1, NOW)
    d1.execute("insert into items values (1, 'lamp', 2.5)")
    ledger = migrations.D1AppliedMigrations(d1, "shop-d1")
    drops = Migration("shop/d1", 1, "no_price", up="alter table items drop column price;", down="select 1;")
    assert ledger.apply(drops)
    fails = Migration("shop/d1", 2, "fails", up="alter table items drop column no_such;", down="select 1;")
    install(d1, NOW)
    before = position(d1).schema
    with pytest.raises(FailedMigrationError, match="no such column"):
        ledger.apply(fails)
    assert position(d1).schema.sha256 == before.sha256, "a migration that fails leaves the triggers"
    d1.close()


def test_a_partition_that_is_made_later_is_followed_from_the_next_backup_on(memory_folder: Path) -> None:
    d1 = new_file(memory_folder, "sesh")
    migrations.up(migrations.D1AppliedMigrations(d1, "sesh-d1"), "sesh/d1")
    kept = Kept.of(d1, memory_folder / "target")
    kept.full()
    ahead.make(d1, SESSIONS, lambda: NOW)
    with pytest.raises(FullNeededError, match="sessions_2026_03"):
        kept.incremental()
    kept.full()
    names = {o.name for o in position(d1).schema.objects if o.type == "trigger"}
    assert "backup_of_sessions_2026_03_inserted" in names
    kept.incremental()
    d1.close()


def test_too_many_rows_that_refer_to_each_other_are_refused_over_http_and_come_back_in_a_file(
    memory_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    d1 = new_file(memory_folder, "shop")
    d1.execute("create table people (id integer primary key, boss integer references people (id), note text)")
    d1.execute("insert into people values (1, 2, 'a'), (2, 1, 'b'), (3, 3, 'c')")
    kept = Kept.of(d1, memory_folder / "target")
    kept.full()
    over_http = cast("D1", Between(new_file(memory_folder, "other"), lambda: None))
    with monkeypatch.context() as patch:
        patch.setattr(d1_place, "MOST_TOGETHER", 10)
        with pytest.raises(DeclinedError, match="rows of people refer to each other, and are too many"):
            kept.restore(over_http)
        kept.restore(new_file(memory_folder, "file"))
    kept.restore(over_http)
    assert over_http.query("select id, boss from people") == d1.query("select id, boss from people")
    d1.close()


def test_rows_that_refer_to_nothing_come_back_in_a_file_and_are_refused_over_http(memory_folder: Path) -> None:
    d1 = new_file(memory_folder, "shop")
    d1.execute("create table people (id integer primary key, boss integer references people (id))")
    d1.execute("insert into people values (1, null)")
    with closing(sqlite3.connect(d1.path, isolation_level=None)) as unchecked:
        unchecked.execute("insert into people values (2, 99)")
    kept = Kept.of(d1, memory_folder / "target")
    kept.full()
    file = new_file(memory_folder, "file")
    assert kept.restore(file).dangling == 1
    assert file.query("select id, boss from people") == d1.query("select id, boss from people")
    with pytest.raises(DeclinedError, match="1 of the rows refer to a row that is not there, which D1 refuses"):
        kept.restore(cast("D1", Between(new_file(memory_folder, "other"), lambda: None)))
    d1.execute("update people set boss = 1 where id = 1")
    kept.restore(d1, Scope(live=True))
    assert d1.query("select boss from people where id = 1") == [{"boss": None}]
    with closing(sqlite3.connect(file.path, isolation_level=None)) as unchecked:
        unchecked.execute("update people set boss = 98")
    restored = kept.restore(new_file(memory_folder, "again"))
    assert "2 rows refer to a row that is not there, and 1 did" in " ".join(kept.method.differences(file, restored))
    d1.close()
    file.close()
