"""What goes of an app's own Postgres by age: by our retention, and by the database's own function, the same rows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.apps.growth import APP
from assets.archive.quarters import Quarter
from assets.archive.restore import Restore
from assets.archive.tables import archived
from assets.archive.write import Archiver
from assets.retention.deletion import DeletionOutcome
from assets.retention.stores import entries, prune
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.app_databases import AppDatabases
from tests.rooms import TestRooms

NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
SHORT = ("onboarding.step_activities", "onboarding.sessions", "analytics.event_aggregations", "pipelines.rate_limits")
FILL = """
insert into onboarding.sessions (session_token, status, abandoned_at, started_at, last_activity_at)
select 'sess_of_number_' || n, (enum_range(null::onboarding.session_status))[1 + n % 3],
    case when n % 3 = 2 then at end, at, at
from generate_series(0, 199) as n,
    lateral (select timestamptz '2026-07-01 02:00Z' - n * interval '1 day') as placed (at);
insert into onboarding.step_activities (session_id, step, kind, occurred_at)
select id, 'signup', 'error', started_at from onboarding.sessions;
insert into analytics.event_aggregations (period, window_start, type, name, events)
select period, date_trunc('day', timestamptz '2026-07-01Z' - n * interval '1 day'), 'system', 'x', 1
from generate_series(0, 199) as n, unnest(enum_range(null::analytics.period)) as period;
insert into pipelines.stale_windows (kind, window_start)
values ('hour', '2026-01-05Z'), ('day', '2026-01-06Z');
insert into pipelines.rate_limits
select timestamptz '2026-07-01 02:00Z' - n * interval '1 hour', sha256(n::text::bytea), 1
from generate_series(0, 47) as n
"""


@pytest.fixture
def own(app_databases: AppDatabases, tmp_path: Path) -> Iterator[Postgres]:
    """The app's own database, with rows of 200 days."""
    with Postgres(app_databases.of(tmp_path, f"app_{APP.name}")) as postgres:
        postgres.execute(FILL)
        yield postgres


@pytest.fixture
def rooms(own: Postgres, postgres: Postgres, tmp_path: Path) -> TestRooms:
    store = FolderObjectStore(tmp_path / "r2")
    return TestRooms(NOW, postgres, store, app_postgreses={APP.name: own})


def pruned(rooms: TestRooms, table: str) -> DeletionOutcome:
    (entry,) = (entry for entry in entries(APP) if entry.name == table)
    return prune(rooms, APP, entry, run_id="a run", dry_run=False)


def left(own: Postgres) -> dict[str, int]:
    return {table: own.fetch(f"select count(*) as n from {table}")[0]["n"] for table in SHORT}


def test_our_retention_and_the_database_s_own_function_mean_the_same_rows(own: Postgres, rooms: TestRooms) -> None:
    before = left(own)
    with own.connection() as connection:
        connection.execute("savepoint whole")
        for batch in (7, 1000):
            while sum(
                row["deleted"]
                for row in connection.execute("select * from cleanup_old_data(90, %s, %s)", (NOW, batch)).fetchall()
            ):
                pass
        by_function = {
            table: connection.execute(f"select count(*) as n from {table}".encode()).fetchall()[0]["n"]
            for table in SHORT
        }
        connection.execute("rollback to savepoint whole")
    assert left(own) == before
    held = {table: pruned(rooms, table).held_back for table in SHORT}
    assert left(own) == by_function
    # Days stay, and so does an hour that is to be made again.
    assert by_function["analytics.event_aggregations"] == 200 + 91 + 1
    assert [(h.rows, h.why) for h in held["analytics.event_aggregations"]] == [
        (1, "events came to it and it is not made again")
    ]
    assert 0 < by_function["onboarding.sessions"] < before["onboarding.sessions"]
    assert by_function["pipelines.rate_limits"] == 27
    assert all(pruned(rooms, table).deleted == 0 for table in SHORT)


def test_events_go_once_an_archive_holds_them_and_come_back_uncounted(own: Postgres, rooms: TestRooms) -> None:
    own.execute(
        "insert into analytics.events (type, name, session_id, properties, created_at)"
        " select 'form', 'x', 'visit ' || n % 5, jsonb_build_object('n', n),"
        " timestamptz '2026-01-02Z' + n * interval '2 day' from generate_series(1, 60) as n"
    )
    own.execute("select process_pending_events()")
    events = own.fetch("select * from analytics.events where created_at < '2026-04-01' order by id")
    assert pruned(rooms, "analytics.events").deleted == 0
    written = Archiver.of(rooms, APP, archived(APP, "analytics.events")).run(Quarter(2026, 1))
    assert written.rows == len(events) == 44
    done = pruned(rooms, "analytics.events")
    assert (done.deleted, done.total) == (44, 60)
    assert own.fetch("select count(*) as n from analytics.events")[0]["n"] == 16
    Restore.of(rooms, APP, archived(APP, "analytics.events"), "live").run(Quarter(2026, 1))
    assert own.fetch("select * from analytics.events where created_at < '2026-04-01' order by id") == events
    assert own.fetch("select count(*) as n from pipelines.pending_events")[0]["n"] == 0
    assert timedelta(days=90) < NOW - events[-1]["created_at"]
