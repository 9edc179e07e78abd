"""Onboarding sessions end as abandoned when nothing has happened in them for two hours; all others go on."""

from datetime import timedelta

from assets.growth import inactive
from assets.growth.inactive import Ended, end
from resources.postgres import Postgres
from tests.assets.growth.app_database import GROWTH, NOW


def add(postgres: Postgres, name: str, idle: timedelta) -> None:
    postgres.execute(
        "insert into onboarding.sessions (session_token, started_at, last_activity_at) values (%s, %s, %s)",
        (f"token-of-{name}", NOW - timedelta(days=1), NOW - idle),
    )


def states(postgres: Postgres) -> dict[str, tuple[str, bool]]:
    return {
        row["session_token"].removeprefix("token-of-"): (row["status"], row["abandoned_at"] is not None)
        for row in postgres.fetch("select * from onboarding.sessions")
    }


def test_sessions_end_after_two_hours_without_activity(own: Postgres) -> None:
    add(own, "new", timedelta(0))
    add(own, "nearly", timedelta(hours=2, seconds=-1))
    add(own, "just", timedelta(hours=2))
    add(own, "long", timedelta(hours=20))
    assert end(own, GROWTH, NOW) == Ended(abandoned=2, in_progress=2, inactive=0)
    going, ended = ("in_progress", False), ("abandoned", True)
    assert states(own) == {"new": going, "nearly": going, "just": ended, "long": ended}
    assert end(own, GROWTH, NOW) == Ended(0, 2, 0)
    assert end(own, GROWTH, NOW + timedelta(seconds=1)) == Ended(1, 1, 0)


def test_a_completed_session_stays_completed(own: Postgres) -> None:
    add(own, "done", timedelta(hours=5))
    own.execute(
        "update onboarding.sessions set status = 'completed', last_activity_at = %s", (NOW - timedelta(hours=5),)
    )
    assert end(own, GROWTH, NOW) == Ended(0, 0, 0)
    assert states(own)["done"] == ("completed", False)


def test_more_sessions_than_one_batch_end_in_one_call(own: Postgres) -> None:
    own.execute(
        "insert into onboarding.sessions (session_token, started_at, last_activity_at)"
        " select 'token-of-' || n, %(at)s, %(at)s from generate_series(10000, 16000) as n",
        {"at": NOW - inactive.HOURS * timedelta(hours=3)},
    )
    assert end(own, GROWTH, NOW) == Ended(6001, 0, 0)
