"""The audit trail: who changed what people edit, and when, without the values of people."""

from typing import Any

import psycopg
import pytest

from resources.postgres import Connection
from tests.sql.growth.database import CLAIMS, VARIANTS, A, asking, capture, one

EXPERIMENT = (
    "insert into experiments.experiments (key, name, variants, primary_metric) values ('k', 'Secret name', %s, 'm')"
)


def trail(connection: Connection) -> list[dict[str, Any]]:
    return connection.execute(
        "select made_by, user_id::text as user_id, table_name, operation, columns, new_values"
        " from pipelines.audit_log order by id"
    ).fetchall()


def test_a_change_says_who_made_it_and_which_columns_it_changed(growth: Connection) -> None:
    with asking(growth, "anon", keep=True):
        capture(growth, "ada@example.com", name="Ada", consent=True)
    assert trail(growth) == [], "a lead says itself when it came"
    with asking(growth, "admin", keep=True):
        growth.execute("update marketing.leads set status = 'contacted', name = 'Countess'")
        growth.execute("update marketing.leads set consent = false")
        growth.execute("update marketing.leads set status = 'contacted'")
    growth.execute("delete from marketing.leads")
    admin = CLAIMS["admin"]["sub"]
    of_lead = {"table_name": "marketing.leads"}
    by_admin = {**of_lead, "made_by": "authenticated", "user_id": admin, "operation": "update"}
    owner = one(growth, "select session_user::text as name")["name"]
    assert trail(growth) == [
        {**by_admin, "columns": ["name", "status"], "new_values": {"status": "contacted"}},
        {**by_admin, "columns": ["consent"], "new_values": {"consent": False}},
        # Nothing changed with the third.
        {**of_lead, "made_by": owner, "user_id": None, "operation": "delete", "columns": [], "new_values": {}},
    ]


def test_a_second_capture_is_a_change_by_nobody(growth: Connection) -> None:
    for _ in range(2):
        with asking(growth, "anon", keep=True):
            capture(growth, "ada@example.com")
    (change,) = trail(growth)
    assert (change["made_by"], change["user_id"]) == ("anon", None)
    assert "capture_count" in change["columns"]


def test_a_claim_counts_for_a_request_of_a_signed_in_user_alone(growth: Connection) -> None:
    growth.execute("select set_config('request.jwt.claims', %s, false)", (f'{{"sub": "{A}"}}',))
    growth.execute(EXPERIMENT, (VARIANTS,))
    (change,) = trail(growth)
    assert (change["operation"], change["user_id"]) == ("insert", None)
    assert change["new_values"] == {"status": "draft"}


def test_what_people_edit_is_logged_and_what_is_counted_is_not(growth: Connection) -> None:
    growth.execute(EXPERIMENT, (VARIANTS,))
    capture(growth, "ada@example.com")
    growth.execute("insert into marketing.lead_interactions (lead_id, kind) select id, 'note' from marketing.leads")
    growth.execute(
        "insert into whatsapp.accounts (waba_id, phone_number_id) values ('1', '2');"
        "insert into whatsapp.templates (account_id, name, language, category, components)"
        " select id, 'hello', 'en', 'utility', '[]' from whatsapp.accounts;"
        "insert into onboarding.sessions (session_token) values ('token-number-1');"
        "update onboarding.sessions set signup_completed_at = now();"
        "insert into analytics.events (type, name) values ('form', 'x')"
    )
    assert {(row["table_name"], row["operation"]) for row in trail(growth)} == {
        ("experiments.experiments", "insert"),
        ("marketing.lead_interactions", "insert"),
        ("onboarding.sessions", "update"),
        ("whatsapp.accounts", "insert"),
        ("whatsapp.templates", "insert"),
    }


def test_no_value_of_a_person_is_in_the_trail_and_an_erasure_is(growth: Connection) -> None:
    capture(growth, "ada@example.com", name="Ada Lovelace", phone="+493012345")
    growth.execute("update marketing.leads set name = 'Ada King', phone = '+493054321'")
    growth.execute("select * from gdpr_delete_user_data(email := 'ada@example.com')")
    shown = str(growth.execute("select * from pipelines.audit_log").fetchall())
    assert all(value not in shown for value in ("ada@", "Ada", "+4930"))
    assert trail(growth)[-1]["operation"] == "delete"


@pytest.mark.parametrize("who", ["anon", "a", "admin", "service"])
def test_nobody_who_asks_changes_the_trail(growth: Connection, who: str) -> None:
    growth.execute(EXPERIMENT, (VARIANTS,))
    for statement in ("delete from pipelines.audit_log", "update pipelines.audit_log set made_by = 'x'"):
        with asking(growth, who), pytest.raises(psycopg.errors.InsufficientPrivilege):
            growth.execute(statement.encode())
    if who == "service":
        with asking(growth, who):
            assert len(trail(growth)) == 1
