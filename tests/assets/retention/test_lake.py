"""Days of events leave the live table once they are archived and counted, and nothing else does."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from assets.attribution.build import Touches
from assets.events.pruned import PrunedError
from assets.retention import lake
from assets.retention.proof import DAMAGED, LATE, UNSEALED
from assets.rollups import late
from assets.rollups.build import RollUp
from assets.rollups.definition import Grain
from assets.rollups.follow import follow
from assets.sessions.build import Sessions
from assets.windows import DAY, Window
from resources.lake import LakeTable
from resources.r2 import FolderObjectStore
from tests.assets.archive.vault import QUARTER, Vault
from tests.assets.retention.ground import CLEARLIFT, Ground

START = QUARTER.window.start
RESTORE = "clearlift archive restore clearlift events 2026Q1 --into live"


def test_a_quarter_goes_and_its_aggregates_stay(ground: Ground, vault: Vault) -> None:
    ground.ready("a3f7c2", "b8e9d1", days=(1, 2, 31))
    kept, before = ground.aggregates(), vault.live()
    assert kept["rollups.monthly_totals"]
    assert kept["sessions.daily"]

    done = ground.prune()

    assert (done.total, done.going, done.deleted, done.held_back, done.faults) == (18, 18, 18, [], [])
    assert not vault.live()
    assert done.bytes > 0
    ground.count()
    assert ground.aggregates() == kept
    assert [settled for *_, settled in ground.marks()] == [True] * 6
    (noted,) = ground.deletions()
    assert (noted["place"], noted["rows"], noted["bytes"]) == ("2026Q1", 18, done.bytes)
    assert ground.prune().deleted == 0
    assert vault.archive().sealed == 0

    assert vault.restore(into="live").added == 18
    assert vault.live() == before
    assert ground.marks() == []
    ground.count()
    assert ground.aggregates() == kept
    assert ground.prune().deleted == 18


def test_every_type_of_column_comes_back_exactly(ground: Ground, vault: Vault) -> None:
    for n, value in enumerate((0.1, -0.0, 1e-310, 1.7976931348623157e308, float("inf"), float("nan"), None)):
        odd = {
            "event_value": value,
            "utm_content": ("", None, 'Ünïcödé \U0001f600\x00\n"\\', "null")[n % 4],
            "screen_width": (None, 0, -(2**63), 2**63 - 1)[n % 4],
            "consent_marketing": (None, True, False)[n % 3],
            "event_data": (None, '{"a": [1, null, {"b": 9007199254740993}]}', "{}")[n % 3],
        }
        vault.happen(1, "b/8e.9 d1", 1 + n % 2, **odd)
    ground.count()
    before = spelled(vault)
    vault.archive()
    assert ground.prune().deleted == 7
    assert spelled(vault) == []
    vault.restore(into="live")
    assert spelled(vault) == before


def test_a_dry_run_says_what_would_go_and_changes_nothing(ground: Ground, vault: Vault) -> None:
    ground.ready()
    before, head = vault.live(), vault.events.head()

    planned = ground.prune(dry_run=True)

    assert (planned.total, planned.going, planned.deleted) == (6, 6, 0)
    assert (vault.live(), vault.events.head()) == (before, head)
    assert (ground.marks(), ground.deletions()) == ([], [])


def test_the_bytes_are_gone_once_upkeep_has_run(ground: Ground, vault: Vault) -> None:
    ground.ready()
    assert parquet(vault)
    ground.prune()
    assert parquet(vault)
    ground.tidy()
    assert not parquet(vault)
    assert vault.restore(into="live").added == 6


def test_what_is_not_archived_stays(ground: Ground, vault: Vault) -> None:
    ground.ready()
    vault.happen(2, "b8e9d1", 1)
    vault.happen(1, "a3f7c2", 2)
    vault.happen(4, "a3f7c2", 5)
    ground.count()

    done = ground.prune()

    # Of one organisation nothing is archived, of the other one day has got a row more and one is new.
    assert ground.why(done) == {UNSEALED: 2, LATE: 8}
    assert done.deleted == 3
    vault.archive()
    assert ground.prune().deleted == 10
    assert not vault.live()


def test_a_row_that_takes_the_place_of_another_is_seen(ground: Ground, vault: Vault) -> None:
    ground.ready(days=(1,), each=2)
    # As many rows as were archived, one of them another.
    (old,) = vault.events.files()
    vault.events.replace([old.file], [], "gone")
    vault.happen(2, "a3f7c2", 1)
    ground.count()
    assert ground.why(ground.prune()) == {LATE: 2}
    assert sum(vault.live().values()) == 2


def test_late_events_that_are_not_counted_hold_their_day_back(ground: Ground, vault: Vault) -> None:
    ground.ready(days=(1, 20))
    vault.happen(2, "b8e9d1", 20)
    vault.archive()

    done = ground.prune()

    assert done.deleted == 3
    (why,) = ground.why(done)
    assert why.startswith("not counted since events came late or rules changed: hours, the day, sessions, attribution")
    assert sum(vault.live().values()) == 5
    ground.count()
    assert ground.prune().deleted == 5


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
def test_a_roll_up_that_differs_holds_its_days_back(ground: Ground, vault: Vault, table: str, said: str) -> None:
    ground.ready(days=(1,))
    vault.postgres.execute(f"update {table} set events = events + 1")
    done = ground.prune()
    assert done.deleted == 0
    (why,) = ground.why(done)
    assert why.startswith(said)


@pytest.mark.parametrize("what", ["sessions", "attribution"])
def test_a_day_that_was_never_made_into_something_that_is_kept_stays(ground: Ground, vault: Vault, what: str) -> None:
    ground.ready(days=(1,))
    vault.postgres.execute(f"delete from {what}.windows")
    (why,) = ground.why(ground.prune())
    assert why.endswith(what)
    assert sum(vault.live().values()) == 3


def flipped(vault: Vault) -> str:
    key = vault.parts()[0]
    data = bytearray(vault.store.get(key))
    data[len(data) // 2] ^= 1
    vault.store.put(key, bytes(data))
    return key


def missing(vault: Vault) -> str:
    key = vault.parts()[0]
    vault.store.delete(key)
    return key


def cut(vault: Vault) -> str:
    key = vault.manifests()[0]
    vault.store.put(key, vault.store.get(key)[:-10])
    return key


@pytest.mark.parametrize("damage", [flipped, missing, cut])
def test_a_damaged_archive_is_named_and_nothing_of_it_goes(
    ground: Ground, vault: Vault, damage: Callable[[Vault], str]
) -> None:
    ground.ready("a3f7c2", "b8e9d1")
    key = damage(vault)
    damaged = key.split("/")[4]

    done = ground.prune()

    assert done.deleted == 6
    assert ground.why(done) == {DAMAGED: 6}
    (fault,) = done.faults
    assert fault.startswith(key)
    assert {row[0] for row in vault.live()} == {damaged}


def test_a_large_share_stops_before_anything_goes(ground: Ground, vault: Vault) -> None:
    ground.ready(each=400)
    vault.happen(300, "b8e9d1", 20)
    before = vault.live()

    planned, done = ground.prune(dry_run=True), ground.prune()

    assert planned.stopped == done.stopped
    assert done.stopped.startswith("clearlift clearlift.events: 800 of 1,100 rows would be deleted, 73% where at most")
    assert done.stopped.endswith("with --confirm, or with confirm: true in the launchpad")
    assert (done.deleted, vault.live(), ground.marks(), ground.deletions()) == (0, before, [], [])
    assert ground.prune(confirmed=True).deleted == 800


def test_events_that_come_while_a_day_is_compared_keep_all_of_it(ground: Ground, vault: Vault) -> None:
    ground.ready(days=(1, 2))
    drop = LakeTable.drop

    def after_another(table: LakeTable, *given: object) -> object:
        vault.happen(1, "a3f7c2", 2)
        return drop(table, *given)  # type: ignore[arg-type]

    with patch.object(LakeTable, "drop", after_another):
        done = ground.prune()

    assert done.deleted == 3
    assert ground.why(done) == {lake.MEANWHILE: 3}
    assert sum(vault.live().values()) == 4
    assert [day for _, day, _ in ground.marks()] == ["2026-01-01"]
    vault.restore(into="live")
    ground.count()
    vault.archive()
    assert ground.prune().deleted == 7


def test_a_day_of_which_rows_were_deleted_one_by_one_stays(ground: Ground, vault: Vault) -> None:
    ground.ready(days=(1,))
    files = LakeTable.files
    with patch.object(
        LakeTable, "files", lambda *given, **named: [replace(f, has_deletes=True) for f in files(*given, **named)]
    ):
        done = ground.prune()
    assert ground.why(done) == {lake.DELETES: 3}


def test_days_that_are_pruned_are_not_made_again(ground: Ground, vault: Vault) -> None:
    ground.ready(days=(10,))
    ground.prune()
    day = Window(START + 9 * DAY, START + 10 * DAY)
    rooms = vault.rooms
    line = f"events of 2026-01-10 are archived: {RESTORE} first"
    for grain in Grain:
        with pytest.raises(PrunedError, match=line):
            RollUp.of(rooms, CLEARLIFT, grain).run(day)
        with pytest.raises(PrunedError):
            RollUp.of(rooms, CLEARLIFT, grain).run(day, "a3f7c2")
        assert RollUp.of(rooms, CLEARLIFT, grain).run(day, "b8e9d1").events == 0
    with pytest.raises(PrunedError, match=line):
        Touches.of(rooms, CLEARLIFT).run(day)
    # Sessions are made of the days around them.
    for away in (-1, 0, 1, 2):
        with pytest.raises(PrunedError, match=line):
            Sessions.of(rooms, CLEARLIFT).run(Window(day.start + away * DAY, day.end + away * DAY))
    assert Sessions.of(rooms, CLEARLIFT).run(Window(day.start + 3 * DAY, day.end + 3 * DAY)).days == 1


def test_late_events_of_a_pruned_day_are_reported_and_counted_once_it_is_restored(ground: Ground, vault: Vault) -> None:
    ground.ready()
    ground.prune()
    vault.happen(2, "a3f7c2", 2)
    with pytest.raises(PrunedError):
        ground.count()
    line = str(late.beyond(CLEARLIFT, vault.postgres, START, vault.now))
    assert line == (
        f"2 late events in 1 days are too old to be rolled up automatically: {RESTORE}; "
        "clearlift backfill rollups --from 2026-01-02 --to 2026-01-03; "
        "then clearlift backfill attribution of the same days"
    )
    held = ground.prune()
    assert ground.why(held) == {lake.PRUNED.format(command=RESTORE): 2}
    vault.archive()
    assert ground.prune().deleted == 0

    vault.restore(into="live")
    ground.count()

    assert sum(row[2] for row in totals(vault)) == 8
    vault.archive()
    assert ground.prune().deleted == 8
    assert sum(row[2] for row in totals(vault)) == 8


def test_a_prune_and_a_restore_reopen_nothing(ground: Ground, vault: Vault) -> None:
    ground.ready()
    ground.prune()
    vault.restore(into="live")
    while follow(CLEARLIFT, vault.events, vault.postgres, ground.clock):
        pass
    assert not late.stale(CLEARLIFT, vault.postgres, START, vault.now)
    assert not late.beyond(CLEARLIFT, vault.postgres, START, vault.now)


def spelled(vault: Vault) -> list[str]:
    """Every row, as text that tells -0.0 from 0.0 and finds NaN equal to itself."""
    return sorted(repr(row) for row in vault.live().elements())


def totals(vault: Vault) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in vault.postgres.fetch("select * from rollups.daily_totals")]


def parquet(vault: Vault) -> list[str]:
    return [info.key for info in FolderObjectStore(vault.folder).list() if info.key.endswith(".parquet")]
