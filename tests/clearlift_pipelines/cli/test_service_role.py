"""A Supabase project: its login migrates, `service_role` works, the other roles see what they are granted."""

import psycopg
import pytest

from assets.audit.entry import Entry
from assets.audit.note import note
from tests.clearlift_pipelines.cli.terminal import Terminal

RELATIONS = """
select n.nspname as schema, c.relname as name, c.relkind::text as kind, c.relrowsecurity as secured,
    coalesce('security_invoker=true' = any(c.reloptions), false) as as_asking,
    array(
        select r || ' ' || p from unnest(array['anon', 'authenticated']) r,
            unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
        where has_schema_privilege(r, n.oid, 'usage') and has_table_privilege(r, c.oid, p)
    ) as granted,
    has_schema_privilege('service_role', n.oid, 'usage') and (
        select bool_and(has_table_privilege('service_role', c.oid, p))
        from unnest(array['select', 'insert', 'update', 'delete', 'truncate']) p
    ) as workable
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname not in ('pg_catalog', 'information_schema', 'public') and n.nspname not like 'pg\\_%'
    and c.relkind in ('r', 'p', 'v', 'm', 'f')
"""
RESTATEMENTS = """
insert into ads.restatements (app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency)
select 'clearlift', 'o1', 'google', '1', n::text, '2023-02-01', '2023-02-02', gen_random_uuid(), 'USD'
from generate_series(1, 6) as n
"""


def test_the_login_owns_what_the_role_works_with_and_others_see_what_row_security_grants(
    on_supabase: Terminal, supabase_dsn: str
) -> None:
    on_supabase.good("migrate", "up")
    assert "bad" not in on_supabase.good("doctor")
    with psycopg.connect(supabase_dsn, row_factory=psycopg.rows.dict_row) as login:
        for later in ("create table rollups.later (a int)", "create table lake.later (a int)"):
            login.execute(later.encode())
        found = {f"{row['schema']}.{row['name']}": row for row in login.execute(RELATIONS.encode())}
        assert login.execute("select rolsuper from pg_roles where rolname = current_user").fetchall() == [
            {"rolsuper": False}
        ]
    assert len({row["schema"] for row in found.values()}) >= 11
    assert {"lake.iceberg_tables", "rollups.later", "lake.later"} <= found.keys()
    for name, row in found.items():
        if name == "pipelines.migrations":
            assert (row["workable"], row["granted"]) == (False, [])
        elif row["kind"] in ("r", "p"):
            assert row["workable"] == (row["schema"] != "audit"), name
        if row["granted"]:
            assert row["schema"] in ("ads", "attribution"), name
            assert row["granted"] == ["authenticated select"], name
            assert row["as_asking"] if row["kind"] == "v" else row["secured"], name


def test_the_role_archives_deletes_and_restores(on_supabase: Terminal) -> None:
    on_supabase.good("migrate", "up")
    postgres = on_supabase.stores.postgres
    assert postgres.fetch("select current_user::text as name") == [{"name": "service_role"}]
    postgres.execute(RESTATEMENTS)
    on_supabase.good("archive", "run", "clearlift", "ads.restatements", "2023Q1")
    said = on_supabase.good("retention", "run", "--app", "clearlift", "--table", "ads.restatements", "--confirm")
    assert "6 rows deleted" in said
    # Twice, because the table beside the live one is there already the second time.
    for added in (6, 0):
        said = on_supabase.good("archive", "restore", "clearlift", "ads.restatements", "2023Q1")
        assert f"{added} rows added" in said
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        postgres.execute("create schema more")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        postgres.execute("delete from pipelines.migrations")


def test_the_role_appends_to_the_audit_trail_and_changes_nothing_of_it(on_supabase: Terminal) -> None:
    on_supabase.good("migrate", "up")
    postgres = on_supabase.stores.postgres
    note(on_supabase.stores, Entry("clearlift", "a test", "read", "d1", "users"))
    for statement in (
        "insert into audit.entries select * from audit.entries",
        "update audit.entries set rows = 0",
        "delete from audit.entries",
        "truncate audit.entries",
        "alter table audit.entries disable trigger append_only",
        "delete from audit.followed",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            postgres.execute(statement)
    assert postgres.fetch("select seq, work from audit.entries") == [{"seq": 1, "work": "a test"}]
