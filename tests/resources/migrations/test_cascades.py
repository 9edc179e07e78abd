"""A migration of D1 that drops a table which others refer to takes no row of theirs along: it is refused."""

import pytest

from resources import migrations
from resources.d1 import D1, CloudflareD1, EmbeddedD1, Statement
from resources.migrations import FailedMigrationError, Migration, MigrationError

BEFORE = [
    "create table parents (id integer primary key, name text)",
    "insert into parents values (1, 'one')",
]
AGAIN = """create table parents_new (id integer primary key, name text, age integer);
insert into parents_new (id, name) select id, name from parents;
drop table parents;
alter table parents_new rename to parents;"""
# By its ON DELETE: what the refusal says of it.
TAKEN = {
    "cascade": "dropping parents deletes the rows of children (ON DELETE CASCADE)",
    "set null": "dropping parents empties the references of children (ON DELETE SET NULL)",
    "set default": "dropping parents empties the references of children (ON DELETE SET DEFAULT)",
}


@pytest.fixture(params=["embedded D1", "D1 over HTTP"])
def d1(request: pytest.FixtureRequest) -> D1:
    """A D1 with a parent."""
    if request.param == "embedded D1":
        made: D1 = EmbeddedD1(request.getfixturevalue("tmp_path") / "family.sqlite")
    else:
        over_http: CloudflareD1 = request.getfixturevalue("http_d1")
        made = over_http
    made.batch([Statement(text) for text in BEFORE])
    return made


def apply(d1: D1, script: str) -> bool:
    return migrations.D1AppliedMigrations(d1, "family-d1").apply(Migration("family/d1", 1, "again", script, "select 1"))


def state(d1: D1) -> list[object]:
    schema = d1.query("select name, sql from sqlite_master where tbl_name <> 'pipelines_migrations' order by name")
    return [schema, d1.query("select * from parents"), d1.query("select * from children order by id")]


@pytest.mark.parametrize("rule", TAKEN)
def test_children_stay_because_it_is_refused(d1: D1, rule: str) -> None:
    d1.execute(
        f'create table children (id integer primary key, "parent" integer references "Parents" on delete {rule})'
    )
    d1.batch([Statement("insert into children values (1, 1)"), Statement("insert into children values (2, null)")])
    before = state(d1)
    with pytest.raises(MigrationError, match=r"family-d1: sql/family/d1/001_again\.up\.sql would lose") as refused:
        apply(d1, AGAIN)
    assert TAKEN[rule] in refused.value.reason.replace("Parents", "parents")
    assert "failed-migration.md" in refused.value.next_step
    assert state(d1) == before
    d1.execute("delete from children where parent is not null")
    assert apply(d1, AGAIN), "a row that refers to nothing loses nothing"


def test_a_reference_that_forbids_it_fails_as_ever(d1: D1) -> None:
    d1.execute("create table children (id integer primary key, parent integer references parents)")
    d1.execute("insert into children values (1, 1)")
    before = state(d1)
    with pytest.raises(FailedMigrationError, match="statement 3 of 4"):
        apply(d1, AGAIN)
    assert state(d1) == before


@pytest.mark.parametrize(
    "script",
    [
        # Moved out of the way under its old references, which go with the name.
        """alter table parents rename to parents_old; create table parents (id integer primary key, name text);
        insert into parents select * from parents_old; drop table parents_old;""",
        "-- DROP it\ncreate table other (id text); DROP  TABLE IF EXISTS parents; create table parents (id integer);",
    ],
)
def test_no_way_of_writing_it_hides_it(d1: D1, script: str) -> None:
    d1.execute("create table children (id integer primary key, parent integer references parents on delete cascade)")
    d1.execute("insert into children values (1, 1)")
    before = state(d1)
    with pytest.raises(MigrationError, match="deletes the rows of children"):
        apply(d1, script)
    assert state(d1) == before


def test_children_that_the_script_puts_aside_and_back_are_no_loss(d1: D1) -> None:
    d1.execute("create table children (id integer primary key, parent integer references parents on delete cascade)")
    d1.execute("insert into children values (1, 1)")
    aside = "create table aside as select * from children; delete from children;"
    assert apply(d1, f"{aside}{AGAIN} insert into children select * from aside; drop table aside;")
    assert d1.query("select id, parent from children") == [{"id": 1, "parent": 1}]
    assert d1.query("select id, name, age from parents") == [{"id": 1, "name": "one", "age": None}]


def test_a_table_that_refers_to_itself_and_goes_takes_nothing_along(d1: D1) -> None:
    d1.execute("create table people (id integer primary key, boss integer references people on delete cascade)")
    d1.batch([Statement("insert into people values (1, null)"), Statement("insert into people values (2, 1)")])
    assert apply(d1, "drop table people;")
