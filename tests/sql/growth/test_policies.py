"""Row-level security: each kind of asker, each verb, each table; and nothing by a claim that a role does not verify."""

import itertools
from typing import Any

import psycopg
import pytest

from resources.postgres import Connection
from tests.sql.growth.database import CLAIMS, VARIANTS, A, B, asking, one

TOKEN, TOKEN_OF_A, TOKEN_OF_B = "sess_of_nobody_yet", "sess_of_ada_here", "sess_of_bob_here"
WHO = ("anon", "a", "b", "admin", "service")
VERBS = ("select", "insert", "update", "delete")
# What each sees, adds, changes and deletes: nothing (-), its own, all. An insert is of a row of their own.
MATRIX = """
marketing.leads              -/own/-/-      own/own/-/-      own/own/-/-      all/all/all/all  all/all/all/all
marketing.lead_interactions  -/-/-/-        -/-/-/-          -/-/-/-          all/all/all/all  all/all/all/all
onboarding.sessions          own/own/own/-  own/own/own/-    own/own/own/-    all/all/all/all  all/all/all/all
onboarding.step_activities   own/own/-/-    own/own/-/-      own/own/-/-      all/all/all/all  all/all/all/all
analytics.events             -/-/-/-        -/-/-/-          -/-/-/-          all/-/-/-        all/all/all/all
analytics.metrics            -/-/-/-        -/-/-/-          -/-/-/-          all/-/-/-        all/all/all/all
analytics.event_aggregations -/-/-/-        -/-/-/-          -/-/-/-          all/-/-/-        all/all/all/all
experiments.experiments      -/-/-/-        -/-/-/-          -/-/-/-          all/all/all/all  all/all/all/all
experiments.assignments      -/-/-/-        own/-/-/-        own/-/-/-        all/-/-/-        all/all/all/all
whatsapp.accounts            -/-/-/-        own/own/own/-    own/own/own/-    all/all/all/all  all/all/all/all
whatsapp.templates           -/-/-/-        own/own/own/own  own/own/own/own  all/all/all/all  all/all/all/all
"""
CELLS = [
    (table, who, verb, allowed)
    for table, *cells in (line.split() for line in MATRIX.strip().splitlines())
    for who, cell in zip(WHO, cells, strict=True)
    for verb, allowed in zip(VERBS, cell.split("/"), strict=True)
]
# Who has one row each.
OWNERS = {"a": A, "b": B}
ROWS = {"marketing.leads": 2, "onboarding.sessions": 3, "onboarding.step_activities": 3}
# A column that everybody who may change the table may set.
SET = {
    "marketing.leads": "name = 'x'",
    "marketing.lead_interactions": "notes = 'x'",
    "onboarding.sessions": "metadata = '{\"x\": 1}'",
    "onboarding.step_activities": "error = 'x'",
    "analytics.events": "page = '/'",
    "analytics.metrics": "value = 1",
    "analytics.event_aggregations": "events = 1",
    "experiments.experiments": "name = 'x'",
    "experiments.assignments": "country = 'US'",
    "whatsapp.accounts": "business_name = 'x'",
    "whatsapp.templates": "language = 'de'",
}


def inserted(connection: Connection, table: str, who: str, whose: str) -> None:
    """Insert a row that is the asker's own, as far as a table has owners. `whose` names the owner's letter."""
    person = OWNERS.get(whose)
    rows: dict[str, tuple[str, Any]] = {
        "marketing.leads": ("(email) values (%s)", [f"new-{who}@example.com"]),
        "marketing.lead_interactions": ("(lead_id, kind) values (%s, 'call')", [ids(whose)[0]]),
        "onboarding.sessions": ("(session_token) values (%s)", [TOKEN + "_2"]),
        "onboarding.step_activities": ("(session_id, step, kind) values (%s, 'signup', 'error')", [ids(whose)[1]]),
        "analytics.events": ("(type, name) values ('system', 'x')", []),
        "analytics.metrics": ("(metric, day, value) values ('new', '2026-01-01', 1)", []),
        "analytics.event_aggregations": (
            "(period, window_start, type, name) values ('hour', '2026-01-01Z', 'system', 'x')",
            [],
        ),
        "experiments.experiments": ("(key, name, variants, primary_metric) values ('n', 'n', %s, 'm')", [VARIANTS]),
        "experiments.assignments": (
            "(experiment_id, session_id, variant, bucket) values (%s, 'new', 'control', 1)",
            [ids("a")[3]],
        ),
        "whatsapp.accounts": ("(user_id, waba_id, phone_number_id) values (%s, '1', '99')", [person]),
        "whatsapp.templates": (
            "(account_id, name, category) values (%s, 'new', 'utility')",
            [ids(whose)[2]],
        ),
    }
    columns, values = rows[table]
    connection.execute(f"insert into {table} {columns}".encode(), values)


def ids(whose: str) -> list[str]:
    """Ids of lead, onboarding session, account and experiment of an owner; of nobody the session without a user."""
    letter = {"a": "a", "b": "b"}.get(whose, "0")
    return [f"{letter}0000000-0000-4000-8000-0000000000{n}0" for n in (1, 2, 3)] + [
        "e0000000-0000-4000-8000-000000000001"
    ]


@pytest.fixture(scope="module")
def owned(shared: Connection) -> Connection:
    """A row of each table that belongs to A and one to B; of onboarding one of nobody too, whom its token opens it."""
    experiment = ids("a")[3]
    shared.execute(
        "insert into experiments.experiments (id, key, name, variants, primary_metric) values (%s, 'k', 'k', %s, 'm'),"
        " (gen_random_uuid(), 'l', 'l', %s, 'm')",
        (experiment, VARIANTS, VARIANTS),
    )
    shared.execute("insert into onboarding.sessions (id, session_token) values (%s, %s)", (ids("nobody")[1], TOKEN))
    for whose, email, token in (("a", "ada@example.com", TOKEN_OF_A), ("b", "bob+x@example.com", TOKEN_OF_B)):
        lead, session, account, _ = ids(whose)
        person = OWNERS[whose]
        shared.execute("insert into marketing.leads (id, email) values (%s, %s)", (lead, email))
        shared.execute("insert into marketing.lead_interactions (lead_id, kind) values (%s, 'note')", (lead,))
        shared.execute(
            "insert into onboarding.sessions (id, session_token, user_id) values (%s, %s, %s)", (session, token, person)
        )
        shared.execute("insert into analytics.events (type, name, user_id) values ('system', 'x', %s)", (person,))
        shared.execute("insert into analytics.metrics (metric, day, value) values (%s, '2026-01-01', 0)", (whose,))
        shared.execute(
            "insert into analytics.event_aggregations (period, window_start, type, name)"
            " values ('hour', '2026-01-01Z', 'system', %s)",
            (whose,),
        )
        shared.execute(
            "insert into experiments.assignments (experiment_id, user_id, variant, bucket)"
            " values (%s, %s, 'control', 1)",
            (experiment, person),
        )
        shared.execute(
            "insert into whatsapp.accounts (id, user_id, waba_id, phone_number_id, access_token_ciphertext)"
            " values (%s, %s, '1', %s, 'sealed')",
            (account, person, "1" if whose == "a" else "2"),
        )
        shared.execute(
            "insert into whatsapp.templates (account_id, name, category) values (%s, 'hello', 'utility')", (account,)
        )
    shared.execute(
        "insert into onboarding.step_activities (session_id, step, kind)"
        " select id, 'signup', 'entered' from onboarding.sessions"
    )
    return shared


@pytest.mark.parametrize(("table", "who", "verb", "allowed"), CELLS, ids=lambda part: str(part).replace("/", ""))
def test_each_cell(owned: Connection, table: str, who: str, verb: str, allowed: str) -> None:
    everything = one(owned, f"select count(*) as n from {table}")["n"]
    assert everything == ROWS.get(table, 2)
    whose = who if who in OWNERS else "nobody" if who == "anon" else "a"
    token = TOKEN if who == "anon" else ""
    if verb == "insert":
        token = TOKEN + "_2" if table == "onboarding.sessions" else token
        with asking(owned, who, token=token):
            if allowed == "-":
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    inserted(owned, table, who, whose)
            else:
                inserted(owned, table, who, whose)
        return
    statement = {
        "select": f"select id from {table}"
        if table not in ("analytics.metrics", "analytics.event_aggregations")
        else f"select 1 from {table}",
        "update": f"update {table} set {SET[table]}",
        "delete": f"delete from {table}",
    }[verb]
    with asking(owned, who, token=token):
        try:
            touched = owned.execute(statement.encode()).rowcount
        except psycopg.errors.InsufficientPrivilege:
            touched = 0
    assert touched == {"-": 0, "own": 1, "all": everything}[allowed]


def test_the_matrix_is_whole(shared: Connection) -> None:
    tables = shared.execute(
        "select schemaname || '.' || tablename as name from pg_tables where schemaname"
        " in ('marketing', 'onboarding', 'analytics', 'experiments', 'whatsapp')"
    ).fetchall()
    assert {row["name"] for row in tables} == {table for table, *_ in CELLS} == SET.keys()
    assert len(CELLS) == 5 * 4 * 11


UNPROTECTED = """
select schemaname || '.' || tablename as name
from pg_tables
where
    schemaname in ('marketing', 'onboarding', 'analytics', 'experiments', 'whatsapp', 'pipelines', 'public')
    and (schemaname, tablename) <> ('pipelines', 'migrations')
    and (not rowsecurity or not exists (
        select from pg_policies as policy
        where policy.schemaname = pg_tables.schemaname and policy.tablename = pg_tables.tablename
            and policy.cmd = 'ALL' and policy.roles = '{service_role}'
    ))
order by 1
"""


def test_a_table_without_a_policy_is_found(shared: Connection) -> None:
    assert shared.execute(UNPROTECTED).fetchall() == []
    with shared.transaction(force_rollback=True):
        shared.execute("create table marketing.campaigns (id uuid primary key)")
        shared.execute("create table analytics.pages (id uuid primary key)")
        shared.execute("alter table analytics.pages enable row level security")
        assert [row["name"] for row in shared.execute(UNPROTECTED)] == ["analytics.pages", "marketing.campaigns"]


def test_what_is_ours_is_closed_to_requests(shared: Connection) -> None:
    tables = ["pending_events", "stale_windows", "rate_limits", "settings", "migrations", "audit_log"]
    for who, table in itertools.product(("anon", "a", "admin"), tables):
        with asking(shared, who), pytest.raises(psycopg.errors.InsufficientPrivilege):
            shared.execute(f"select 1 from pipelines.{table}".encode())
    functions = (
        "public.gdpr_delete_user_data(email := 'ada@example.com')",
        "public.cleanup_old_data()",
        "public.abandon_inactive_sessions()",
        "public.process_pending_events()",
        "pipelines.fill_sample(now())",
    )
    for who, function in itertools.product(("anon", "a", "admin"), functions):
        with asking(shared, who), pytest.raises(psycopg.errors.InsufficientPrivilege):
            shared.execute(f"select {function}".encode())
    with asking(shared, "anon"), pytest.raises(psycopg.errors.InsufficientPrivilege):
        shared.execute("select 1 from public.index_usage_stats")


def test_nobody_writes_for_somebody_else(owned: Connection) -> None:
    lead, session, account, _ = ids("b")
    activity = "insert into onboarding.step_activities (session_id, step, kind) values (%s, 'signup', 'error')"
    refused: tuple[tuple[str, str, str, list[str]], ...] = (
        ("a", "", "insert into whatsapp.accounts (user_id, waba_id, phone_number_id) values (%s, '1', '77')", [B]),
        ("a", "", "insert into whatsapp.templates (account_id, name, category) values (%s, 'y', 'utility')", [account]),
        ("a", "", "update whatsapp.accounts set user_id = %s", [B]),
        ("a", "", "update onboarding.sessions set user_id = %s", [B]),
        ("a", TOKEN, "update onboarding.sessions set user_id = %s where user_id is null", [B]),
        ("a", "", activity, [session]),
        ("anon", TOKEN, "insert into onboarding.sessions (session_token) values ('another_token')", []),
        ("anon", TOKEN, "update onboarding.sessions set user_id = %s", [A]),
        ("anon", TOKEN, activity, [session]),
        ("a", "", "insert into marketing.leads (email, status) values ('x@example.com', 'converted')", []),
        ("a", "", "insert into marketing.leads (email, created_at) values ('x@example.com', '2020-01-01')", []),
        ("a", "", "insert into marketing.leads (email, phone_e164) values ('x@example.com', '+12025550143')", []),
        ("anon", "", "insert into marketing.leads (email, status) values ('x@example.com', 'converted')", []),
        ("a", "", "select access_token_ciphertext from whatsapp.accounts", []),
        ("admin", "", "select access_token_ciphertext from whatsapp.accounts", []),
    )  # fmt: skip
    for who, token, statement, params in refused:
        with asking(owned, who, token=token), pytest.raises(psycopg.errors.InsufficientPrivilege):
            owned.execute(statement.encode(), params)
    assert lead


def test_a_claim_that_the_role_does_not_verify_is_worth_nothing(owned: Connection) -> None:
    seen = "select email_key from marketing.leads"
    # A setting beside the claims of a request changes nothing, for anon and for another user.
    for who, expected in (("anon", None), ("b", ["bob@example.com"])):
        with asking(owned, who):
            owned.execute("select set_config('app.user_email', 'ada@example.com', true)")
            if expected is None:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    owned.execute(seen)
            else:
                assert [row["email_key"] for row in owned.execute(seen.encode())] == expected
    # What users may write themselves makes no admin.
    with owned.transaction(force_rollback=True):
        owned.execute(
            'select set_config(\'request.jwt.claims\', \'{"user_metadata": {"role": "admin"}, "role": "admin"}\','
            " true), set_config('role', 'authenticated', true)"
        )
        assert owned.execute(seen.encode()).fetchall() == []


def test_a_login_that_works_as_the_role_may_say_who_it_stands_for(owned: Connection) -> None:
    with owned.transaction(force_rollback=True):
        owned.execute("set local role authenticated")
        owned.execute("select set_config('app.user_email', 'Ada@example.com', true)")
        owned.execute("select set_config('app.session_token', %s, true)", (TOKEN_OF_B,))
        assert [row["email_key"] for row in owned.execute("select * from marketing.leads limit 1")] == [
            "ada@example.com"
        ]
        assert [row["user_id"] for row in owned.execute("select user_id::text from onboarding.sessions")] == [B]


@pytest.mark.parametrize("claims", ["", "{}", '{"sub": ""}', '{"sub": "no uuid"}', '{"email": null}'])
def test_claims_that_say_nothing_show_nothing_and_raise_nothing(owned: Connection, claims: str) -> None:
    with owned.transaction(force_rollback=True):
        owned.execute(
            "select set_config('request.jwt.claims', %s, true), set_config('request.headers', '', true),"
            " set_config('role', 'authenticated', true)",
            (claims,),
        )
        for table in ("marketing.leads", "onboarding.sessions", "analytics.events", "whatsapp.templates"):
            assert owned.execute(f"select 1 from {table}".encode()).fetchall() == []
    assert one(owned, "select auth.uid() as id")["id"] is None
    assert CLAIMS["a"]["sub"] == A
