"""The backup log of a D1: what it follows, what it refuses, and how it notices that it was interrupted."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import cast

import pytest

from assets.backups.d1_log import Entry, entries, install, position
from assets.backups.method import FullNeededError, NotRestorableError, Scope
from resources.d1 import D1, EmbeddedD1
from resources.declined import DeclinedError
from tests.assets.backups.d1_databases import Kept, new_file
from tests.assets.backups.d1_shop import Between

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MANY = ", ".join(f"c{number}" for number in range(9))


@pytest.fixture
def d1(memory_folder: Path) -> Iterator[EmbeddedD1]:
    found = new_file(memory_folder, "shop")
    found.execute("create table items (id integer primary key, name text unique, price real)")
    yield found
    found.close()


@pytest.fixture
def kept(d1: EmbeddedD1, memory_folder: Path) -> Kept:
    return Kept.of(d1, memory_folder / "target")


def logged(d1: D1) -> list[tuple[str, bytes, bytes | None]]:
    found = [Entry.parse(line) for lines in entries(d1, 0, position(d1).end) for line in lines]
    return [(entry.table, entry.key, entry.image) for entry in found]


def names(kept: Kept, folder: Path, scope: Scope = Scope()) -> list[str]:  # noqa: B008
    place = new_file(folder, f"place {scope.at}")
    kept.restore(place, scope)
    found = [row["name"] for row in place.query("select name from items order by id")]
    place.close()
    place.path.unlink()
    return found


def test_what_is_ignored_or_updated_in_place_is_no_deletion(d1: EmbeddedD1) -> None:
    d1.execute("insert into items values (1, 'a', 1), (2, 'b', 2)")
    install(d1, NOW)
    d1.execute("insert or ignore into items values (3, 'a', 3)")
    assert logged(d1) == []
    d1.execute("insert into items values (3, 'a', 3) on conflict (name) do update set price = excluded.price")
    d1.execute("insert or replace into items values (4, 'b', 4)")
    d1.execute("update or replace items set name = 'b' where id = 1")
    # Which of two triggers of one event fires first is SQLite's choice.
    assert sorted((key, image or b"") for _, key, image in logged(d1)) == [
        (b"[1]", b'[[1],["a",{"r":"3.0"}]]'),
        (b"[1]", b'[[1],["b",{"r":"3.0"}]]'),
        (b"[2]", b""),
        (b"[4]", b""),
        (b"[4]", b'[[4],["b",{"r":"4.0"}]]'),
    ]
    assert d1.query("select * from backup_noted") == []


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("create table bad (name text)", "it has no primary key; give it one"),
        ("create table bad (name text primary key)", "may be NULL; declare name as not null"),
        ("create table bad (id integer primary key, n); create unique index u on bad (lower(n))", "over an expression"),
        ("create table 'a\tb' (id integer primary key)", "a name with a tab"),
        ("create virtual table bad using fts5 (body)", "virtual table bad holds rows of its own"),
        (f"create table bad ({MANY} int not null, primary key ({MANY})) without rowid", "more than 8 columns"),
    ],
)
def test_a_table_whose_rows_cannot_be_followed_is_refused_by_name(d1: EmbeddedD1, table: str, problem: str) -> None:
    for statement in table.split(";"):
        d1.execute(statement)
    with pytest.raises(DeclinedError, match=problem) as error:
        install(d1, NOW)
    assert error.value.next_step == "change it by a migration, then back up again"
    assert d1.query("select 1 from sqlite_master where name = 'backup_log'") == []


def test_triggers_that_were_dropped_and_made_again_are_a_change_of_the_schema(kept: Kept, d1: EmbeddedD1) -> None:
    kept.full()
    text = d1.query("select sql from sqlite_master where name = 'backup_of_items_inserted'")[0]["sql"]
    d1.execute("drop trigger backup_of_items_inserted")
    d1.execute("insert into items values (1, 'unseen', 1)")
    with pytest.raises(FullNeededError, match="triggers of the log were made again"):
        kept.incremental()
    kept.full()
    made_again = d1.query("select sql from sqlite_master where name = 'backup_of_items_inserted'")[0]["sql"]
    assert made_again != text


def test_a_log_that_was_set_back_and_went_on_is_recognised(kept: Kept, d1: EmbeddedD1, memory_folder: Path) -> None:
    kept.full()
    d1.execute("insert into items values (1, 'a', 1)")
    with closing(sqlite3.connect(d1.path)) as live, closing(sqlite3.connect(memory_folder / "before")) as before:
        live.backup(before)
        d1.execute("insert into items values (2, 'b', 2)")
        kept.incremental()
        before.backup(live)
    for number in range(5):
        d1.execute("insert into items values (?, ?, 0)", [10 + number, f"other {number}"])
    with pytest.raises(FullNeededError, match="it was set back or deleted"):
        kept.incremental()
    kept.full()
    assert names(kept, memory_folder) == ["a", *(f"other {number}" for number in range(5))]


def test_the_log_is_deleted_up_to_the_base_and_no_further(kept: Kept, d1: EmbeddedD1, memory_folder: Path) -> None:
    kept.full()
    for number in range(10):
        d1.execute("insert into items values (?, ?, 0)", [number, str(number)])
    kept.incremental()
    assert d1.query("select count(*) as n from backup_log") == [{"n": 10}], "nothing is deleted before it is verified"
    d1.execute("insert into items values (20, 'later', 0)")
    kept.incremental()
    assert [row["id"] for row in d1.query("select id from backup_log")] == [10, 11]
    assert len(names(kept, memory_folder)) == 11
    assert len(names(kept, memory_folder, Scope(at="4"))) == 4
    d1.execute("delete from backup_log")
    with pytest.raises(FullNeededError, match="set back or deleted"):
        kept.incremental()


def test_a_time_is_cut_at_the_first_change_that_is_later(kept: Kept, d1: EmbeddedD1, memory_folder: Path) -> None:
    full = kept.full()
    sleep(0.02)
    d1.execute("insert into items (name) values ('a'), ('b'), ('c')")
    span = position(d1).moment - full.moment

    def at(share: float) -> datetime:
        return full.moment + span * share

    # The clock stepped back: the third change says that it was before the second one.
    for number, share in ((1, 0.2), (2, 0.8), (3, 0.4)):
        d1.execute("update backup_log set changed_at = ? where id = ?", [at(share).isoformat(), number])
    last = kept.incremental()
    assert names(kept, memory_folder, Scope(at=at(0.1))) == []
    assert names(kept, memory_folder, Scope(at=at(0.6))) == ["a"]
    assert names(kept, memory_folder, Scope(at=at(0.9))) == ["a", "b", "c"]
    assert [manifest.id for manifest in kept.method.chain(kept.found, at(0.6))] == [full.id, last.id]
    # After the newest set there is the newest state, as of every store.
    assert kept.method.chain(kept.found, last.moment + timedelta(seconds=1)) == (full, last)
    for outside in (full.moment - timedelta(seconds=1), "99", "x"):
        with pytest.raises(NotRestorableError):
            kept.method.chain(kept.found, outside)


def test_rows_that_are_too_long_for_a_text_come_back(kept: Kept, d1: EmbeddedD1, memory_folder: Path) -> None:
    d1.execute("create table files (id text primary key not null, body, other)")
    d1.execute("insert into files values ('old', ?, ?)", [b"\1\2" * 300_000, "ä" * 300_000])
    d1.execute("insert into files values ('small', 'x', null)")
    kept.full()
    d1.execute("insert into files values ('new', ?, 0.1)", ['"\\\n' * 200_000])
    d1.execute("update files set body = ?, other = ? where id = 'old'", [b"\3" * 900_000, 2**60])
    middle = position(d1).end
    d1.execute("update files set other = 5 where id = 'old'")
    kept.incremental()
    before = d1.query("select id, typeof(body) as b, body, typeof(other) as o, other from files order by id")
    for name in ("place", "second"):
        place = new_file(memory_folder, name)
        kept.restore(place if name == "place" else cast("D1", Between(place, lambda: None)))
        again = place.query("select id, typeof(body) as b, body, typeof(other) as o, other from files order by id")
        assert again == before
        place.close()
    with pytest.raises(NotRestorableError, match="a row of files is too long for the log"):
        kept.restore(new_file(memory_folder, "between"), Scope(at=str(middle)))


def test_a_schema_that_changes_while_it_is_read_is_no_backup(kept: Kept, d1: EmbeddedD1) -> None:
    d1.execute("insert into items values (1, 'a', 1)")
    install(d1, NOW)
    # The first reading is of the triggers, the second of a table.
    statements = iter(["select 1", "create table more (id integer primary key)"])

    def change() -> None:
        d1.execute(next(statements, "select 1"))

    with pytest.raises(DeclinedError, match="the schema of shop/d1 changed while it was read"):
        kept.over(cast("D1", Between(d1, change))).full()
    assert kept.found.complete == ()
    kept.full()


def test_two_who_install_at_once_leave_one_set_of_triggers(d1: EmbeddedD1) -> None:
    def another_one_installs() -> None:
        install(d1, NOW)

    raced = cast("D1", Between(d1, another_one_installs))
    install(raced, NOW + timedelta(seconds=1))
    assert install(d1, NOW) == []
    d1.execute("insert into items values (1, 'a', 1)")
    assert len(logged(d1)) == 1


@pytest.mark.parametrize("first", ["the log", "the application"])
def test_what_the_triggers_of_the_application_made_of_a_change_is_logged(d1: EmbeddedD1, first: str) -> None:
    if first == "the log":
        install(d1, NOW)
    for text in (
        "create trigger kept after delete on items when old.id = 1 begin insert into items values (1, 'kept', 0); end",
        "create trigger twice after insert on items when new.id = 2 begin update items set price = 9 where id = 2; end",
        "create trigger moved after update on items when new.id = 3 begin update items set id = 4 where id = 3; end",
        "create trigger gone after insert on items when new.id = 5 begin delete from items where id = 5; end",
    ):
        d1.execute(text)
    install(d1, NOW)
    d1.execute("insert into items values (1, 'a', 1), (2, 'b', 1), (3, 'c', 1), (5, 'd', 1)")
    d1.execute("delete from items where id = 1")
    d1.execute("update items set price = 2 where id = 3")
    assert [row["id"] for row in d1.query("select id from items order by id")] == [1, 2, 4]
    assert {key: image for _, key, image in logged(d1)} == {
        b"[1]": b'[[1],["kept",{"r":"0.0"}]]',
        b"[2]": b'[[2],["b",{"r":"9.0"}]]',
        b"[3]": None,
        b"[4]": b'[[4],["c",{"r":"2.0"}]]',
        b"[5]": None,
    }
