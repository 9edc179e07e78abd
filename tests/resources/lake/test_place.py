"""Tables that are brought elsewhere: every engine reads there what was in the original, and nothing leads back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyiceberg.io import FileIO

from resources.lake import LakeTable
from resources.lake.manifests import RewriteLimits, rewrite
from resources.lake.place import LakePlace
from resources.lake.reach import in_order
from tests.resources.lake.engines import READERS
from tests.resources.lake.readings import NORTH, READINGS, SOUTH, ids, readings, written
from tests.resources.lake.rooms import moto_properties, rest_lake, served
from tests.resources.lake.row_deletes import delete_equal, delete_positions, delete_rows

pytestmark = pytest.mark.filterwarnings("ignore:Iceberg scan planning:polars.exceptions.PerformanceWarning")
COLUMNS = ("site", "id", "value", "note")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[LakePlace]:
    with LakePlace.in_folder(tmp_path / "elsewhere") as found:
        yield found


def filled(table: LakeTable) -> None:
    """Appends, a replacement, rewritten manifests, rows deleted by position and by value."""
    first = [written(table, "a", "b", "c"), written(table, "d", "e", key=SOUTH)]
    table.append(first, "one")
    small = [written(table, name) for name in ("f", "g")]
    table.append(small, "two")
    table.replace(small, [table.rewrite(NORTH, small).file], "three")
    rewrite(table, RewriteLimits(entries=4, saved=1))
    delete_rows(table, first[0], 1)
    delete_positions(table, {first[1]: [0]})
    delete_equal(table, first[0], readings(NORTH, "a").select("id"))


def brought(table: LakeTable, place: LakePlace, common: str) -> LakeTable:
    """The table as it is now, in a place."""
    live = table.load()
    moved = place.moved(common)
    for location in in_order(live):
        data = Path(location.removeprefix("file://")).read_bytes()
        place.put(moved(location), lambda data=data: [data[:100], data[100:]])  # type: ignore[misc]
    with place.staged() as staged:
        place.stage(staged, READINGS.identifier, live.metadata_location, common)
        place.register(READINGS.identifier, staged.table(READINGS).load().metadata_location)
    return place.lake.table(READINGS)


def test_what_was_brought_elsewhere_is_read_alike_by_every_engine_without_the_original(
    table: LakeTable, place: LakePlace, tmp_path: Path
) -> None:
    filled(table)
    expected = sorted(table.scan().select(COLUMNS).collect().iter_rows())
    history = [(s.snapshot_id, s.sequence_number) for s in table.load().metadata.snapshots]

    there = brought(table, place, (tmp_path / "r2").as_uri())
    (tmp_path / "r2").rename(tmp_path / "gone")

    assert sorted(there.scan().select(COLUMNS).collect().iter_rows()) == expected
    assert [(s.snapshot_id, s.sequence_number) for s in there.load().metadata.snapshots] == history
    assert str(tmp_path / "r2") not in there.load().metadata.model_dump_json()
    for snapshot_id, _ in history:  # time travel
        assert there.scan(snapshot_id=snapshot_id).collect().height > 0


@pytest.mark.parametrize("engine", ["PyIceberg", "polars", "chDB", "DuckDB"])
def test_other_engines_read_what_was_brought_elsewhere(
    table: LakeTable, place: LakePlace, tmp_path: Path, engine: str
) -> None:
    first = written(table, "a", "b")
    table.append([first, written(table, "c", key=SOUTH)], "one")
    table.append([written(table, "d")], "two")
    delete_rows(table, first, 1)
    there = brought(table, place, (tmp_path / "r2").as_uri())
    (tmp_path / "r2").rename(tmp_path / "gone")
    read = sorted(READERS[engine](there.load().metadata_location, COLUMNS))
    assert read == sorted(there.scan().select(COLUMNS).collect().iter_rows())
    assert [row[1] for row in read] == ["a", "d", "c"]


def test_work_goes_on_where_a_table_was_brought_and_leaves_the_original_alone(
    table: LakeTable, place: LakePlace, tmp_path: Path
) -> None:
    filled(table)
    before = table.load().metadata_location, ids(table)
    there = brought(table, place, (tmp_path / "r2").as_uri())

    new = written(there, "z")
    there.append([new], "four")

    assert new.file_path.startswith(f"{place.root}/data/readings/")
    assert ids(there) == sorted([*before[1], "z"])
    assert (table.load().metadata_location, ids(table)) == before


def test_a_table_is_made_again_at_its_own_place_from_the_same_bytes(table: LakeTable, tmp_path: Path) -> None:
    filled(table)
    live = table.load()
    expected, files = ids(table), {path: path.read_bytes() for path in (tmp_path / "r2").rglob("*") if path.is_file()}
    locations = in_order(live)
    kept = {location: Path(location.removeprefix("file://")).read_bytes() for location in locations}
    table.append([written(table, "later")], "four")
    broken = Path(locations[0].removeprefix("file://"))
    broken.write_bytes(b"x" * len(kept[locations[0]]))
    Path(locations[-2].removeprefix("file://")).unlink()
    place = LakePlace(live.catalog, (tmp_path / "r2").as_uri(), home=True)

    changed = [at for at in locations if place.put(at, lambda at=at: [kept[at]])]  # type: ignore[misc]
    place.register(READINGS.identifier, live.metadata_location)

    assert changed == [locations[0], locations[-2]]
    assert ids(table) == expected
    assert {path: path.read_bytes() for path in files} == files
    assert place.register(READINGS.identifier, live.metadata_location).metadata_location == live.metadata_location


def test_the_files_come_before_those_that_name_them(table: LakeTable) -> None:
    filled(table)
    locations = in_order(table.load())
    kinds = [
        "metadata" if at.endswith(".json") else "list" if "snap-" in at else at.rpartition(".")[2] for at in locations
    ]
    assert kinds == sorted(kinds, key=["parquet", "avro", "list", "metadata"].index)
    assert len(set(locations)) == len(locations)


def test_behind_a_rest_catalog_a_table_is_made_again_in_its_bucket(tmp_path: Path, s3_url: str) -> None:
    vended = moto_properties(s3_url)
    with served(tmp_path, vended) as server, rest_lake(server) as lake:
        table = lake.ensure(READINGS)
        filled_by_appends(table)
        live, expected = table.load(), ids(table)
        kept = {at: read(live.io, at) for at in in_order(live)}
        lake.catalog.drop_table(READINGS.identifier)
        for at in kept:
            live.io.delete(at)
        place = LakePlace(lake.catalog, "s3://lake", True, vended)
        assert place.tables([READINGS.identifier]) == []

        assert all(place.put(at, lambda at=at: [kept[at]]) for at in kept)  # type: ignore[misc]
        with place.staged() as staged:
            place.stage(staged, READINGS.identifier, live.metadata_location, "s3://lake")
            work = staged.table(READINGS)
            work.append([written(work, "later")], "on the stage")
            assert place.tables([READINGS.identifier]) == []
            place.register(READINGS.identifier, work.load().metadata_location)

        assert ids(table) == sorted([*expected, "later"])
        place.register(READINGS.identifier, live.metadata_location)
        assert ids(table) == expected


def filled_by_appends(table: LakeTable) -> None:
    for name in "abc":
        table.append([written(table, name)], name)


def read(io: FileIO, location: str) -> bytes:
    with io.new_input(location).open() as stream:
        return stream.read()
