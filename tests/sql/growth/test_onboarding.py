"""An onboarding's progress, its next step, its end, and what brings it back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.postgres import Connection
from tests.sql.growth.database import asking, one

STEPS = ("signup", "business_info", "whatsapp_setup", "bot_setup", "testing", "launch")
TOKEN = "sess_user_token_123"
START = datetime(2026, 3, 20, 12, tzinfo=UTC)
STATE = "select current_step::text as step, progress_percentage as progress, status::text as status"


def begun(connection: Connection, token: str = TOKEN) -> None:
    connection.execute(
        "insert into onboarding.sessions (session_token, started_at, last_activity_at, created_at, updated_at)"
        " values (%s, %s, %s, %s, %s)",
        (token, START, START, START, START),
    )


def state(connection: Connection) -> dict[str, Any]:
    return one(connection, f"{STATE} from onboarding.sessions")


def did(connection: Connection, kind: str, step: str, minutes: int = 0) -> None:
    connection.execute(
        "insert into onboarding.step_activities (session_id, step, kind, occurred_at)"
        " select id, %s, %s, %s from onboarding.sessions",
        (step, kind, START + timedelta(minutes=minutes)),
    )


def test_the_update_of_the_page_moves_it(growth: Connection) -> None:
    begun(growth)
    with asking(growth, "anon", token=TOKEN, keep=True):
        growth.execute(
            "update onboarding.sessions set current_step = 'bot_setup', business_info_completed_at = now()"
            " where session_token = 'sess_user_token_123'"
        )
    assert state(growth) == {"step": "bot_setup", "progress": 17, "status": "in_progress"}
    moved = one(
        growth,
        "select last_activity_at > started_at as moved, updated_at > created_at as touched from onboarding.sessions",
    )
    assert moved == {"moved": True, "touched": True}


@settings(max_examples=40)
@given(st.sets(st.sampled_from(STEPS)), st.sampled_from(STEPS))
def test_progress_is_the_share_of_steps_and_the_current_one_is_open(
    shared: Connection, completed: set[str], current: str
) -> None:
    with shared.transaction(force_rollback=True):
        begun(shared)
        sets = ", ".join([f"current_step = '{current}'", *(f"{step}_completed_at = now()" for step in completed)])
        shared.execute(f"update onboarding.sessions set {sets}".encode())
        found = state(shared)
        assert found["progress"] == round(100 * len(completed) / len(STEPS))
        assert found["status"] == ("completed" if len(completed) == len(STEPS) else "in_progress")
        onward = [step for step in STEPS[STEPS.index(current) :] if step not in completed]
        assert found["step"] == (onward[0] if onward else "launch")


def test_activities_lead_through_all_steps(growth: Connection) -> None:
    begun(growth)
    for number, step in enumerate(STEPS):
        did(growth, "entered", step, 10 * number)
        did(growth, "error", step, 10 * number + 1)
        assert state(growth) == {"step": step, "progress": round(100 * number / 6), "status": "in_progress"}
        did(growth, "completed", step, 10 * number + 5)
    assert state(growth) == {"step": "launch", "progress": 100, "status": "completed"}
    done = one(growth, "select completed_at, launch_completed_at, last_activity_at from onboarding.sessions")
    assert set(done.values()) == {START + timedelta(minutes=55)}
    # What is told late, or twice, changes no moment and leads nowhere back.
    did(growth, "completed", "signup", 50)
    did(growth, "entered", "signup", 1)
    late = one(growth, f"{STATE}, signup_completed_at as at from onboarding.sessions")
    assert late == {"step": "launch", "progress": 100, "status": "completed", "at": START + timedelta(minutes=5)}


def test_a_skipped_step_leads_on_and_stays_open(growth: Connection) -> None:
    begun(growth)
    did(growth, "skipped", "signup", 1)
    assert state(growth) == {"step": "business_info", "progress": 0, "status": "in_progress"}
    did(growth, "skipped", "launch", 2)
    assert state(growth)["step"] == "business_info"


def test_inactive_sessions_are_abandoned_from_a_moment_that_does_not_depend_on_the_run(growth: Connection) -> None:
    for token in ("sess_of_the_first", "sess_of_the_second"):
        begun(growth, token)
    growth.execute(
        "update onboarding.sessions set last_activity_at = %s where session_token like '%%second'",
        (START + timedelta(hours=1),),
    )
    abandoned = "select abandon_inactive_sessions(as_of := %s) as n"
    assert one(growth, abandoned, (START + timedelta(minutes=119),))["n"] == 0
    assert one(growth, abandoned, (START + timedelta(hours=2),))["n"] == 1
    assert one(growth, abandoned, (START + timedelta(days=9),))["n"] == 1
    assert one(growth, abandoned, (START + timedelta(days=9),))["n"] == 0
    found = growth.execute("select abandoned_at, status::text from onboarding.sessions order by 1").fetchall()
    assert found == [{"abandoned_at": START + timedelta(hours=hours), "status": "abandoned"} for hours in (2, 3)]
    # Who goes on takes the session up again.
    growth.execute("update onboarding.sessions set signup_completed_at = now() where session_token like '%first'")
    back = one(growth, f"{STATE}, abandoned_at from onboarding.sessions where session_token like '%first'")
    assert back == {"step": "business_info", "progress": 17, "status": "in_progress", "abandoned_at": None}


def test_two_that_abandon_at_once_take_different_sessions(growth: Connection) -> None:
    for number in range(10):
        begun(growth, f"sess_of_number_{number}")
    with growth.transaction():
        assert one(growth, "select abandon_inactive_sessions(batch := 4) as n")["n"] == 4
        with psycopg.connect(growth.info.dsn, autocommit=True) as other:
            assert other.execute("select abandon_inactive_sessions()").fetchone() == (6,)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("progress_percentage = 101, session_token = 'short'", "sessions_token_has_not_12_to_200_characters"),
        ("metadata = '[]'", "sessions_metadata_is_no_json_object_of_at_most_16000_bytes"),
    ],
)
def test_what_is_wrong_is_refused_by_name(shared: Connection, change: str, constraint: str) -> None:
    with shared.transaction(force_rollback=True):
        begun(shared)
        with pytest.raises(psycopg.errors.CheckViolation) as refused:
            shared.execute(f"update onboarding.sessions set {change}".encode())
        assert refused.value.diag.constraint_name == constraint
