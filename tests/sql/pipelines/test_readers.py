"""Our Postgres for those who read it: what each table and column is, and which rows clearlift_reader sees."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.rows import dict_row

from assets.apps.pipelines import MIGRATIONS
from assets.apps.pipelines_personal import PIPELINES
from resources.postgres import Connection, Postgres
from tests.databases import database, template_of
from tests.filled import fill_postgres

# Logins are the server's, which all processes of the tests share.
ONE, ALL, NONE = LOGINS = tuple(f"reads_{what}_{os.getpid()}" for what in ("one", "all", "none"))
UNCOMMENTED = """
select n.nspname as name from pg_namespace n
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'public')
    and obj_description(n.oid, 'pg_namespace') is null
union all
select format('%s.%s', c.relnamespace::regnamespace, c.relname) from pg_class c
where c.relkind in ('r', 'v', 'm', 'p') and c.relnamespace::regnamespace::text !~ '^(pg_|information_schema$|lake$)'
    and obj_description(c.oid, 'pg_class') is null
union all
select format('%s.%s.%s', c.relnamespace::regnamespace, c.relname, a.attname)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'v', 'm', 'p') and c.relnamespace::regnamespace::text !~ '^(pg_|information_schema$|lake$)'
    and col_description(c.oid, a.attnum) is null
"""
READ = """
select format('%s.%s', c.relnamespace::regnamespace, c.relname) as name, c.relkind::text as kind,
    c.relrowsecurity as secured, coalesce('security_invoker=true' = any(c.reloptions), false) as as_asking,
    exists (
        select from pg_policy p
        where p.polrelid = c.oid and 'clearlift_reader'::regrole = any(p.polroles) and p.polcmd = 'r'
    ) as has_policy,
    exists (select from pg_policy p where p.polrelid = c.oid and 0 = any(p.polroles)) as open_to_all,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id') as by_id,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_tag') as by_tag,
    exists (
        select from unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as right_to
        where has_table_privilege('clearlift_reader', c.oid, right_to)
    ) as writes
from pg_class c
where c.relkind in ('r', 'v', 'm', 'p', 'f') and has_table_privilege('clearlift_reader', c.oid, 'select')
    and c.relnamespace::regnamespace::text !~ '^(pg_|information_schema$)'
order by 1
"""


@pytest.fixture
def dsn(postgres_server: str) -> Iterator[str]:
    with database(postgres_server, template_of(postgres_server, MIGRATIONS)) as made:
        yield made


@pytest.fixture
def ours(dsn: str) -> Iterator[Postgres]:
    with Postgres(dsn) as postgres:
        yield postgres


def test_every_schema_table_and_column_has_a_comment_and_one_without_is_found(ours: Postgres) -> None:
    assert ours.fetch(UNCOMMENTED) == []
    ours.execute("create schema later; create table ads.later (app text); comment on table ads.later is 'Later'")
    assert [row["name"] for row in ours.fetch(UNCOMMENTED)] == ["later", "ads.later.app"]


def at_fault(connection: Connection) -> list[str]:
    """What the role reads and is not held to its organisations, or says something of a person."""
    personal = {entry.name for entry in PIPELINES if entry.store == "postgres" and entry.personal}
    found = []
    for row in connection.execute(READ.encode()).fetchall():
        if row["name"].startswith("analysts."):
            continue
        held = row["as_asking"] if row["kind"] == "v" else row["secured"] and row["has_policy"]
        if not held or row["open_to_all"]:
            found.append(f"{row['name']} is not held to organisations")
        if row["writes"]:
            found.append(f"{row['name']} can be written")
        if row["name"] in personal:
            found.append(f"{row['name']} says something of a person")
    return found


CARELESS = {
    "create table ads.more (app text); grant select on ads.more to clearlift_reader": "ads.more is not held",
    "create view ads.more as select * from ads.campaigns; grant select on ads.more to clearlift_reader": "is not held",
    "create policy more on ads.campaigns for select using (true)": "ads.campaigns is not held",
    "drop policy of_reader on rollups.daily": "rollups.daily is not held",
    "grant insert on ads.campaigns to clearlift_reader": "ads.campaigns can be written",
    "grant select on sessions.daily to clearlift_reader": "sessions.daily says something of a person",
}


def test_the_role_reads_what_is_held_to_organisations_and_names_nobody(ours: Postgres) -> None:
    with ours.connection() as connection:
        assert at_fault(connection) == []
        assert len(connection.execute(READ.encode()).fetchall()) >= 45
        for careless, why in CARELESS.items():
            with connection.transaction(force_rollback=True):
                connection.execute(careless.encode())
                assert why in " ".join(at_fault(connection)), careless


@pytest.fixture
def two_organisations(ours: Postgres, dsn: str) -> Iterator[str]:
    """A row in each table, of an organisation; the same of another one and of another app; three logins."""
    assert fill_postgres(ours) == set()
    ours.execute("truncate attribution.organizations, analysts.readers")
    for row in ours.fetch(READ):
        if row["kind"] == "r" and (row["by_id"] or row["by_tag"]):
            _as_others(ours, row["name"])
    ours.execute(
        "insert into attribution.organizations (app, org_tag, org_id, conversion_types, window_days, types_change,"
        " people_tag) select app, org, org, '{}', 30, 0, org from (values ('clearlift', 'x'), ('clearlift', 'y'),"
        " ('other', 'x')) as known (app, org)"
    )
    with psycopg.connect(dsn, autocommit=True) as admin:
        for login in LOGINS:
            admin.execute(f"create role {login} login in role clearlift_reader".encode())
        admin.execute(
            f"insert into analysts.readers values ('{ONE}', 'clearlift', 'x'), ('{ALL}', 'clearlift', '*')".encode()
        )
        yield dsn
        for login in LOGINS:
            admin.execute(f"drop role {login}".encode())


def _as_others(postgres: Postgres, table: str) -> None:
    columns = [
        row["name"]
        for row in postgres.fetch(
            "select attname::text as name from pg_attribute where attrelid = %s::regclass and attnum > 0"
            " and not attisdropped and attidentity = ''",
            (table,),
        )
    ]
    for app, org in (("clearlift", "y"), ("other", "x")):
        said = {"app": f"'{app}'", "org_id": f"'{org}'", "org_tag": f"'{org}'"}
        values = ", ".join(said.get(name, f't."{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        with postgres.connection() as connection:
            connection.execute("set local session_replication_role = replica")
            connection.execute(
                f"insert into {table} ({names}) select {values} from {table} t where app = 'clearlift' limit 1"
                " on conflict do nothing"
            )


def seen_by(dsn: str, login: str, relation: str, *before: str) -> set[tuple[Any, ...]]:
    """The apps and organisations of the rows of a relation."""
    parts = urlsplit(dsn)
    place = urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}"))
    with psycopg.connect(place, row_factory=dict_row) as connection:
        for statement in before:
            connection.execute(statement.encode())
        rows = connection.execute(f"select * from {relation}".encode()).fetchall()
    return {(row.get("app"), row.get("org_id", row.get("org_tag"))) for row in rows}


def test_a_login_sees_the_organisations_that_it_was_given(two_organisations: str, ours: Postgres) -> None:
    checked = 0
    for row in ours.fetch(READ):
        name, of_one = row["name"], row["by_id"] or row["by_tag"]
        if name.startswith("analysts."):
            continue
        everything = {
            (found.get("app"), found.get("org_id", found.get("org_tag")))
            for found in ours.fetch(f"select * from {name}")
        }
        of_app = {key for key in everything if key[0] in ("clearlift", None)}
        assert seen_by(two_organisations, ALL, name) == of_app, name
        if of_one:
            own = {key for key in everything if key == ("clearlift", "x")}
            assert seen_by(two_organisations, ONE, name) == own, name
            checked += len(everything) == 3 and len(own) == 1
        if name != "attribution.models":
            assert seen_by(two_organisations, NONE, name) == set(), name
    assert checked >= 30, "tables with rows of all three"
    assert seen_by(two_organisations, ONE, "experiments.looks") == set()
    assert seen_by(two_organisations, ONE, "attribution.exchange_rates") == {("clearlift", None)}


def test_a_login_cannot_pass_for_another(two_organisations: str) -> None:
    for trick in (
        "set role clearlift_reader",
        'set request.jwt.claims = \'{"org_id": "y"}\'',
        "set row_security = on",
    ):
        assert seen_by(two_organisations, ONE, "rollups.daily_totals", trick) == {("clearlift", "x")}
    for refused in (
        f"set session authorization {ALL}",
        "select * from analysts.readers",
        f"insert into analysts.readers values ('{ONE}', 'clearlift', 'y')",
        "select * from sessions.daily",
        "select * from attribution.touches",
        "select * from health.findings",
        "select * from audit.entries",
        "select * from lake.iceberg_tables",
        "create table ads.mine (a int)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            seen_by(two_organisations, ONE, "rollups.daily_totals", refused)
