"""What keeps days of events in the live table: they are not archived, not counted, damaged, or too many at once."""

from collections.abc import Callable
from unittest.mock import patch

import polars as pl
import pytest
from pyiceberg.transforms import MonthTransform

from assets.compaction.rewrite import Compaction
from assets.erasure import lake as erase_from_lake
from assets.privacy.identity import Identity
from assets.retention import lake
from assets.retention.proof import DAMAGED, LATE, UNSEALED
from assets.windows import DAY
from resources.lake import ForeignPartitionError, LakeTable
from tests.assets.archive.archive_stores import QUARTER, ArchiveStores
from tests.assets.damage import FEW_DAMAGES, Damage, local
from tests.assets.retention.rolled_up_stores import CLEARLIFT, RolledUpStores
from tests.resources.lake.foreign import append, partition_by
from tests.resources.lake.row_deletes import delete_rows


def test_what_is_not_archived_stays(rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores) -> None:
    rolled_up_stores.ready()
    archive_stores.happen(2, "b8e9d1", 1)
    archive_stores.happen(1, "a3f7c2", 2)
    archive_stores.happen(4, "a3f7c2", 5)
    rolled_up_stores.count()

    done = rolled_up_stores.prune()

    # Of one organisation nothing is archived, of the other one day has got a row more and one is new.
    assert rolled_up_stores.why(done) == {UNSEALED: 2, LATE: 8}
    assert done.deleted == 3
    archive_stores.archive()
    assert rolled_up_stores.prune().deleted == 10
    assert not archive_stores.live()


def test_a_row_that_takes_the_place_of_another_is_seen(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready(days=(1,), each=2)
    # As many rows as were archived, one of them another.
    (old,) = archive_stores.events.files()
    archive_stores.events.replace([old.file], [], "gone")
    archive_stores.happen(2, "a3f7c2", 1)
    rolled_up_stores.count()
    assert rolled_up_stores.why(rolled_up_stores.prune()) == {LATE: 2}
    assert sum(archive_stores.live().values()) == 2


def test_late_events_that_are_not_counted_hold_their_day_back(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready(days=(1, 20))
    archive_stores.happen(2, "b8e9d1", 20)
    archive_stores.archive()

    done = rolled_up_stores.prune()

    assert done.deleted == 3
    (why,) = rolled_up_stores.why(done)
    assert why.startswith("not counted since events came late or rules changed: hours, the day, sessions, attribution")
    assert sum(archive_stores.live().values()) == 5
    rolled_up_stores.count()
    assert rolled_up_stores.prune().deleted == 5


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("rollups.hourly", "roll-ups do not hold what the lake holds: hourly 12:00"),
        ("rollups.hourly_totals", "roll-ups_totals do not hold"),
        ("rollups.daily", "roll-ups do not hold what the lake holds: daily 00:00"),
        ("rollups.daily_totals", "its week or month is not the sum of its days"),
        ("rollups.weekly_totals", "its week or month is not the sum of its days"),
        ("rollups.monthly_totals", "its week or month is not the sum of its days"),
    ],
)
def test_a_roll_up_that_differs_holds_its_days_back(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores, table: str, said: str
) -> None:
    rolled_up_stores.ready(days=(1,))
    archive_stores.postgres.execute(f"update {table} set events = events + 1")
    done = rolled_up_stores.prune()
    assert done.deleted == 0
    (why,) = rolled_up_stores.why(done)
    assert why.startswith(said)


@pytest.mark.parametrize("what", ["sessions", "attribution"])
def test_a_day_that_was_never_made_into_something_that_is_kept_stays(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores, what: str
) -> None:
    rolled_up_stores.ready(days=(1,))
    archive_stores.postgres.execute(f"delete from {what}.windows")
    (why,) = rolled_up_stores.why(rolled_up_stores.prune())
    assert why.endswith(what)
    assert sum(archive_stores.live().values()) == 3


def flipped(archive_stores: ArchiveStores) -> str:
    key = archive_stores.parts()[0]
    data = bytearray(archive_stores.store.get(key))
    data[len(data) // 2] ^= 1
    archive_stores.store.put(key, bytes(data))
    return key


def missing(archive_stores: ArchiveStores) -> str:
    key = archive_stores.parts()[0]
    archive_stores.store.delete(key)
    return key


def cut(archive_stores: ArchiveStores) -> str:
    key = archive_stores.manifests()[0]
    archive_stores.store.put(key, archive_stores.store.get(key)[:-10])
    return key


@pytest.mark.parametrize("damage", [flipped, missing, cut])
def test_a_damaged_archive_is_named_and_nothing_of_it_goes(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores, damage: Callable[[ArchiveStores], str]
) -> None:
    rolled_up_stores.ready("a3f7c2", "b8e9d1")
    key = damage(archive_stores)
    damaged = key.split("/")[4]

    done = rolled_up_stores.prune()

    assert done.deleted == 6
    assert rolled_up_stores.why(done) == {DAMAGED: 6}
    (fault,) = done.faults
    assert fault.startswith(key)
    assert {row[0] for row in archive_stores.live()} == {damaged}


def test_a_large_share_stops_before_anything_goes(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready(each=400)
    archive_stores.happen(300, "b8e9d1", 20)
    before = archive_stores.live()

    planned, done = rolled_up_stores.prune(dry_run=True), rolled_up_stores.prune()

    assert str(planned.stopped) == str(done.stopped)
    assert str(done.stopped).startswith(
        "clearlift clearlift.events: 800 of 1,100 rows would be deleted, 73% where at most"
    )
    assert str(done.stopped).endswith("with --confirm, or with confirm: true in the launchpad")
    assert (done.deleted, archive_stores.live(), rolled_up_stores.marks(), rolled_up_stores.deletions()) == (
        0,
        before,
        [],
        [],
    )
    assert rolled_up_stores.prune(confirmed=True).deleted == 800


def test_events_that_come_while_a_day_is_compared_keep_all_of_it(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready(days=(1, 2))
    drop = LakeTable.drop

    def after_another(table: LakeTable, *given: object) -> object:
        archive_stores.happen(1, "a3f7c2", 2)
        return drop(table, *given)  # type: ignore[arg-type]

    with patch.object(LakeTable, "drop", after_another):
        done = rolled_up_stores.prune()

    assert done.deleted == 3
    assert rolled_up_stores.why(done) == {lake.MEANWHILE: 3}
    assert sum(archive_stores.live().values()) == 4
    assert [day for _, day, _ in rolled_up_stores.marks()] == ["2026-01-01"]
    archive_stores.restore(into="live")
    rolled_up_stores.count()
    archive_stores.archive()
    assert rolled_up_stores.prune().deleted == 7


def test_a_day_of_which_rows_were_deleted_one_by_one_goes_after_it_was_compacted(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready(days=(1,))
    (info,) = archive_stores.events.files()
    delete_rows(archive_stores.events, info.file, 1)
    rolled_up_stores.count()
    assert rolled_up_stores.why(rolled_up_stores.prune()) == {lake.DELETES: 3}

    Compaction(archive_stores.events).run()
    rolled_up_stores.count()

    assert rolled_up_stores.prune().deleted == 2
    assert archive_stores.events.files() == []


def test_files_of_another_partition_spec_hold_every_day_until_they_are_compacted(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready(days=(1,))
    partition_by(archive_stores.events, ("timestamp", MonthTransform(), "month"))
    append(archive_stores.events, archive_stores.events.scan().collect().with_columns(pl.col("event_id") + "2"))
    rolled_up_stores.count()
    with pytest.raises(ForeignPartitionError, match="Next: `clearlift compact` writes its rows under ours"):
        archive_stores.archive()
    assert rolled_up_stores.why(rolled_up_stores.prune()) == {lake.OTHER_SPEC: 6}

    Compaction(archive_stores.events).run()
    archive_stores.archive()
    rolled_up_stores.count()

    assert rolled_up_stores.prune().deleted == 6


@pytest.mark.parametrize("damage", FEW_DAMAGES)
def test_a_day_with_a_damaged_file_stays_by_name_and_the_others_go(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores, damage: Damage
) -> None:
    rolled_up_stores.ready("a3f7c2", "b8e9d1", days=(1, 2))
    (hurt,) = archive_stores.events.files(QUARTER.window.start, QUARTER.window.start + DAY, ["b8e9d1"])
    damage(local(hurt.path))

    done = rolled_up_stores.prune()

    assert (done.deleted, rolled_up_stores.why(done)) == (9, {lake.UNREADABLE: 3})
    (fault,) = done.faults
    assert local(hurt.path).name in fault
    assert "`clearlift lake rebuild --day 2026-01-01 --org b8e9d1`" in fault


def test_more_than_was_erased_is_no_agreement(rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores) -> None:
    archive_stores.happen(1, user_id="user-anna-0001")
    rolled_up_stores.ready(days=(1,))
    eraser = erase_from_lake.eraser(archive_stores.rooms, CLEARLIFT)
    assert eraser is not None
    eraser.erase([Identity("request-1", "clearlift", {"user": frozenset({"user-anna-0001"})})])
    for cut in ("hourly", "hourly_totals"):
        archive_stores.postgres.execute(f"update rollups.{cut} set events = events + 1")

    done = rolled_up_stores.prune()

    assert done.deleted == 0
    assert "do not hold what the lake holds: hourly" in next(iter(rolled_up_stores.why(done)))
