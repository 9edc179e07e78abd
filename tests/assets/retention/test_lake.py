"""Days of events leave the live table once they are archived and counted, and nothing else does."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from pyiceberg.transforms import MonthTransform

from assets.attribution.build import Touches
from assets.compaction.rewrite import Compaction
from assets.erasure import archives as erase_from_archives
from assets.erasure import lake as erase_from_lake
from assets.events.pruned import PrunedError
from assets.privacy.identity import Identity
from assets.retention import lake
from assets.retention.proof import DAMAGED, LATE, UNSEALED
from assets.rollups import late
from assets.rollups.build import RollUp
from assets.rollups.definition import Grain
from assets.rollups.follow import follow
from assets.sessions.build import Sessions
from assets.windows import DAY, Window
from resources.lake import ForeignPartitionError, LakeTable
from resources.r2 import FolderObjectStore
from tests.assets.archive.archive_stores import QUARTER, ArchiveStores
from tests.assets.damage import FEW_DAMAGES, Damage, local
from tests.assets.retention.rolled_up_stores import CLEARLIFT, HORIZON, RolledUpStores
from tests.resources.lake.foreign import append, merge, partition_by
from tests.resources.lake.row_deletes import delete_rows

START = QUARTER.window.start
RESTORE = "`clearlift archive restore clearlift events 2026Q1 --into live`"


def test_a_quarter_goes_and_its_aggregates_stay(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready("a3f7c2", "b8e9d1", days=(1, 2, 31))
    kept, before = rolled_up_stores.aggregates(), archive_stores.live()
    assert kept["rollups.monthly_totals"]
    assert kept["sessions.daily"]

    done = rolled_up_stores.prune()

    assert (done.total, done.going, done.deleted, done.held_back, done.faults) == (18, 18, 18, [], [])
    assert not archive_stores.live()
    assert done.bytes > 0
    rolled_up_stores.count()
    assert rolled_up_stores.aggregates() == kept
    assert [settled for *_, settled in rolled_up_stores.marks()] == [True] * 6
    (noted,) = rolled_up_stores.deletions()
    assert (noted["place"], noted["rows"], noted["bytes"]) == ("2026Q1", 18, done.bytes)
    assert rolled_up_stores.prune().deleted == 0
    assert archive_stores.archive().sealed == 0

    assert archive_stores.restore(into="live").added == 18
    assert archive_stores.live() == before
    assert rolled_up_stores.marks() == []
    rolled_up_stores.count()
    assert rolled_up_stores.aggregates() == kept
    assert rolled_up_stores.prune().deleted == 18


def test_days_that_the_catalog_merged_go_like_others(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready("a3f7c2", "b8e9d1", days=(1, 2))
    kept = rolled_up_stores.aggregates()
    merge(archive_stores.events.load)
    done = rolled_up_stores.prune()
    assert (done.going, done.deleted, done.held_back, done.faults) == (12, 12, [], [])
    assert not archive_stores.live()
    rolled_up_stores.count()
    assert rolled_up_stores.aggregates() == kept


def test_every_type_of_column_comes_back_exactly(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    for n, value in enumerate((0.1, -0.0, 1e-310, 1.7976931348623157e308, float("inf"), float("nan"), None)):
        odd = {
            "event_value": value,
            "utm_content": ("", None, 'Ünïcödé \U0001f600\x00\n"\\', "null")[n % 4],
            "screen_width": (None, 0, -(2**63), 2**63 - 1)[n % 4],
            "consent_marketing": (None, True, False)[n % 3],
            "event_data": (None, '{"a": [1, null, {"b": 9007199254740993}]}', "{}")[n % 3],
        }
        archive_stores.happen(1, "b/8e.9 d1", 1 + n % 2, **odd)
    rolled_up_stores.count()
    before = spelled(archive_stores)
    archive_stores.archive()
    assert rolled_up_stores.prune().deleted == 7
    assert spelled(archive_stores) == []
    archive_stores.restore(into="live")
    assert spelled(archive_stores) == before


def test_a_dry_run_says_what_would_go_and_changes_nothing(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready()
    before, head = archive_stores.live(), archive_stores.events.head()

    planned = rolled_up_stores.prune(dry_run=True)

    assert (planned.total, planned.going, planned.deleted) == (6, 6, 0)
    assert (archive_stores.live(), archive_stores.events.head()) == (before, head)
    assert (rolled_up_stores.marks(), rolled_up_stores.deletions()) == ([], [])


def test_the_bytes_are_gone_once_upkeep_has_run(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready()
    assert parquet(archive_stores)
    rolled_up_stores.prune()
    assert parquet(archive_stores)
    rolled_up_stores.tidy()
    assert not parquet(archive_stores)
    assert archive_stores.restore(into="live").added == 6


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


def test_days_that_are_pruned_are_not_made_again(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready(days=(10,))
    rolled_up_stores.prune()
    day = Window(START + 9 * DAY, START + 10 * DAY)
    rooms = archive_stores.rooms
    line = f"events of 2026-01-10 are archived. Next: {RESTORE}"
    for grain in Grain:
        with pytest.raises(PrunedError, match=line):
            RollUp.of(rooms, CLEARLIFT, grain).run(day)
        with pytest.raises(PrunedError):
            RollUp.of(rooms, CLEARLIFT, grain).run(day, "a3f7c2")
        assert RollUp.of(rooms, CLEARLIFT, grain).run(day, "b8e9d1").events == 0
    with pytest.raises(PrunedError, match=line):
        Touches.of(rooms, CLEARLIFT, HORIZON).run(day)
    # Sessions are made of the days around them.
    for away in (-1, 0, 1, 2):
        with pytest.raises(PrunedError, match=line):
            Sessions.of(rooms, CLEARLIFT).run(Window(day.start + away * DAY, day.end + away * DAY))
    assert Sessions.of(rooms, CLEARLIFT).run(Window(day.start + 3 * DAY, day.end + 3 * DAY)).days == 1


def test_late_events_of_a_pruned_day_are_reported_and_counted_once_it_is_restored(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready()
    rolled_up_stores.prune()
    archive_stores.happen(2, "a3f7c2", 2)
    with pytest.raises(PrunedError):
        rolled_up_stores.count()
    line = str(late.beyond(CLEARLIFT, archive_stores.postgres, START, archive_stores.now))
    assert line == (
        f"2 late events in 1 day, too old to be rolled up automatically: {RESTORE}; "
        "clearlift backfill rollups --from 2026-01-02 --to 2026-01-03; "
        "then clearlift backfill attribution of the same days"
    )
    held = rolled_up_stores.prune()
    assert rolled_up_stores.why(held) == {lake.PRUNED.format(command=RESTORE): 2}
    archive_stores.archive()
    assert rolled_up_stores.prune().deleted == 0

    archive_stores.restore(into="live")
    rolled_up_stores.count()

    assert sum(row[2] for row in totals(archive_stores)) == 8
    archive_stores.archive()
    assert rolled_up_stores.prune().deleted == 8
    assert sum(row[2] for row in totals(archive_stores)) == 8


def test_a_prune_and_a_restore_reopen_nothing(rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores) -> None:
    rolled_up_stores.ready()
    rolled_up_stores.prune()
    archive_stores.restore(into="live")
    while follow(CLEARLIFT, archive_stores.events, archive_stores.postgres, rolled_up_stores.clock):
        pass
    assert not late.stale(CLEARLIFT, archive_stores.postgres, START, archive_stores.now)
    assert not late.beyond(CLEARLIFT, archive_stores.postgres, START, archive_stores.now)


def spelled(archive_stores: ArchiveStores) -> list[str]:
    """Every row, as text that tells -0.0 from 0.0 and finds NaN equal to itself."""
    return sorted(repr(row) for row in archive_stores.live().elements())


def totals(archive_stores: ArchiveStores) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in archive_stores.postgres.fetch("select * from rollups.daily_totals")]


def parquet(archive_stores: ArchiveStores) -> list[str]:
    return [info.key for info in FolderObjectStore(archive_stores.folder).list() if info.key.endswith(".parquet")]


@pytest.mark.parametrize("damage", FEW_DAMAGES)
def test_a_day_with_a_damaged_file_stays_by_name_and_the_others_go(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores, damage: Damage
) -> None:
    rolled_up_stores.ready("a3f7c2", "b8e9d1", days=(1, 2))
    (hurt,) = archive_stores.events.files(START, START + DAY, ["b8e9d1"])
    damage(local(hurt.path))

    done = rolled_up_stores.prune()

    assert (done.deleted, rolled_up_stores.why(done)) == (9, {lake.UNREADABLE: 3})
    (fault,) = done.faults
    assert local(hurt.path).name in fault
    assert "`clearlift lake rebuild --day 2026-01-01 --org b8e9d1`" in fault


def test_days_whose_archived_rows_were_given_up_can_be_counted_again(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready("a3f7c2", "b8e9d1", days=(1, 2))
    kept = rolled_up_stores.aggregates()
    rolled_up_stores.prune()
    archive_stores.store.delete([key for key in archive_stores.parts() if "/b8e9d1/" in key])
    archive_stores.repair(accept_loss=True)
    archive_stores.happen(1, "b8e9d1")
    with pytest.raises(PrunedError):
        rolled_up_stores.count()

    assert archive_stores.restore(into="live", bucket="b8e9d1").added == 0
    assert [org for org, *_ in rolled_up_stores.marks()] == ["a3f7c2"] * 2
    archive_stores.restore(into="live")
    assert rolled_up_stores.marks() == []
    rolled_up_stores.count()
    after = rolled_up_stores.aggregates()
    assert after["rollups.daily"] != kept["rollups.daily"]
    assert [row for row in after["rollups.daily"] if "'a3f7c2'" in row] == [
        row for row in kept["rollups.daily"] if "'a3f7c2'" in row
    ]


def test_a_day_of_which_people_were_erased_still_goes(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    archive_stores.happen(2, user_id="user-anna-0001")
    archive_stores.happen(1, day=2, user_id="user-anna-0001")
    rolled_up_stores.ready(days=(1, 2))
    before = rolled_up_stores.aggregates()
    identity = Identity("request-1", "clearlift", {"user": frozenset({"user-anna-0001"})})
    for module in (erase_from_lake, erase_from_archives):
        eraser = module.eraser(archive_stores.rooms, CLEARLIFT)
        assert eraser is not None
        assert eraser.erase([identity]).rows == 3

    assert rolled_up_stores.prune().deleted == 6

    assert rolled_up_stores.aggregates() == before
    archive_stores.restore(into="live")
    assert sum(archive_stores.live().values()) == 6


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
