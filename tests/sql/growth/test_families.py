"""What is kept warm of Growth: the dashboards of leads and onboarding, by range of days."""

import json
from datetime import date
from typing import Any

import pytest

from assets.apps import CacheFamily
from assets.apps.growth import APP
from assets.cache.families import families
from assets.cache.wanted import Sources, draw
from resources.postgres import Connection, Postgres
from resources.sql_files import list_sql
from tests.sql.growth.database import capture

TODAY = date(2026, 3, 20)


def drawn(dsn: str, name: str) -> dict[str, Any]:
    (family,) = (family for family in families(APP) if family.name == name)
    with Postgres(dsn) as own:
        sources = Sources(APP.name, None, own, TODAY, own)
        return {wanted.key: json.loads(wanted.value) for wanted in draw(family, sources)}


def test_leads_are_counted_in_the_days_of_each_range(growth: Connection, growth_dsn: str) -> None:
    for number, (source, status, at) in enumerate(
        [
            ("web", "new", "2026-03-20T23:59:59Z"),
            ("web", "new", "2026-03-14T00:00Z"),
            ("web", "lost", "2026-03-13T23:59Z"),
            ("ads", "new", "2026-02-01T00:00Z"),
            ("ads", "new", "2026-03-21T00:00Z"),
        ]
    ):
        capture(growth, f"lead{number}@example.com", source=source, status=status, created_at=at)
    found = drawn(growth_dsn, "leads")
    assert found.keys() == {f"dashboard:leads:{days}d" for days in (7, 30, 90)}
    assert found["dashboard:leads:7d"] == {
        "from": "2026-03-14", "to": "2026-03-20", "leads": 2,
        "items": [{"source": "web", "status": "new", "leads": 2}],
    }  # fmt: skip
    assert found["dashboard:leads:90d"]["items"] == [
        {"source": "ads", "status": "new", "leads": 1},
        {"source": "web", "status": "new", "leads": 2},
        {"source": "web", "status": "lost", "leads": 1},
    ]


def test_onboardings_are_counted_by_step_with_their_progress(growth: Connection, growth_dsn: str) -> None:
    growth.execute(
        "insert into onboarding.sessions (session_token, current_step, signup_completed_at, started_at)"
        " select 'sess_of_number_' || n, 'bot_setup', case when n = 1 then now() end, '2026-03-19Z'"
        " from generate_series(1, 2) as n"
    )
    found = drawn(growth_dsn, "onboarding")
    assert found["dashboard:onboarding:7d"] == {
        "from": "2026-03-14", "to": "2026-03-20", "sessions": 2,
        "items": [{"step": "bot_setup", "status": "in_progress", "sessions": 2, "progress": 8.5}],
    }  # fmt: skip


@pytest.mark.parametrize("family", APP.cache, ids=lambda family: family.name)
def test_a_range_without_rows_says_so(growth_dsn: str, family: CacheFamily) -> None:
    found = drawn(growth_dsn, family.name)
    assert [value["items"] for value in found.values()] == [[], [], []]
    assert {value[next(key for key in value if key not in ("from", "to", "items"))] for value in found.values()} == {0}


def test_every_statement_of_a_family_is_used() -> None:
    assert {f"growth/cache/{name}" for name in list_sql("growth/cache")} == {f.statement for f in APP.cache}
