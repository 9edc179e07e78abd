"""Any position of a D1 comes back row for row, whoever wrote while it was backed up; in each room, into each room."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from assets.backups.method import Scope
from resources.d1 import D1, CloudflareD1, pages
from tests.assets.backups.d1_databases import Kept, new_file
from tests.assets.backups.d1_shop import Between, Shopkeeper, held, make
from tests.workerd.local_runtime import Workerd, local_session

END = "select coalesce(max(id), 0) as id from backup_log"
MOMENTS = 20


@pytest.fixture(params=["embedded", pytest.param("workerd", marks=pytest.mark.xdist_group("workerd_of_backups"))])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[D1]]:
    """Empty databases in each room."""
    if request.param == "embedded":
        found: list[D1] = [new_file(tmp_path, f"place {number}") for number in range(4)]
    else:
        workerd: Workerd = request.getfixturevalue("backups_workerd")
        found = [CloudflareD1(local_session(), "", name, api=workerd.api) for name in workerd.databases]
    yield found
    for place in found:
        place.close()


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "FIRST_ROWS", 3)
    monkeypatch.setattr(pages, "MOST_ROWS", 3)


@pytest.mark.parametrize("seed", range(3))
def test_random_moments_come_back_as_they_were(seed: int, tmp_path: Path) -> None:
    d1 = new_file(tmp_path, "shop")
    make(d1)
    shopkeeper, chance = Shopkeeper(d1, seed), random.Random(seed)
    kept = Kept.of(d1, tmp_path / "target")
    recorded: dict[int, object] = {}

    def trade(times: int = 1) -> None:
        for _ in range(times):
            shopkeeper.trade()
            recorded[d1.query(END)[0]["id"]] = held(d1)

    for _ in range(20):
        shopkeeper.trade()

    def somebody_writes() -> None:
        if chance.random() < 0.5:
            trade()

    busy = kept.over(cast("D1", Between(d1, somebody_writes)))
    kept.full()
    recorded.clear()
    recorded[d1.query(END)[0]["id"]] = held(d1)
    for number in range(6):
        trade(chance.randint(0, 15))
        busy.full() if number == 3 else busy.incremental()
    trade(3)
    last = kept.incremental()
    moments = [at for at in recorded if at <= int(last.until)]
    for at in chance.sample(moments, min(MOMENTS, len(moments))):
        place = new_file(tmp_path, f"at {at}")
        assert kept.restore(place, Scope(at=str(at))).until == str(at)
        assert held(place) == recorded[at], at
        place.close()
    d1.close()
