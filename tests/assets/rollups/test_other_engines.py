"""What other engines and operators do to the table is in the roll-ups in the end, as a full rebuild would have it."""

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest
from pyiceberg.expressions import EqualTo, Reference
from pyiceberg.expressions.literals import literal
from pyiceberg.transforms import MonthTransform

from assets.rollups.build import RollUp
from assets.rollups.definition import Grain
from assets.rollups.follow import follow, unfollowed
from assets.rollups.periods import Period
from assets.sessions import build as sessions
from assets.windows import Window
from resources.lake import DataFile
from tests.assets.rollups.catching_up import catch_up, everything
from tests.assets.rollups.event_lake import EventLake, at, event
from tests.resources.lake.foreign import expire, partition_by, rename_column, roll_back
from tests.resources.lake.row_deletes import delete_equal, delete_positions

HOURS = range(6, 10)


def built(event_lake: EventLake) -> int:
    """Three days of four hours, ten events an hour worth 1 each, rolled up and followed; the snapshot."""
    for day in (2, 3, 4):
        event_lake.append(
            *(
                event(timestamp=at(day, hour, minute), event_value=1.0, event_id=f"{day}-{hour}-{minute}")
                for hour in HOURS
                for minute in range(10)
            )
        )
    catch_up(event_lake)
    head = event_lake.events.head()[0]
    assert head is not None
    return head


def files_of(event_lake: EventLake, day: int) -> list[DataFile]:
    return [info.file for info in event_lake.events.files() if info.key.day == at(day).date()]


def counted(event_lake: EventLake) -> int:
    (row,) = event_lake.postgres.fetch("select sum(events)::int as events from rollups.daily_totals")
    return int(row["events"])


def as_the_lake_has_it(event_lake: EventLake) -> None:
    """Catch up; then each hour and day has the events and the value that the lake has now."""
    catch_up(event_lake)
    rows = event_lake.events.scan().select("org_tag", "timestamp", "event_id", "event_value").collect()
    for table, column, every in (("hourly_totals", "hour", "1h"), ("daily_totals", "day", "1d")):
        start = pl.col("timestamp").dt.truncate(every)
        single = rows.unique(["org_tag", "event_id", "timestamp"]).group_by("org_tag", start)
        expected = {
            (org, at if every == "1h" else at.date()): (events, value)
            for org, at, events, value in single.agg(pl.len(), pl.col("event_value").sum()).iter_rows()
        }
        found = event_lake.postgres.fetch(f"select org_tag, {column}, events, value from rollups.{table}")
        assert {(r["org_tag"], r[column]): (r["events"], float(r["value"])) for r in found} == expected


def as_after_a_full_rebuild(event_lake: EventLake) -> None:
    """Catch up, then build everything again: nothing may change by that."""
    catch_up(event_lake)
    found = everything(event_lake)
    for grain in Grain:
        event_lake.roll_up(grain, at(2), at(5))
    event_lake.roll_up_periods(Period.WEEKLY, at(2), at(5))
    build = sessions.Sessions(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock)
    build.run(Window(at(2), at(5)))
    assert everything(event_lake) == found


def by_position(event_lake: EventLake) -> None:
    (file,) = files_of(event_lake, 3)
    delete_positions(event_lake.events, {file: [0, 11]})


def by_value(event_lake: EventLake) -> None:
    (file,) = files_of(event_lake, 3)
    delete_equal(event_lake.events, file, pl.DataFrame({"event_id": ["3-6-0", "3-7-1"]}))


@pytest.mark.parametrize("delete", [by_position, by_value])
def test_a_commit_that_only_deletes_rows_reopens_their_day(
    event_lake: EventLake, delete: Callable[[EventLake], None]
) -> None:
    built(event_lake)
    delete(event_lake)

    assert follow(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock) == 1
    made = catch_up(event_lake)

    assert made["days"] == {at(3)}
    assert counted(event_lake) == 120 - 2
    as_the_lake_has_it(event_lake)
    event_lake.compact()
    as_the_lake_has_it(event_lake)


def test_values_under_a_new_name_are_summed(event_lake: EventLake) -> None:
    built(event_lake)
    table = event_lake.events
    rename_column(table, "event_value", "amount")
    live = table.load()
    rows = table.scan().filter(pl.col("timestamp") < at(2, 7)).collect().to_arrow()
    live.append(
        rows.rename_columns([table.layout.live_names[n] for n in rows.column_names]).cast(live.schema().as_arrow())
    )
    catch_up(event_lake)
    (row,) = event_lake.postgres.fetch("select sum(value)::int as value from rollups.hourly")
    assert row["value"] == 120  # the ten doubles count once
    as_the_lake_has_it(event_lake)


def test_files_of_another_partition_spec_are_counted_and_reopen_their_days(event_lake: EventLake) -> None:
    built(event_lake)
    partition_by(event_lake.events, ("timestamp", MonthTransform(), "month"))
    event_lake.append_as_foreigner(event(timestamp=at(2, 7)), event(timestamp=at(4, 9)))
    assert catch_up(event_lake)["hours"] == {at(2, 7), at(4, 9)}
    assert counted(event_lake) == 122
    event_lake.compact()
    assert all(info.partition is not None for info in event_lake.events.files())
    event_lake.events.load().delete(EqualTo(term=Reference("event_id"), value=literal("4-6-0")))
    catch_up(event_lake)
    assert counted(event_lake) == 121
    as_the_lake_has_it(event_lake)


def test_commits_that_somebody_expired_before_they_were_followed_reopen_their_days(event_lake: EventLake) -> None:
    built(event_lake)
    late = event_lake.append(event(timestamp=at(2, 7)))
    again = event_lake.append(event(timestamp=at(3, 7)))
    event_lake.append(event(timestamp=at(4, 7)))
    assert late is not None
    assert again is not None
    kept = event_lake.events.history().ids - {late, again}
    expire(event_lake.events, [s for s in event_lake.events.history().ids if s != event_lake.events.head()[0]])
    assert kept
    assert unfollowed(event_lake.app, event_lake.events, event_lake.postgres) == 1

    assert catch_up(event_lake)["days"] == {at(2), at(3), at(4)}
    assert counted(event_lake) == 123
    as_the_lake_has_it(event_lake)


def test_rows_whose_removal_somebody_expired_before_it_was_followed_are_not_counted(event_lake: EventLake) -> None:
    built(event_lake)
    (file,) = files_of(event_lake, 3)
    removal = event_lake.events.drop({event_lake.events.info(file).key: [file]}, "gone")
    assert removal
    event_lake.append(event(timestamp=at(4, 7)))
    head = event_lake.events.head()[0]
    expire(event_lake.events, [s for s in event_lake.events.history().ids if s != head])

    assert catch_up(event_lake)["days"] == {at(3), at(4)}
    assert counted(event_lake) == 81
    as_the_lake_has_it(event_lake)


def test_a_table_whose_first_commits_expired_before_anybody_followed_is_counted_whole(event_lake: EventLake) -> None:
    for day in (2, 3, 4):
        event_lake.append(event(timestamp=at(day, 7)))
    head = event_lake.events.head()[0]
    expire(event_lake.events, [s for s in event_lake.events.history().ids if s != head])

    catch_up(event_lake)

    assert counted(event_lake) == 3
    as_the_lake_has_it(event_lake)


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize("expired", [False, True])
def test_windows_built_from_what_was_rolled_back_are_made_again(
    event_lake: EventLake, goes_on: bool, expired: bool
) -> None:
    before = built(event_lake)
    bad = event_lake.append(*(event(timestamp=at(3, 7)) for _ in range(5)))
    catch_up(event_lake)
    assert counted(event_lake) == 125
    event_lake.append(event(timestamp=at(4, 8)))
    follow(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock)
    gone = event_lake.events.head()[0]
    assert bad is not None
    assert gone is not None

    roll_back(event_lake.events, before)
    if goes_on:
        event_lake.append(event(timestamp=at(2, 7)))
    if expired:
        expire(event_lake.events, [bad, gone])
    catch_up(event_lake)

    assert counted(event_lake) == 120 + goes_on
    as_after_a_full_rebuild(event_lake)
    assert follow(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock) == 0


def test_a_build_that_began_before_a_rollback_and_ends_after_it_was_followed_is_made_again(
    event_lake: EventLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = built(event_lake)
    event_lake.append(event(timestamp=at(5, 7)))
    record = RollUp._record

    def overtaken(self: RollUp, *given: object) -> int:
        roll_back(event_lake.events, before)
        monkeypatch.undo()
        follow(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock)
        return record(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(RollUp, "_record", overtaken)
    event_lake.roll_up(Grain.DAILY, at(5), at(5) + timedelta(days=1))
    assert counted(event_lake) == 121
    catch_up(event_lake)

    assert counted(event_lake) == 120
    as_the_lake_has_it(event_lake)
