"""Growth's schema goes up, down to nothing and up again, as a role that is no superuser, on each server there is."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from resources import migrations
from resources.migrations import MigrationError
from resources.postgres import Postgres, embedded
from tests.databases import database
from tests.sql.growth.database import FOLDER, VARIANTS, A, asking, capture, connect, one
from tests.sql.growth.older_server import PROGRAMS, older
from tests.supabase import DEFAULTS

API_ROLES = ("anon", "authenticated", "service_role")
NEWEST = len(migrations.load(FOLDER))
DEVELOPMENT = "&options=-c%20app.environment%3Ddevelopment"
SAMPLED = """
select count(*) as leads,
    (select count(*) from analytics.events) as events, (select count(*) from pipelines.pending_events) as pending,
    (select count(*) from experiments.experiments where status = 'running') as running,
    (select count(*) from experiments.assignments) as assigned, (select count(*) from whatsapp.accounts) as accounts,
    (select string_agg(distinct status::text, ' ') from onboarding.sessions) as journeys
from marketing.leads
"""


def dump(dsn: str) -> str:
    """The schema as pg_dump writes it, without what it draws by chance."""
    done = subprocess.run(
        [str(embedded.binaries() / "pg_dump"), "--schema-only", f"--dbname={dsn}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r"^\\(un)?restrict .*$", "", done.stdout, flags=re.MULTILINE)


@contextmanager
def owned(server: str) -> Iterator[str]:
    """An empty database whose owner is no superuser, by the owner's DSN."""
    owner = f"growth_owner_{os.getpid()}"
    with database(server) as dsn:
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute(f"create role {owner} login createrole".encode())
            name = urlsplit(dsn).path.removeprefix("/")
            admin.execute(f"alter database {name} owner to {owner}".encode())
            # Roles that are there were made by somebody else, as in a project of Supabase; it opens `public` to them.
            given = all(
                admin.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() for role in API_ROLES
            )
            if given:
                admin.execute(f"grant {', '.join(API_ROLES)} to {owner}".encode())
        own = urlunsplit(urlsplit(dsn)._replace(netloc=f"{owner}@"))
        try:
            if given:
                with connect(own) as connection:
                    connection.execute(DEFAULTS.encode())
            yield own
        finally:
            with psycopg.connect(dsn, autocommit=True) as admin:
                admin.execute(f"drop owned by {owner} cascade; drop schema if exists pipelines, auth cascade".encode())
                admin.execute(f"reassign owned by {owner} to postgres; drop role {owner}".encode())


@pytest.fixture(scope="module", params=["embedded", "15"])
def server(request: pytest.FixtureRequest, postgres_server: str) -> Iterator[str]:
    """The DSN of a superuser of the embedded server, and of the oldest one that the schema is for."""
    if request.param == "embedded":
        yield postgres_server
        return
    if not PROGRAMS.exists():
        pytest.skip(f"there is no PostgreSQL in {PROGRAMS}")
    with tempfile.TemporaryDirectory(prefix="clearlift-older-") as folder:
        Path(folder).chmod(0o755)
        with older(Path(folder, "pg")) as dsn:
            yield dsn


def test_each_step_up_and_down_leads_to_the_same_schema(server: str) -> None:
    with owned(server) as dsn, Postgres(dsn) as postgres:
        applied = migrations.PostgresAppliedMigrations(postgres)
        assert one_row(postgres, "select rolsuper from pg_roles where rolname = current_user") == {"rolsuper": False}
        dumps = []
        for number in range(1, NEWEST + 1):
            migrations.up(applied, FOLDER, to=number)
            dumps.append(dump(dsn))
        assert len(set(dumps)) == NEWEST
        for number in range(NEWEST - 1, 0, -1):
            migrations.down(applied, FOLDER)
            assert dump(dsn) == dumps[number - 1], f"after the way down to {number:03}"
        migrations.down(applied, FOLDER)
        # What stays: the ledger of migrations, and what a server of Supabase has from its start.
        assert set(re.findall(r"^CREATE (\w+ \S+)", dump(dsn), re.MULTILINE)) == {
            "SCHEMA auth;", "FUNCTION auth.uid()", "SCHEMA pipelines;", "TABLE pipelines.migrations"
        }  # fmt: skip
        migrations.up(applied, FOLDER)
        assert dump(dsn) == dumps[-1]
        works(dsn)


def works(dsn: str) -> None:
    """Each function is called once, on this server and as this owner."""
    with connect(dsn) as connection:
        # Only a login that was granted a role may work as it; who made the role may grant it.
        with suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute("grant anon, authenticated, service_role to current_user")
        for email in ("ada@example.com", "Ada+x@Example.com"):
            with asking(connection, "anon", keep=True):
                capture(connection, email, company_name="Lamps Ltd.")
        lead = one(connection, "select capture_count, company_key from marketing.leads")
        assert lead == {"capture_count": 2, "company_key": "lamps"}
        with asking(connection, "a"):
            assert one(connection, "select email from marketing.leads")["email"] == "ada@example.com"
        connection.execute(
            "insert into experiments.experiments (key, name, status, variants, primary_metric, started_at)"
            " values ('k', 'k', 'running', %s, 'm', now())",
            (VARIANTS,),
        )
        assert one(connection, "select experiment_key from auto_assign_experiments(%s, 's', 'US')", (A,))
        connection.execute("insert into analytics.events (type, name, user_id) values ('form', 'x', %s)", (A,))
        assert one(connection, "select * from process_pending_events()") == {"events": 1, "windows": 3}
        assert one(connection, "select abandon_inactive_sessions() as n")["n"] == 0
        assert {row["deleted"] for row in connection.execute("select * from cleanup_old_data()")} == {0}
        gone = connection.execute("select * from gdpr_delete_user_data(%s, 'ada@example.com')", (A,)).fetchall()
        assert sum(row["deleted"] for row in gone) == 3
        assert one(connection, "select count(*) as n from index_usage_stats")["n"] > 50
        # Nothing of `public` is open to requests, though a project opens what is made there.
        for closed in ("* from index_usage_stats", "cleanup_old_data()", "gdpr_delete_user_data(email := 'x')"):
            with asking(connection, "anon"), pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select {closed}".encode())


def test_a_development_database_has_the_sample_and_gets_the_same_one_again(postgres_dsn: str) -> None:
    with Postgres(postgres_dsn + DEVELOPMENT) as postgres:
        applied = migrations.PostgresAppliedMigrations(postgres)
        migrations.up(applied, FOLDER)
        assert one_row(postgres, SAMPLED) == {
            "leads": 6, "events": 2500, "pending": 2500, "running": 2, "assigned": 679, "accounts": 2,
            "journeys": "abandoned completed in_progress",
        }  # fmt: skip
        steps = (
            "select current_step::text || ' ' || status as step from onboarding.sessions where status <> 'completed'"
        )
        assert {row["step"] for row in postgres.fetch(steps)} == {
            "bot_setup in_progress", "business_info in_progress", "whatsapp_setup abandoned", "signup abandoned"
        }  # fmt: skip
        before = rows(postgres)
        assert migrations.down(applied, FOLDER, to=4) == [
            "009_privacy_requests",
            "008_rate_limits_without_log",
            "007_sealing",
            "006_audit_trail",
            "005_seed_data",
        ]
        assert one_row(postgres, "select count(*) as n from marketing.leads") == {"n": 0}
        migrations.up(applied, FOLDER)
        assert rows(postgres) == before
        # Down to nothing and up again would bring all of it back too, and is not refused; a changed row would be lost.
        assert applied.losses(migrations.going_down(applied, FOLDER, to=0)) == []
        postgres.execute("update marketing.leads set status = 'contacted' where status = 'new'")
        with pytest.raises(MigrationError, match=r"would lose values of marketing\.leads\.name_encrypted"):
            migrations.down(applied, FOLDER, to=4)


def test_elsewhere_the_sample_is_refused_and_migrating_goes_on(postgres: Postgres) -> None:
    applied = migrations.PostgresAppliedMigrations(postgres)
    assert "005_seed_data" in migrations.up(applied, FOLDER)
    assert one_row(postgres, SAMPLED) == {
        "leads": 0, "events": 0, "pending": 0, "running": 0, "assigned": 0, "accounts": 0, "journeys": None
    }  # fmt: skip
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="sample data is for development only"):
        postgres.execute("select pipelines.fill_sample(now())")


def one_row(postgres: Postgres, sql: str) -> dict[str, object]:
    (row,) = postgres.fetch(sql)
    return row


def rows(postgres: Postgres) -> list[str]:
    """Every row of the app's tables, and of ours in its database, as JSON."""
    tables = postgres.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname !~ '^pg_' and schemaname <> 'information_schema'"
        " and (schemaname, tablename) <> ('pipelines', 'migrations') order by 1"
    )
    return [
        table["name"] + json.dumps(row, default=str)
        for table in tables
        for row in postgres.fetch(f"select to_jsonb(t) as row from {table['name']} t order by to_jsonb(t)::text")
    ]
