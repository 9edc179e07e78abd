"""What is in the way of single rows of a D1 is said before they are restored; what is let through comes back."""

import random
from contextlib import suppress
from pathlib import Path

import pytest

from assets.backups import d1_place
from assets.backups.method import Scope
from assets.backups.obstacles import InTheWayError
from resources.d1 import EmbeddedD1
from resources.declined import DeclinedError
from tests.assets.backups.d1_databases import Kept, new_file
from tests.assets.backups.d1_shop import TABLES, Shopkeeper, held, make

PEOPLE = "insert into people (id, email, note, score) values "


@pytest.fixture
def d1(memory_folder: Path) -> EmbeddedD1:
    made = new_file(memory_folder, "shop")
    make(made)
    return made


@pytest.fixture
def kept(d1: EmbeddedD1, memory_folder: Path) -> Kept:
    return Kept.of(d1, memory_folder / "target")


def preview(kept: Kept, *tables: str) -> dict[str, int]:
    scope = Scope(tables=tables, live=True)
    return {t.name: t.rows for t in kept.method.preview(kept.target, kept.method.chain(kept.found, None), scope)}


def in_the_way(kept: Kept, *tables: str) -> str:
    """What stands in the way, which preview and restore say alike, and which changes nothing."""
    d1 = kept.method.live()
    before, said = held(d1), []
    for work in (lambda: preview(kept, *tables), lambda: kept.restore(d1, Scope(tables=tables, live=True))):
        with pytest.raises(InTheWayError) as raised:
            work()
        said.append(str(raised.value))
    assert said[0] == said[1]
    assert held(d1) == before
    return said[0]


def test_a_parent_that_is_gone_is_named_and_comes_with_its_children(d1: EmbeddedD1, kept: Kept) -> None:
    d1.execute(f"{PEOPLE} (1, 'ann@secret', null, 1), (2, 'bob@secret', null, 2)")
    d1.execute("insert into orders values ('o1', 1, 'x'), ('o2', 2, 'y'), ('o3', 2, 'z')")
    kept.full()
    d1.execute("delete from people where id = 2")
    assert in_the_way(kept, "orders") == (
        "the live shop/d1 does not take these rows: 2 rows of orders refer by person to what is not in people. Next: "
        "restore that table with it: --table people; or restore into a new place with --into, and take the rows from "
        "there"
    )
    assert preview(kept, "orders", "people") == {"people": 2, "orders": 3}
    kept.restore(d1, Scope(tables=("orders", "people"), live=True))
    assert len(d1.query("select * from orders")) == 3


def test_a_value_that_another_row_has_now_is_named_by_its_key_alone(d1: EmbeddedD1, kept: Kept) -> None:
    d1.execute(f"{PEOPLE} (1, 'ann@secret', 'zz', 1), (2, null, 'a', 2)")
    kept.full()
    d1.execute("delete from people")
    # The second one is under no condition of the index over note and score.
    d1.execute(f"{PEOPLE} (7, 'ANN@secret', 'zz', 1), (8, null, 'a', 2)")
    said = in_the_way(kept, "people")
    assert (
        "1 row of people has a value of the unique key (email) that another row has now; 1 row of people has a value "
        in said
    )
    assert "unique key (note, score) that another row has now. Next: give the rows that are there now another" in said
    assert "secret" not in said.lower()
    d1.execute("update people set email = 'other', score = 9 where id = 7")
    assert preview(kept, "people") == {"people": 2}
    kept.restore(d1, Scope(tables=("people",), live=True))
    assert [row["id"] for row in d1.query("select id from people order by id")] == [1, 2, 7, 8]


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(4, 60))])
def test_what_the_preview_lets_through_comes_back(seed: int, d1: EmbeddedD1, kept: Kept) -> None:
    chance, shopkeeper = random.Random(seed), Shopkeeper(d1, seed)
    for _ in range(25):
        shopkeeper.trade()
    kept.full()
    for _ in range(12):
        for _ in range(chance.randint(1, 8)):
            shopkeeper.trade()
        tables = tuple(chance.sample(sorted(TABLES), chance.randint(1, 2)))
        before = held(d1)
        try:
            preview(kept, *tables)
        except InTheWayError:
            assert held(d1) == before
            with suppress(DeclinedError):
                kept.restore(d1, Scope(tables=tables, live=True))
        else:
            kept.restore(d1, Scope(tables=tables, live=True))


def test_a_whole_restore_over_another_schema_is_refused_before_it_is_confirmed(d1: EmbeddedD1, kept: Kept) -> None:
    kept.full()
    chain = kept.method.chain(kept.found, None)
    kept.method.preview(kept.target, chain, Scope(live=True))
    d1.execute("create table further (id text primary key not null)")
    with pytest.raises(DeclinedError, match="the live schema is not that of the set: further differ"):
        kept.method.preview(kept.target, chain, Scope(live=True))


def test_what_only_the_engine_sees_is_said_in_its_words(
    d1: EmbeddedD1, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    d1.execute(f"{PEOPLE} (1, 'ann@secret', 'b', 1)")
    kept.full()
    monkeypatch.setattr(d1_place, "obstacles", lambda *_: [])
    d1.execute("delete from people")
    d1.execute(f"{PEOPLE} (7, 'ann@secret', 'c', 1)")
    with pytest.raises(DeclinedError, match=r"does not take these rows: UNIQUE constraint failed: people\.email"):
        kept.restore(d1, Scope(tables=("people",), live=True))
