"""The room in Dagster's eyes, for any app of this shape: counts, checks, and what needs no run."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetCheckSeverity, Config, ExecuteInProcessResult, MaterializeResult, RunConfig, materialize

from assets.apps import App
from assets.apps.growth import APP
from assets.capability import Capability, Request, Site, op_name
from assets.growth import capability, event_assets, pending
from assets.growth.capability import bring
from assets.partitions import Calendar
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.growth.app_database import GROWTH, NOW, events, insert, last, stored
from tests.rooms import TestRooms

WARN, ERROR = AssetCheckSeverity.WARN, AssetCheckSeverity.ERROR
# A second app is data alone.
OTHER = replace(APP, name="other", title="Other", owner="team:other-data")
Checks = dict[str, tuple[bool, AssetCheckSeverity]]


@pytest.fixture
def rooms(postgres: Postgres, own: Postgres, tmp_path: Path) -> TestRooms:
    return TestRooms(NOW, postgres, FolderObjectStore(tmp_path), app_postgreses={APP.name: own, OTHER.name: own})


def brought(app: App, rooms: TestRooms) -> Capability:
    return bring(app, Site(rooms, Calendar(date(2026, 1, 1)), timedelta(days=35), 1000, (7, 5, 12)))


def made(app: App, rooms: TestRooms, name: str, config: Config | None = None) -> tuple[dict[str, Any], Checks]:
    """What an asset says of itself, and its checks."""
    (asset,) = (asset for asset in brought(app, rooms).assets if "/".join(asset.key.path[1:]) == name)
    ops = {op_name(asset.key.path): config} if config else {}
    done: ExecuteInProcessResult = materialize([asset], resources={"rooms": rooms}, run_config=RunConfig(ops))
    (event,) = done.asset_materializations_for_node(op_name(asset.key.path))
    checks = {e.check_name: (e.passed, e.severity) for e in done.get_asset_check_evaluations()}
    return {label: getattr(value, "value", None) for label, value in event.metadata.items()}, checks


def watched(app: App, rooms: TestRooms, name: str) -> list[Request | str | MaterializeResult[None]]:
    (watch,) = (watch for watch in brought(app, rooms).watches if watch.name == name)
    return list(watch.asks(lambda _: None))


def test_an_app_of_another_shape_gets_nothing(rooms: TestRooms) -> None:
    assert brought(replace(APP, growth=None), rooms) == Capability()


@pytest.mark.parametrize("app", [APP, OTHER], ids=lambda app: app.name)
def test_events_are_taken_and_made_into_windows_of_which_one_is_counted_again(app: App, rooms: TestRooms) -> None:
    insert(rooms.app_postgres(APP), events(300, last(40)))
    said, checks = made(app, rooms, "analytics/pending")
    assert said == {"events": 300, "batches": 1, "left": 0, "oldest_waits_seconds": 0.0}
    assert checks == {"taken_in_time": (True, WARN)}
    said, checks = made(app, rooms, "analytics/aggregations")
    assert (said["days"], said["days_events"], said["hours_events"], said["hours_kept"]) == (3, 300, 300, 0)
    assert checks["recount_of_a_random_hour"][0]
    said, checks = made(app, rooms, "analytics/metrics")
    assert said["days"] == 2
    assert checks == {"no_ended_day_waits": (True, WARN)}


def test_nothing_to_compare_is_not_green_and_a_difference_is_an_error(rooms: TestRooms) -> None:
    _, checks = made(APP, rooms, "analytics/aggregations")
    assert checks == {"recount_of_a_random_hour": (False, WARN)}
    insert(rooms.app_postgres(APP), events(300, last(40)))
    made(APP, rooms, "analytics/pending")
    rooms.app_postgres(APP).execute(
        "update analytics.event_aggregations set events = events + 1; delete from pipelines.stale_windows"
    )
    _, checks = made(APP, rooms, "analytics/aggregations")
    assert checks == {"recount_of_a_random_hour": (False, ERROR)}


def test_a_day_is_made_again_when_it_is_asked_for_and_what_is_no_day_is_refused(rooms: TestRooms) -> None:
    insert(rooms.app_postgres(APP), events(300, last(40)))
    made(APP, rooms, "analytics/pending")
    made(APP, rooms, "analytics/aggregations")
    right = stored(rooms.app_postgres(APP))
    rooms.app_postgres(APP).execute("update analytics.event_aggregations set users = 7")
    for day in ("2026-03-18", "2026-03-19", "2026-03-20"):
        made(APP, rooms, "analytics/aggregations", event_assets.AgainConfig(day=day))
    assert stored(rooms.app_postgres(APP)) == right
    with pytest.raises(Exception, match="day 'yesterday' is no day"):
        made(APP, rooms, "analytics/aggregations", event_assets.AgainConfig(day="yesterday"))


def test_events_that_wait_too_long_are_reported(rooms: TestRooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capability, "BATCHES_AT_ONCE", 1)
    insert(rooms.app_postgres(APP), events(pending.BATCH + 5, last(2)))
    rooms.app_postgres(APP).execute("update analytics.events set ingested_at = %s", (NOW - timedelta(minutes=16),))
    result, request = watched(APP, rooms, "pending_events")
    assert isinstance(result, MaterializeResult)
    assert result.asset_key is not None
    assert result.asset_key.to_user_string() == "growth/analytics/pending"
    (check,) = result.check_results
    assert (check.passed, check.metadata["left"].value) == (False, 5)
    # The rest is a run's, because a sensor has a minute.
    assert request == Request(state="5")
    (rest,) = watched(APP, rooms, "pending_events")
    assert isinstance(rest, MaterializeResult)
    assert rest.check_results[0].passed


def test_inactive_sessions_end_with_and_without_a_run(rooms: TestRooms) -> None:
    def add(token: str) -> None:
        rooms.app_postgres(APP).execute(
            "insert into onboarding.sessions (session_token, started_at, last_activity_at) values (%s, %s, %s)",
            (token, NOW - timedelta(hours=5), NOW - timedelta(hours=3)),
        )

    add("token-number-1")
    (result,) = watched(APP, rooms, "inactive_sessions")
    assert isinstance(result, MaterializeResult)
    assert result.metadata == {"abandoned": 1, "in_progress": 0}
    add("token-number-2")
    said, checks = made(APP, rooms, "onboarding/inactive")
    assert said == {"abandoned": 1, "in_progress": 0}
    assert checks == {"none_stays_open": (True, WARN)}


def test_phone_numbers_are_counted(rooms: TestRooms) -> None:
    rooms.app_postgres(APP).execute(
        "insert into marketing.leads (email, phone, country) values"
        " ('a@example.com', '030 901820', 'DE'), ('b@example.com', '12', 'US')"
    )
    said, checks = made(APP, rooms, "leads/phones")
    assert said == {"read": 2, "valid": 1, "not_valid": 1}
    assert checks == {"all_read": (True, WARN)}


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("leads/funnel", "insert into marketing.leads (email, created_at) values ('a@example.com', %s)"),
        (
            "onboarding/drop_off",
            "insert into onboarding.sessions (session_token, started_at) values ('token-number-1', %s)",
        ),
    ],
)
def test_reports_say_what_they_counted_and_prove_nothing_where_there_is_nothing(
    rooms: TestRooms, name: str, row: str
) -> None:
    _, checks = made(APP, rooms, name)
    assert checks == {"each_counted_once": (False, WARN)}
    rooms.app_postgres(APP).execute(row, (NOW - timedelta(hours=1),))
    said, checks = made(OTHER, rooms, name)
    assert said["rows_counted"] == 1
    assert said["csv"] == f"{GROWTH.reports}{name.partition('/')[2]}/2026-03-20.csv"
    assert rooms.object_store.exists(said["csv"])
    assert "data:image/png;base64," in said["report"]
    assert checks == {"each_counted_once": (True, WARN)}


def test_what_owners_must_do_is_listed_and_not_green(rooms: TestRooms) -> None:
    said, checks = made(APP, rooms, "messaging/accounts")
    assert (said["accounts"], said["all"]) == (0, 0)
    assert checks == {"nothing_to_do": (True, WARN)}
    rooms.app_postgres(APP).execute(
        "insert into whatsapp.accounts (waba_id, phone_number_id, status, last_synced_at)"
        " values ('1', '2', 'connected', %s)",
        (NOW,),
    )
    said, checks = made(APP, rooms, "messaging/accounts")
    assert (said["accounts"], said["broken"], said["all"]) == (1, 1, 1)
    assert checks == {"nothing_to_do": (False, WARN)}
