"""Erasure by the database's own function: it does what the registry says, in batches, and nothing to anybody else."""

from typing import Any

import psycopg
import pytest

from assets.apps.growth import APP
from resources.postgres import Connection
from tests.sql.growth.database import VARIANTS, A, B, capture, one

ERASE = "select relation, deleted from gdpr_delete_user_data(%s, %s, %s)"
PEOPLE = {A: "ada@example.com", B: "bob@example.com"}


def fill(connection: Connection) -> None:
    """Two people, each with a row in every table that holds people, and with what only a session leads to."""
    connection.execute(
        "insert into experiments.experiments (id, key, name, variants, primary_metric) values (%s, 'k', 'k', %s, 'm')",
        (A, VARIANTS),
    )
    for number, (person, email) in enumerate(PEOPLE.items()):
        capture(connection, email)
        lead = one(connection, "select id from marketing.leads where email_key = %s", (email,))["id"]
        session, visit = f"sess_of_person_{number}", f"visit-{number}"
        connection.execute("insert into marketing.lead_interactions (lead_id, kind) values (%s, 'call')", (lead,))
        connection.execute(
            "insert into onboarding.sessions (id, session_token, user_id, lead_id) values (%s, %s, %s, %s)",
            (person, session, person, lead),
        )
        connection.execute(
            "insert into onboarding.step_activities (session_id, step, kind) values (%s, 'signup', 'error')", (person,)
        )
        # Seven before they signed in, three with their id, one with their lead's, and one of nobody.
        connection.execute(
            "insert into analytics.events (type, name, session_id, user_id, lead_id)"
            " select 'page_view', 'x', case when n < 12 then %s else 'elsewhere' end,"
            " case when n between 8 and 10 then %s::uuid end, case when n = 11 then %s::uuid end"
            " from generate_series(1, 12) as n",
            (visit, person, lead),
        )
        connection.execute(
            "insert into experiments.assignments (experiment_id, user_id, session_id, variant, bucket)"
            " values (%s, %s, %s, 'control', 1), (%s, null, %s, 'other', 2)",
            (A, person, visit, A, visit),
        )
        connection.execute(
            "insert into whatsapp.accounts (id, user_id, lead_id, waba_id, phone_number_id)"
            " values (%s, %s, %s, '1', %s)",
            (person, person, lead, str(number)),
        )
        connection.execute(
            "insert into whatsapp.templates (account_id, name, category) values (%s, 'x', 'utility')", (person,)
        )


def counted(connection: Connection) -> dict[str, int]:
    tables = [e.name for e in APP.holdings if e.store == "app_postgres" and e.name != "pipelines.migrations"]
    return {name: one(connection, f"select count(*) as n from {name}")["n"] for name in tables}


def erased(connection: Connection, user: str | None, email: str | None, batch: int = 5000) -> tuple[int, int]:
    """Call it until nothing goes; the number of rows and of calls."""
    rows = calls = 0
    while True:
        gone = sum(row["deleted"] for row in connection.execute(ERASE, (user, email, batch)).fetchall())
        if not gone:
            return rows, calls
        rows, calls = rows + gone, calls + 1


@pytest.mark.parametrize("batch", [1, 4, 5000])
@pytest.mark.parametrize(("user", "email"), [(A, None), (None, " Ada+x@Example.com"), (A, "ada@example.com")])
def test_all_of_a_person_goes_and_nothing_of_another(
    growth: Connection, user: str | None, email: str | None, batch: int
) -> None:
    fill(growth)
    before = counted(growth)
    growth.execute(
        "update analytics.events set user_id = %s where session_id = 'visit-0' and id in (select id from"
        " analytics.events where session_id = 'visit-0' and user_id is null and lead_id is null limit 1)",
        (B,),
    )
    rows, calls = erased(growth, user, email, batch)
    if user is None:
        # An address leads to the lead, and to what names it: not to what names the user alone.
        erased(growth, A, None, batch)
    assert calls >= rows // (batch + 5)
    after = counted(growth)
    for entry in APP.holdings:
        if entry.store == "app_postgres" and entry.erasure == "delete":
            # Somebody else's event in the same session is theirs, and what is of nobody stays.
            kept = before[entry.name] // 2 + (2 if entry.name == "analytics.events" else 0)
            assert after[entry.name] == kept, entry.name
    # The trail says of each row that went that it did.
    untouched = {e.name for e in APP.holdings if e.store == "app_postgres" and e.erasure in (None, "keep")}
    for name in untouched & after.keys() - {"pipelines.pending_events", "pipelines.audit_log"}:
        assert after[name] == before[name], name
    assert after["pipelines.pending_events"] == after["analytics.events"]
    assert one(growth, "select count(*) as n from marketing.leads where email_key = 'bob@example.com'")["n"] == 1
    assert erased(growth, user, email) == (0, 0)


def test_nobody_is_erased_without_a_name(growth: Connection) -> None:
    fill(growth)
    before = counted(growth)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="neither user_id nor email"):
        erased(growth, None, None)
    unknown: list[tuple[Any, Any]] = [("c0000000-0000-4000-8000-000000000009", None), (None, "nobody@example.com")]
    for user, email in unknown:
        assert erased(growth, user, email) == (0, 0)
    assert counted(growth) == before
