"""Events of a quarter in an archive: the same rows, sealed once, further parts for late ones."""

import gzip
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from pyiceberg.types import DateType, DecimalType, StringType

from assets.archive.quarters import Quarter
from assets.archive.registry import ArchiveRegistry
from assets.archive.write import BucketsLeftError, NotDueError
from resources.declined import DeclinedError
from tests.assets.archive.archive_stores import QUARTER, ArchiveStores
from tests.assets.damage import FEW_DAMAGES, Damage, local
from tests.resources.lake.foreign import add_column, append, drop_column
from tests.tables import EVENTS


def test_a_quarter_comes_back_equal_after_it_was_pruned(archive_stores: ArchiveStores) -> None:
    for org in ("a3f7c2", "b/8e.9 d1"):
        for day in (1, 2, 31):
            archive_stores.happen(7, org, day, page_title='Käse – "gut"\n', event_value=0.1)
    before = archive_stores.live()

    done = archive_stores.archive()
    archive_stores.prune()
    assert not archive_stores.live()
    restored = archive_stores.restore(into="live")

    assert (done.sealed, done.rows, restored.rows, restored.added) == (2, 42, 42, 42)
    assert archive_stores.live() == before
    assert archive_stores.restore(into="live").added == 0
    assert archive_stores.live() == before
    assert {key.split("/")[4] for key in archive_stores.parts()} == {"a3f7c2", "b%2F8e.9%20d1"}


def test_a_restore_aside_leaves_the_live_table_alone(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(5)
    archive_stores.happen(3, "b8e9d1")
    before = archive_stores.live()
    archive_stores.archive()

    assert archive_stores.restore(bucket="b8e9d1").added == 3
    assert archive_stores.restore(bucket="b8e9d1").added == 0
    assert archive_stores.live() == before
    assert sum(archive_stores.live("events_restored").values()) == 3
    assert archive_stores.restore().added == 5
    assert archive_stores.live("events_restored") == before


def test_a_second_run_changes_nothing(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(5)
    archive_stores.archive()
    objects = archive_stores.parts() + archive_stores.manifests()

    again = archive_stores.archive()

    assert (again.sealed, again.parts, again.nothing_new, again.not_looked_at) == (0, 0, 0, 1)
    assert archive_stores.parts() + archive_stores.manifests() == objects


def test_a_run_says_what_it_did_not_look_at(archive_stores: ArchiveStores) -> None:
    """Files that say the same, and rows that went, are reasons not to look; neither says that the archive is whole."""
    for org in ("a3f7c2", "b8e9d1", "c0ffee"):
        archive_stores.happen(2, org)
    archive_stores.archive()
    archive_stores.store.delete(archive_stores.parts())
    again = archive_stores.archive()
    assert (again.sealed, again.nothing_new, again.not_looked_at) == (0, 0, 3)
    archive_stores.repair()
    archive_stores.happen(1, "b8e9d1", day=2)
    again = archive_stores.archive()
    assert (again.sealed, again.nothing_new, again.not_looked_at) == (1, 0, 2)
    archive_stores.prune()
    archive_stores.restore(into="live")
    again = archive_stores.archive()
    assert (again.sealed, again.nothing_new, again.not_looked_at) == (0, 3, 0)
    archive_stores.prune()
    assert archive_stores.archive().not_looked_at == 3


def test_late_rows_are_a_further_part_and_a_further_manifest(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(5)
    archive_stores.happen(4, day=2)
    archive_stores.archive()
    first = {key: archive_stores.store.get(key) for key in archive_stores.parts() + archive_stores.manifests()}
    archive_stores.happen(2, day=2)

    late = archive_stores.archive()

    assert (late.sealed, late.parts, late.rows) == (1, 1, 2)
    assert {key: archive_stores.store.get(key) for key in first} == first
    assert len(archive_stores.parts()) == 2
    assert [key.rpartition("/")[2] for key in archive_stores.manifests()] == [
        "manifest-000001.json",
        "manifest-000002.json",
    ]
    (sealed,) = ArchiveRegistry(archive_stores.postgres, "clearlift", "events").sealed(QUARTER)
    assert (sealed.number, sealed.rows, sealed.rows_added, sealed.parts) == (2, 11, 2, 2)
    before = archive_stores.live()
    archive_stores.prune()
    assert archive_stores.restore(into="live").added == 11
    assert archive_stores.live() == before


def test_rows_that_come_after_a_day_was_pruned_are_late_rows_too(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(5)
    archive_stores.archive()
    everything = archive_stores.live()
    archive_stores.prune()
    assert archive_stores.archive().sealed == 0
    archive_stores.happen(3)
    everything += archive_stores.live()

    assert archive_stores.archive().rows == 3
    archive_stores.prune()
    assert archive_stores.restore(into="live").added == 8
    assert archive_stores.live() == everything


def test_parts_are_of_bounded_size_and_their_rows_add_up(archive_stores: ArchiveStores) -> None:
    archive_stores.part_bytes = 20_000
    for day in range(1, 11):
        archive_stores.happen(20, day=day)
    before = archive_stores.live()

    done = archive_stores.archive()

    assert done.parts == len(archive_stores.parts()) >= 10
    assert done.line_bytes / done.parts < 2 * archive_stores.part_bytes
    archive_stores.prune()
    archive_stores.restore(into="live")
    assert archive_stores.live() == before
    assert (archive_stores.verify().rows, archive_stores.verify().faults) == (200, [])


def test_gzip_json_and_sha256_are_all_that_a_reader_needs(archive_stores: ArchiveStores) -> None:
    archive_stores.part_bytes = 5_000
    ids = [n for day in (1, 2, 3) for n in archive_stores.happen(5, day=day, event_value=2.5)]
    archive_stores.archive()
    (key,) = archive_stores.manifests()
    manifest = json.loads(archive_stores.store.get(key))
    found: list[bytes] = []
    for part in manifest["parts"]:
        packed = archive_stores.store.get(f"{key.rpartition('/')[0]}/{part['name']}")
        assert hashlib.sha256(packed).hexdigest() == part["sha256"]
        found += gzip.decompress(packed).splitlines()
    total = sum(int.from_bytes(hashlib.sha256(line).digest()[:16]) for line in found) % 2**128
    assert (f"{total:032x}", len(found)) == (manifest["checksum"], manifest["rows"])
    assert sorted(json.loads(line)["event_id"] for line in found) == ids
    assert [c["name"] for c in manifest["columns"]] == list(json.loads(found[0]))
    assert (manifest["snapshot"], manifest["bucket"]) == (str(archive_stores.events.head()[0]), "a3f7c2")


def test_only_a_quarter_that_is_old_enough_is_archived(archive_stores: ArchiveStores) -> None:
    archive_stores.now = datetime(2026, 6, 29, 23, 59, tzinfo=UTC)
    with pytest.raises(NotDueError, match="2026Q1 of clearlift events is archived once its last row is 90 days old"):
        archive_stores.archive()
    archive_stores.now = datetime(2026, 6, 30, tzinfo=UTC)
    assert archive_stores.archive().sealed == 0
    with pytest.raises(NotDueError):
        archive_stores.archive(quarter=Quarter(2026, 2))


def test_rows_of_other_quarters_stay_out(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(2)
    assert archive_stores.archive(quarter=Quarter(2025, 4)).rows == 0
    assert not archive_stores.parts()


OTHERS = {
    "kept": (StringType(), "keep me"),
    "price": (DecimalType(10, 2), Decimal("1.20")),
    "on": (DateType(), date(2025, 8, 1)),
}


def test_columns_that_another_engine_added_are_archived_and_come_back(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(2)
    archive_stores.archive()
    table = archive_stores.events
    for name, (kind, _) in OTHERS.items():
        add_column(table, name, kind)
    first = table.scan().collect()
    theirs = first.with_columns(
        pl.col("event_id") + " of theirs", *(pl.lit(v).alias(n) for n, (_, v) in OTHERS.items())
    )
    append(table, theirs.select(table.load().schema().column_names))
    rows = table.scan().sort("event_id").collect()
    assert rows.height == 4

    archive_stores.archive()
    assert archive_stores.restore().added == 4
    aside = archive_stores.lake.table(replace(EVENTS, name="events_restored", folder=f"{EVENTS.folder}_restored"))
    assert aside.scan().sort("event_id").collect().equals(rows)
    archive_stores.prune()
    assert archive_stores.restore(into="live").added == 4

    assert table.scan().sort("event_id").collect().equals(rows)
    assert set(rows.filter(pl.col("event_id").str.ends_with("theirs"))["price"]) == {Decimal("1.20")}


def test_values_of_a_column_that_the_table_no_longer_has_go_to_a_table_aside_only(
    archive_stores: ArchiveStores,
) -> None:
    archive_stores.happen(2)
    table = archive_stores.events
    add_column(table, "kept", StringType())
    append(table, table.scan().collect().with_columns(pl.col("event_id") + "2", kept=pl.lit("keep me")))
    archive_stores.archive()
    archive_stores.prune()
    drop_column(table, "kept")

    with pytest.raises(DeclinedError, match="no column kept any more, of which the archive holds values"):
        archive_stores.restore(into="live")
    assert archive_stores.restore().added == 4


@pytest.mark.parametrize("damage", FEW_DAMAGES)
def test_a_damaged_live_file_is_named_and_only_its_bucket_waits(archive_stores: ArchiveStores, damage: Damage) -> None:
    for org in ("a3f7c2", "b8e9d1", "c0ffee"):
        archive_stores.happen(3, org)
    before = archive_stores.live()
    (hurt,) = archive_stores.events.files(tenants=["b8e9d1"])
    path, whole = local(hurt.path), local(hurt.path).read_bytes()
    damage(path)

    with pytest.raises(BucketsLeftError) as left:
        archive_stores.archive()

    assert path.name in left.value.reason
    assert left.value.next_step == "`clearlift lake rebuild --day 2026-01-01 --org b8e9d1`"
    registry = ArchiveRegistry(archive_stores.postgres, "clearlift", "events")
    assert [revision.bucket for revision in registry.sealed(QUARTER)] == ["a3f7c2", "c0ffee"]

    path.write_bytes(whole)
    assert archive_stores.archive().sealed == 1
    archive_stores.prune()
    archive_stores.restore(into="live")
    assert archive_stores.live() == before
