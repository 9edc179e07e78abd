"""Fields that moved out of JSON: filled in small steps while the application writes, killed anywhere."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.apps.sesh import APP as SESH
from assets.columns.fill import Filled, fill, unfilled
from resources.d1 import D1, EmbeddedD1
from tests.assets.series.partitioned_d1 import UNHURRIED, KilledError, Mortal
from tests.sql.sesh.database import migrated, put

(UNIT,) = SESH.extractions
UNITS = {"a": "g", "b/ä": "ml", "c": None, "d": "piece", "e": "g", "z": "mg"}


@pytest.fixture
def sesh(tmp_path: Path) -> Iterator[EmbeddedD1]:
    """Products as they were before the column was: with the field in JSON, and the column null."""
    d1 = migrated(tmp_path / "sesh.sqlite")
    before(d1)
    yield d1
    d1.close()


def before(d1: D1) -> None:
    d1.execute("delete from products")
    d1.execute("delete from job_places")
    for name, unit in UNITS.items():
        put(d1, "products", id=name, attributes=json.dumps({"unit": unit, "note": 1} if unit else {}))
    d1.execute("update products set unit = null")


def units(d1: D1) -> dict[str, str | None]:
    return {row["id"]: row["unit"] for row in d1.query("select id, unit from products")}


def test_every_row_is_filled_once_and_then_there_is_nothing_to_do(sesh: D1) -> None:
    assert unfilled(sesh, UNIT) == 5
    assert fill(sesh, UNIT, UNHURRIED, page=4) == Filled(6, 5)
    assert units(sesh) == UNITS
    assert unfilled(sesh, UNIT) == 0
    assert fill(sesh, UNIT, UNHURRIED) == Filled(0, 0)


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_and_run_again_it_ends_the_same(sesh: D1, after: bool) -> None:
    at = 0
    while True:
        at += 1
        before(sesh)
        mortal = Mortal(sesh, at, after=after)
        try:
            fill(mortal, UNIT, UNHURRIED, page=2)
        except KilledError:
            fill(sesh, UNIT, UNHURRIED, page=2)
        assert units(sesh) == UNITS, f"killed at call {at}"
        if mortal.calls < at:
            break
    assert at > 8


def test_what_the_application_writes_meanwhile_stays(sesh: D1) -> None:
    with pytest.raises(KilledError):
        fill(Mortal(sesh, 6), UNIT, UNHURRIED, page=2)
    # A new version writes the column, ahead of the job and behind it; an old one the JSON.
    sesh.execute("update products set unit = 'oz' where id in ('a', 'z')")
    put(sesh, "products", id="A", attributes='{"unit":"pack"}')
    sesh.execute("""update products set attributes = '{"unit":"kg"}' where id = 'e'""")
    fill(sesh, UNIT, UNHURRIED, page=2)
    assert units(sesh) == {**UNITS, "a": "oz", "z": "oz", "A": "pack", "e": "kg"}
    assert unfilled(sesh, UNIT) == 0
