"""Two apps with the same organisations in one Postgres, each over its own lake table: neither touches the other's rows.

Each operation runs on one app, and every row of the other is compared before and after.
"""

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from assets.apps import App
from assets.apps.clearlift import APP
from assets.events import pruned
from assets.lake_tables import lake_tables
from assets.rollups import late
from assets.rollups.audit import RollUpAudit
from assets.rollups.follow import follow, unfollowed
from assets.sessions.build import Sessions, stale
from assets.upkeep.expiry import Expiry
from assets.upkeep.keep import SnapshotPolicy
from assets.windows import Window
from resources.lake import PartitionKey
from resources.postgres import Connection, Postgres
from tests.assets.rollups.event_lake import Event, EventLake, at, event
from tests.assets.rollups.recount import recount
from tests.assets.rollups.test_periods import recount as recount_periods
from tests.assets.sessions.recount import recount as recount_sessions

assert APP.audience is not None
OTHER = replace(
    APP, name="other", audience=replace(APP.audience, table="other.page_events", folder="data/other/page_events")
)
DAY = Window(at(3), at(4))
KEY = PartitionKey("a3f7c2", at(3).date())


def visits(app: App) -> list[Event]:
    """Events of both organisations on one day, with the same ids in either app and other numbers of them."""
    return [
        event(
            timestamp=at(3, hour), org_tag=org, event_id=f"{org} {hour}", anonymous_id=f"v{hour % 3}", event_value=1.5
        )
        for org in ("a3f7c2", "b8e9d1")
        for hour in range(0, 20, 2 if app is APP else 5)
    ]


def build(side: EventLake) -> None:
    while follow(side.app, side.events, side.postgres, side.clock):
        pass
    side.roll_up_days(at(3).date(), 1)
    Sessions(side.app, side.events, side.postgres, side.clock).run(DAY)


@pytest.fixture
def sides(event_lake: EventLake) -> tuple[EventLake, EventLake]:
    """Both apps, with a day built and a week, a month and sessions made of it."""
    both = (event_lake, EventLake(event_lake.stores, OTHER))
    for side in both:
        side.append(*visits(side.app))
        build(side)
        with side.postgres.connection() as connection:
            rows = {pruned_day(10): 1, pruned_day(11): 1}
            pruned.mark(connection, side.app, "2026Q1", rows, commit_id=uuid.uuid4(), at=side.now)
    return both


def pruned_day(day: int) -> PartitionKey:
    return PartitionKey("a3f7c2", at(day).date())


def rows_of(side: EventLake) -> dict[str, list[Any]]:
    """Every row of the app in the schemas of roll-ups, sessions and retention."""
    tables = side.postgres.fetch(
        "select table_schema || '.' || table_name as name from information_schema.columns where column_name = 'app'"
        " and table_schema in ('rollups', 'sessions', 'retention') and table_name <> 'deletions'"
    )
    assert len(tables) == 20 + 2 + 2 + 1
    return {
        row["name"]: side.postgres.fetch(
            f"select t::text as row from {row['name']} t where app = %(app)s order by 1", {"app": side.app.name}
        )
        for row in tables
    }


def test_each_app_has_its_own_counts(sides: tuple[EventLake, EventLake]) -> None:
    for side in sides:
        assert side.rows() == recount(visits(side.app))
        expected = recount_periods(visits(side.app))
        assert side.period_rows() == expected
        assert side.table("sessions.daily") == recount_sessions(visits(side.app))
        assert RollUpAudit(side.app, side.events, side.postgres, side.clock).run().passed


def late_event(side: EventLake) -> None:
    side.append(event(timestamp=at(3, 5), anonymous_id="late"))
    build(side)


def fewer_events(side: EventLake) -> None:
    side.events.load().delete("org_tag = 'b8e9d1'")
    build(side)


def one_organisation(side: EventLake) -> None:
    side.append(event(timestamp=at(3, 5), anonymous_id="late"))
    side.roll_up_days(at(3).date(), 1, org="a3f7c2")
    Sessions(side.app, side.events, side.postgres, side.clock).run(DAY, "a3f7c2")


def followed_only(side: EventLake) -> None:
    side.append(event(timestamp=at(3, 5)), event(timestamp=at(8)))
    assert follow(side.app, side.events, side.postgres, side.clock) == 1


def settled(side: EventLake) -> None:
    (commit,) = pruned.unsettled(side.postgres, side.app)
    with side.postgres.connection() as connection:
        pruned.settle(connection, side.app, commit, [pruned_day(10)])
        assert pruned.marked(connection, side.app, "2026Q1") == {pruned_day(10)}
    assert pruned.unsettled(side.postgres, side.app) == {}


def restored(side: EventLake) -> None:
    pruned.restored(side.postgres, side.app, [pruned_day(11)])


@pytest.mark.parametrize("changed", [0, 1])
@pytest.mark.parametrize("operation", [late_event, fewer_events, one_organisation, followed_only, settled, restored])
def test_what_happens_to_one_app_leaves_every_row_of_the_other(
    sides: tuple[EventLake, EventLake], operation: Callable[[EventLake], None], changed: int
) -> None:
    mine, others = sides[changed], sides[1 - changed]
    before = rows_of(mine), rows_of(others)
    operation(mine)
    assert rows_of(mine) != before[0]
    assert rows_of(others) == before[1]


def test_what_is_late_for_one_app_is_late_for_no_other(sides: tuple[EventLake, EventLake]) -> None:
    mine, others = sides
    mine.now = others.now = at(20)
    mine.append(event(timestamp=at(3, 5)))
    assert [unfollowed(side.app, side.events, side.postgres) for side in (mine, others)] == [1, 0]
    follow(mine.app, mine.events, mine.postgres, mine.clock)

    def waiting(side: EventLake) -> tuple[bool, bool, int]:
        windows = late.stale(side.app, side.postgres, at(1), side.now)
        beyond = late.beyond(side.app, side.postgres, at(1), at(10))
        return bool(windows), bool(stale(side.app, side.postgres, at(1), side.now)), beyond.events

    assert (waiting(mine), waiting(others)) == ((True, True, 1), (False, False, 0))


def test_a_pruned_day_of_one_app_is_counted_for_the_other(sides: tuple[EventLake, EventLake]) -> None:
    mine, others = sides
    with mine.postgres.connection() as connection:
        pruned.mark(connection, others.app, "2026Q1", {KEY: 3}, commit_id=uuid.uuid4(), at=mine.now)
    build(mine)
    with pytest.raises(pruned.PrunedError) as error:
        build(others)
    assert str(error.value) == (
        "events of 2026-03-03 are archived. Next: `clearlift archive restore other page_events 2026Q1 --into live`"
    )
    with pytest.raises(pruned.PrunedError):
        Sessions(others.app, others.events, others.postgres, others.clock).run(DAY)


def test_the_cursor_and_audit_of_one_app_keep_no_snapshot_of_the_other(sides: tuple[EventLake, EventLake]) -> None:
    mine, _ = sides
    mine.postgres.execute("delete from retention.pruned_days")
    policy = SnapshotPolicy(at_least=1)
    later = mine.clock() + timedelta(days=365)
    for side in sides:
        side.append(event(timestamp=at(8)))
    follow(mine.app, mine.events, mine.postgres, mine.clock)
    kept = [
        Expiry(side.app, lake_tables(side.app)[0], side.events, side.postgres, lambda: later, policy).plan().kept
        for side in sides
    ]
    assert kept == [
        {"audit of roll-ups": 1, "not followed by the roll-ups": 1},
        {"not followed by the roll-ups": 2},
    ]


def test_the_apps_share_no_lock(sides: tuple[EventLake, EventLake], monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, set[str]] = {side.app.name: set() for side in sides}
    lock = Postgres.lock
    for side in sides:

        def noted(postgres: Postgres, name: str, app: str = side.app.name) -> AbstractContextManager[Connection]:
            names[app].add(name)
            return lock(postgres, name)

        monkeypatch.setattr(Postgres, "lock", noted)
        late_event(side)
    day, periods = "2026-03-03", ("weekly.2026-03-02", "monthly.2026-03-01")
    wanted = {"rollups.follow", f"rollups.hourly.{day}", f"rollups.daily.{day}", f"sessions.{day}"}
    wanted |= {f"rollups.{period}" for period in periods}
    for app, taken in names.items():
        # The catalog of the lake has a lock of its own, which both share.
        assert {name for name in taken if "rollups" in name or "sessions" in name} == {f"{app}.{n}" for n in wanted}
