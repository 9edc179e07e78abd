"""Any position of a D1 comes back row for row, also beside writers; in each room, into each room."""

import random
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from assets.backups.d1 import BOOKMARK
from assets.backups.method import Scope
from assets.backups.obstacles import InTheWayError
from resources.cloudflare import api_session
from resources.d1 import D1, CloudflareD1, pages
from resources.pacing import Pacing, Rate
from tests.assets.backups.d1_databases import Kept, new_file
from tests.assets.backups.d1_shop import Between, Shopkeeper, held, make
from tests.standin.cloudflare import ACCOUNT, DATABASE, TOKEN, Cloudflare
from tests.workerd.local_runtime import NotInstalledError, installed, local_session, running

END = "select coalesce(max(id), 0) as id from backup_log"
MOMENTS = 20


@pytest.fixture(scope="module")
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[D1]]:
    """Empty databases of Cloudflare's local runtime; a test takes some."""
    try:
        installed()
    except NotInstalledError as error:
        line = f"SKIPPED: backups of D1 against workerd, Cloudflare's local runtime: npm install failed: {error}"
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            sys.stderr.write(f"\n{line}\n")
        pytest.skip(line)
    with running(tmp_path_factory.mktemp("cloudflare"), databases=8, namespaces=1) as local:
        yield [CloudflareD1(local_session(), "", name, api=local.api) for name in local.databases]


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "FIRST_ROWS", 3)
    monkeypatch.setattr(pages, "MOST_ROWS", 3)


@dataclass
class Trading:
    """A shop whose state after each transaction is known, by the position of the log."""

    d1: D1
    chance: random.Random
    shopkeeper: Shopkeeper
    states: dict[int, object]

    @classmethod
    def of(cls, d1: D1, seed: int) -> "Trading":
        make(d1)
        return cls(d1, random.Random(seed), Shopkeeper(d1, seed), {})

    def trade(self, times: int = 1) -> None:
        for _ in range(times):
            self.shopkeeper.trade()
            self.record()

    def record(self) -> None:
        self.states[self.d1.query(END)[0]["id"]] = held(self.d1)

    def busy(self, kept: Kept) -> Kept:
        """Backups in the middle of which somebody writes."""
        return kept.over(cast("D1", Between(self.d1, lambda: self.trade(self.chance.random() < 0.5))))


def traded(d1: D1, folder: Path, seed: int, days: int, most: int) -> tuple[Trading, Kept]:
    """A shop with backups of some days, a full one among them, and up to `most` transactions between two."""
    trading, kept = Trading.of(d1, seed), Kept.of(d1, folder)
    for _ in range(20):
        trading.shopkeeper.trade()
    kept.full()
    trading.record()
    for day in range(days):
        trading.trade(trading.chance.randint(0, most))
        busy = trading.busy(kept)
        busy.full() if day == days // 2 else busy.incremental()
    trading.trade(3)
    kept.incremental()
    return trading, kept


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 40))])
def test_random_moments_come_back_as_they_were(seed: int, memory_folder: Path) -> None:
    d1 = new_file(memory_folder, "shop")
    trading, kept = traded(d1, memory_folder / "target", seed, days=6, most=15)
    for at in trading.chance.sample(sorted(trading.states), MOMENTS):
        place = new_file(memory_folder, f"at {at}")
        assert kept.restore(place, Scope(at=str(at))).until == str(at)
        assert held(place) == trading.states[at], at
        place.close()
    d1.close()


@pytest.mark.xdist_group("workerd_of_backups")
def test_a_database_over_http_comes_back_there_and_in_a_file_and_from_there_again(
    databases: list[D1], tmp_path: Path
) -> None:
    d1, *places = (databases.pop() for _ in range(4))
    trading, kept = traded(d1, tmp_path / "target", 4, days=4, most=6)
    moments = trading.chance.sample(sorted(trading.states), 6)
    for number, at in enumerate(moments):
        place = places[number] if number < 2 else new_file(tmp_path, f"at {at}")
        assert kept.restore(place, Scope(at=str(at))).until == str(at)
        assert held(place) == trading.states[at], at
    # What came back in a file is backed up there, and comes back over HTTP.
    file = Kept.of(place, tmp_path / "second target")
    file.full()
    file.restore(places[2])
    assert held(places[2]) == trading.states[moments[-1]]
    # And over what is live, with all that was written since.
    trading.trade(5)
    kept.restore(d1, Scope(live=True))
    assert held(d1) == trading.states[int(kept.found.complete[-1].until)]
    assert BOOKMARK not in kept.found.complete[-1].facts, "the local runtime has no Time Travel"
    place.close()


@pytest.mark.xdist_group("workerd_of_backups")
def test_what_is_in_the_way_over_http_is_found_by_reading(databases: list[D1], tmp_path: Path) -> None:
    d1 = databases.pop()
    make(d1)
    d1.execute("insert into people (id, email, note, score) values (1, 'a@x', 'zz', 1), (2, 'b@x', null, 2)")
    d1.execute("insert into orders values ('o1', 1, 'x'), ('o2', 2, 'y')")
    kept = Kept.of(d1, tmp_path / "target")
    kept.full()
    chain = kept.method.chain(kept.found, None)
    d1.execute("delete from people")
    d1.execute("insert into people (id, email, note, score) values (7, 'A@X', null, 3), (8, null, 'zz', 1)")
    for tables, said in (
        (("orders",), r"rows: 2 rows of orders refer by person to what is not in people\. Next"),
        (("people", "orders"), r"unique key \(email\) that .* row of people has .* key \(note, score\) that another"),
    ):
        with pytest.raises(InTheWayError, match=said):
            kept.method.preview(kept.target, chain, Scope(tables=tables, live=True))
    d1.execute("delete from people")
    both = Scope(tables=("orders", "people"), live=True)
    assert [table.rows for table in kept.method.preview(kept.target, chain, both)] == [2, 2]
    kept.restore(d1, both)
    assert len(d1.query("select * from orders")) == 2


def test_a_set_of_a_real_database_has_its_bookmark(tmp_path: Path) -> None:
    api = Cloudflare(tmp_path / "cloudflare", clock=lambda: 0.0)
    session = api_session(TOKEN, Pacing(Rate(per_second=1e6, burst=1e6)))
    with api.loopback, closing(CloudflareD1(session, ACCOUNT, DATABASE, api=api.api)) as d1:
        d1.execute("create table items (id integer primary key)")
        assert Kept.of(d1, tmp_path / "target").full().facts[BOOKMARK] == "00000000-00000000-now"
    api.close()
