"""The audit: right roll-ups pass, any wrong number fails, and where there is nothing to count it says so."""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest

from assets.rollups.audit import FILES, R2_SQL, AuditResult, RollUpAudit
from assets.rollups.definition import Grain
from resources.cloudflare import api_session
from resources.http import HttpError
from resources.pacing import Pacing, Rate
from resources.r2 import R2Sql
from tests.assets.rollups.event_lake import EventLake, at, event, hour_of
from tests.standin.loopback import Fault
from tests.standin.r2_sql import TOKEN, R2SqlService

MARCH_19 = date(2026, 3, 19)


def audited(event_lake: EventLake, r2_sql: R2Sql | None = None) -> AuditResult:
    return RollUpAudit(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock, r2_sql).run()


@pytest.fixture
def one_hour(event_lake: EventLake) -> EventLake:
    """One hour of odd values, built; the only one that can be audited."""
    chance = random.Random(3)
    rows = [
        event(
            timestamp=at(19, 7, n % 60),
            org_tag=chance.choice(["a3f7c2", "b8e9d1", "日本"]),
            anonymous_id=f"v{chance.randrange(20)}",
            session_id=f"s{chance.randrange(40)}",
            event_type=chance.choice(["page_view", "click"]),
            utm_source=chance.choice([None, "", "google"]),
            device_type=chance.choice(["", "mobile"]),
            event_value=chance.choice([None, 0.1, 1e300, float("nan"), 1234.567891, 1e14, -1e14]),
        )
        for n in range(200)
    ]
    rows.append({**rows[0], "timestamp": at(19, 7, 59), "event_value": 7.0})
    event_lake.append(*rows[:100])
    event_lake.append_as_foreigner(*rows[100:])
    event_lake.roll_up(Grain.HOURLY, at(19, 7), at(19, 8))
    return event_lake


def test_right_roll_ups_pass(one_hour: EventLake) -> None:
    found = audited(one_hour)
    assert (found.passed, found.window, found.events, found.differences) == (True, hour_of(19, 7), 200, ())
    assert found.rows == len(one_hour.rows()["rollups.hourly"])


@pytest.mark.parametrize(
    "change",
    [
        "events = events + 1",
        "visitors = visitors - 1",
        "sessions = sessions + 1",
        "value = value + 0.01",
        "device_type = 'tablet'",
    ],
)
def test_a_changed_row_fails(one_hour: EventLake, change: str) -> None:
    changed = one_hour.postgres.execute(
        f"update rollups.hourly set {change} where ctid = (select ctid from rollups.hourly"
        " where device_type = 'mobile' order by abs(value) limit 1)"
    )
    assert changed == 1
    found = audited(one_hour)
    assert not found.passed
    assert found.differences


@pytest.mark.parametrize("where", ["true", "ctid = (select min(ctid) from rollups.hourly)"])
def test_missing_rows_fail(one_hour: EventLake, where: str) -> None:
    one_hour.postgres.execute(f"delete from rollups.hourly where {where}")
    assert not audited(one_hour).passed


def test_a_row_of_no_events_fails(one_hour: EventLake) -> None:
    one_hour.postgres.execute(
        "insert into rollups.hourly select 'ghost', hour, event_type, utm_source, utm_medium, utm_campaign,"
        " device_type, geo_country, events, visitors, sessions, value, app from rollups.hourly limit 1"
    )
    found = audited(one_hour)
    assert [d.split()[0] for d in found.differences] == ["ghost"]


def test_events_that_came_after_the_build_are_no_difference(one_hour: EventLake) -> None:
    one_hour.append(event(timestamp=at(19, 7)))
    assert audited(one_hour).passed
    one_hour.compact()
    assert audited(one_hour).passed


def test_an_hour_of_which_one_organisation_was_built_again_later_is_not_judged_by_the_old_lake(
    one_hour: EventLake,
) -> None:
    one_hour.append(event(timestamp=at(19, 7)))
    one_hour.roll_up(Grain.HOURLY, at(19, 7), at(19, 8), org="a3f7c2")
    assert audited(one_hour) == AuditResult(None, 0, 0, ())

    one_hour.roll_up(Grain.HOURLY, at(19, 7), at(19, 8))
    assert audited(one_hour).passed


def test_where_nothing_was_built_nothing_is_proved(event_lake: EventLake) -> None:
    assert audited(event_lake) == AuditResult(None, 0, 0, ())
    event_lake.append(event(timestamp=at(19, 7)))
    found = audited(event_lake)
    assert found.window is None
    assert not found.passed


def test_a_built_hour_without_events_is_a_count_of_none(event_lake: EventLake) -> None:
    event_lake.append(event(timestamp=at(1)))
    event_lake.roll_up(Grain.HOURLY, at(19, 7), at(19, 8))
    found = audited(event_lake)
    assert (found.passed, found.window, found.events) == (True, hour_of(19, 7), 0)


def test_recent_hours_come_first_and_older_ones_serve_where_there_are_none(event_lake: EventLake) -> None:
    event_lake.append(event(timestamp=at(1, 2)))
    event_lake.roll_up(Grain.HOURLY, at(1, 2), at(1, 3))
    assert audited(event_lake).window == hour_of(1, 2)
    event_lake.append(event(timestamp=at(19, 7)))
    event_lake.roll_up(Grain.HOURLY, at(19, 7), at(19, 8))
    assert {audited(event_lake).window for _ in range(8)} == {hour_of(19, 7)}


@pytest.fixture
def r2_sql_service(one_hour: EventLake) -> Iterator[R2SqlService]:
    """R2 SQL over the same events."""
    service = R2SqlService()
    with service.loopback:
        served(service, one_hour)
        yield service


def served(service: R2SqlService, event_lake: EventLake) -> None:
    """Show the service the table as it is now."""
    service.put(*event_lake.events.spec.identifier, event_lake.events.scan().collect())


def audited_through(service: R2SqlService, event_lake: EventLake) -> AuditResult:
    with closing(api_session(TOKEN, Pacing(Rate(1e6, 1e6)))) as session:
        r2_sql = R2Sql(session, "acct", "lake", api=service.loopback.url, page_rows=30)
        return audited(event_lake, r2_sql)


def test_r2_sql_gives_the_answer_that_the_files_give(one_hour: EventLake, r2_sql_service: R2SqlService) -> None:
    found = audited_through(r2_sql_service, one_hour)
    assert found == replace(audited(one_hour), source=R2_SQL)
    assert (found.passed, found.events) == (True, 200)

    # What the service says counts: the files have not changed.
    rows = one_hour.events.scan().collect()
    r2_sql_service.put(*one_hour.events.spec.identifier, rows.head(190))
    found = audited_through(r2_sql_service, one_hour)
    assert (found.passed, found.source) == (False, R2_SQL)


def test_r2_sql_counts_an_hour_that_was_merged_and_none_that_has_grown(
    one_hour: EventLake, r2_sql_service: R2SqlService
) -> None:
    one_hour.append(event(timestamp=at(19, 9)))
    one_hour.compact()
    served(r2_sql_service, one_hour)
    found = audited_through(r2_sql_service, one_hour)
    assert (found.passed, found.source) == (True, R2_SQL)

    one_hour.append(event(timestamp=at(19, 7)))
    served(r2_sql_service, one_hour)
    found = audited_through(r2_sql_service, one_hour)
    assert (found.passed, found.source) == (True, FILES)


def test_rows_that_r2_sql_cannot_tell_apart_are_counted_from_the_files(
    event_lake: EventLake, r2_sql_service: R2SqlService
) -> None:
    twin = event(timestamp=at(19, 7))
    event_lake.append(twin)
    event_lake.append_as_foreigner(twin)
    event_lake.roll_up(Grain.HOURLY, at(19, 7), at(19, 8))
    served(r2_sql_service, event_lake)
    found = audited_through(r2_sql_service, event_lake)
    assert (found.passed, found.events, found.source) == (True, 201, FILES)


def test_an_r2_sql_that_refuses_is_no_audit(one_hour: EventLake, r2_sql_service: R2SqlService) -> None:
    r2_sql_service.loopback.fail(Fault("status", status=403))
    with pytest.raises(HttpError, match="403"):
        audited_through(r2_sql_service, one_hour)
