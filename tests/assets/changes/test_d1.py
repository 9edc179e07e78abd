"""Triggers of a D1 out of the template: exactly those that Sesh's migrations made, and made again where they differ."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assets.apps import LoggedTable
from assets.apps.sesh import APP as SESH
from assets.changes.d1 import install, triggers
from resources.d1 import D1, EmbeddedD1, Statement
from resources.migrations.d1 import split
from resources.sql_files import read_sql
from tests.assets.changes.test_contract import app
from tests.sql.sesh.database import logged, migrated, put


@pytest.fixture
def sesh(tmp_path: Path) -> Iterator[EmbeddedD1]:
    d1 = migrated(tmp_path / "sesh.sqlite")
    yield d1
    d1.close()


def sources(d1: D1) -> dict[str, str]:
    return {row["name"]: row["sql"] for row in d1.query("select name, sql from sqlite_master where type = 'trigger'")}


def words(text: str) -> str:
    return " ".join(text.rstrip(";").split())


def test_the_template_makes_exactly_the_triggers_of_the_migration() -> None:
    script = [text[text.index("create ") :] for text in split(read_sql("sesh/d1/002_change_log.up.sql"))]
    migration = sorted(words(text) for text in script if text.startswith("create trigger"))
    template = sorted(words(text) for table in SESH.changes for text in triggers(table).values())
    assert len(template) == 34
    assert template == migration


def test_the_log_of_the_template_is_that_of_the_migration(sesh: D1, tmp_path: Path) -> None:
    other = EmbeddedD1(tmp_path / "other.sqlite")
    other.batch([Statement(text) for text in split(read_sql("changes/d1/log.sql"))])
    query = "select name, sql from sqlite_master where tbl_name like 'change_log%' and sql is not null order by name"
    assert [(row["name"], words(row["sql"])) for row in other.query(query)] == [
        (row["name"], words(row["sql"])) for row in sesh.query(query) if not row["sql"].startswith("CREATE TRIGGER")
    ]
    other.close()


def test_a_migrated_database_is_left_alone(sesh: D1) -> None:
    before = sources(sesh)
    assert install(sesh, SESH) == []
    assert sources(sesh) == before


def test_what_is_missing_is_made_what_differs_replaced_what_is_surplus_removed(sesh: D1) -> None:
    before = sources(sesh)
    sesh.execute("drop trigger strains_updated")
    sesh.execute("drop trigger inventory_deleted")
    sesh.execute("create trigger inventory_deleted after delete on inventory begin select 1; end")
    sesh.execute(
        "create trigger strain_terms_deleted after delete on strain_terms begin "
        "insert into change_log (table_name, row_id, operation) values ('strain_terms', old.term, 'delete'); end"
    )
    assert sorted(install(sesh, SESH)) == ["inventory_deleted", "strain_terms_deleted", "strains_updated"]
    assert {name: words(text).lower() for name, text in sources(sesh).items()} == {
        name: words(text).lower() for name, text in before.items()
    }
    assert install(sesh, SESH) == []


def test_a_table_that_was_made_again_is_logged_again(sesh: D1) -> None:
    put(sesh, "strains", id="s")
    sesh.execute("create table copied as select * from strains")
    sesh.execute("drop table strains")
    sesh.execute("create table strains (id text primary key not null, name text, type text)")
    sesh.execute("delete from change_log")
    sesh.execute("insert into strains (id) values ('t')")
    assert logged(sesh) == [], "the triggers went with the table"
    assert sorted(install(sesh, SESH)) == ["strains_deleted", "strains_inserted", "strains_updated"]
    sesh.execute("insert into strains (id) values ('u')")
    assert [entry[1:3] for entry in logged(sesh)] == [("u", "insert")]


def test_a_table_that_is_logged_by_other_keys_gets_other_triggers(sesh: D1) -> None:
    changes = tuple(replace(t, keys=("id", "name")) if t.name == "strains" else t for t in SESH.changes)
    made = install(sesh, replace(SESH, changes=changes))
    assert sorted(made) == [f"strains_{what}" for what in ("deleted", "inserted", "pushed_out", "replaced", "updated")]
    put(sesh, "strains", id="s", name="Blue")
    assert logged(sesh)[-1][-1] == '{"id":"s","name":"Blue"}'


def test_keys_and_unique_columns_of_one_table_are_both_seen_by_or_replace(tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "shop.sqlite")
    d1.execute("create table leads (id text primary key not null, email text unique, owner text)")
    table = LoggedTable("leads", "id", ("id", "owner"), unique=("email",))
    install(d1, app(table))
    for name, owner in (("a", "x"), ("b", "y")):
        d1.execute("insert into leads values (?, ?, ?)", [name, f"{name}@shop.example", owner])
    d1.execute("delete from change_log")
    d1.execute("insert or replace into leads values ('a', 'b@shop.example', 'z')")
    replaced = [(row, old) for _, row, what, old, _ in logged(d1) if what == "replace"]
    assert sorted(replaced) == [("a", '{"id":"a","owner":"x"}'), ("b", '{"id":"b","owner":"y"}')]
    d1.close()


def test_an_app_without_logged_tables_gets_no_log(tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "shop.sqlite")
    assert install(d1, app()) == []
    assert d1.query("select name from sqlite_master") == []
    d1.close()
