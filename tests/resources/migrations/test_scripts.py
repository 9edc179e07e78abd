"""Scripts are cut into whole statements."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from resources import migrations
from resources.migrations import postgres as in_postgres
from resources.migrations.d1 import split
from tests.resources.migrations.shop import FOLDER, Store

WHOLE = {
    "d1": (
        """create trigger trimmed after insert on customers begin
            update customers set name = 'end;' where id = new.id;
            insert into gone values (';');
        end;""",
        "drop trigger trimmed",
    ),
    "postgres": (
        """create function trimmed() returns trigger language plpgsql as $$
        begin
            new.name = 'end;';
            return new;
        end;
        $$;
        create trigger trimmed before insert on customers for each row execute function trimmed();""",
        "drop trigger trimmed on customers; drop function trimmed",
    ),
}


def test_triggers_and_functions_are_whole(shop: Store, files: Path) -> None:
    body, undo = WHOLE[shop.kind]
    (files / "003_index.up.sql").write_text(body)
    (files / "003_index.down.sql").write_text(undo)
    migrations.up(shop.applied, FOLDER)
    shop.run("insert into customers (id, name) values ('2', 'x')")
    assert shop.rows("select name from customers where id = '2'") == [{"name": "end;"}]
    assert migrations.down(shop.applied, FOLDER) == ["003_index"]


PARTS = [
    "create table t%d (a text default ';')",
    "-- c;\nselect ';--'",
    "select e'it\\';' /* ; */",
    """do $$ begin perform ';'; end $$""",
    """create function f%d() returns int language sql as $x$ select 1; $x$""",
    'select 1 as "a;b"',
]


@given(st.lists(st.sampled_from(PARTS), min_size=1))
def test_a_postgres_script_is_cut_at_the_ends_of_statements(parts: list[str]) -> None:
    texts = [part % number if "%d" in part else part for number, part in enumerate(parts)]
    found = in_postgres.split(";\n".join(texts) + "\n-- the end; of it\n")
    assert [text.rstrip(";") for text in found] == [*texts[:-1], f"{texts[-1]}\n-- the end; of it"]


@given(st.lists(st.sampled_from(["create table t%d (a text default ';')", "-- c;\nselect ';--'", "/* ; */ select %d"])))
def test_split_gives_the_statements_again(parts: list[str]) -> None:
    texts = [part % number if "%d" in part else part for number, part in enumerate(parts)]
    found = split(";\n".join(texts))
    assert found == [f"{text};" for text in texts[:-1]] + texts[-1:]
