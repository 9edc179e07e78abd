"""Days of events leave the live table once they are archived and counted, and nothing else does."""

from typing import Any

import pytest

from assets.attribution.build import Touches
from assets.erasure import archives as erase_from_archives
from assets.erasure import lake as erase_from_lake
from assets.events.pruned import PrunedError
from assets.privacy.identity import Identity
from assets.retention import lake
from assets.rollups import late
from assets.rollups.build import RollUp
from assets.rollups.definition import Grain
from assets.rollups.follow import follow
from assets.sessions.build import Sessions
from assets.windows import DAY, Window
from resources.r2 import FolderObjectStore
from tests.assets.archive.archive_stores import QUARTER, ArchiveStores
from tests.assets.retention.rolled_up_stores import CLEARLIFT, HORIZON, RolledUpStores

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
