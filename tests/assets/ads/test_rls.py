"""Row-level security: an organisation's role sees no row of another organisation or app, in any table or view."""

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from assets.ads.plan import SyncMode
from resources import migrations
from resources.postgres import Connection, Postgres
from tests.assets.ads.ad_stores import AdStores

PARENTS_FIRST = ["campaigns", "ad_groups", "sync_runs"]
RUN_OF_OTHER = "gen_random_uuid(), (select id from ads.sync_runs where app = 'other' limit 1), "
CLAIMS = "select set_config('request.jwt.claims', %s, true)"


@pytest.fixture
def two_orgs(tiny: AdStores) -> AdStores:
    """Two organisations that have connected the same accounts, and restatements of both."""
    for org in ("org-a", "org-b"):
        tiny.connect(org=org, only=["google"])
    assert [o.error for o in tiny.sync("google")] == [None] * 2
    tiny.sandbox.clock.advance(timedelta(days=2))
    tiny.sync("google", mode=SyncMode.LOOKBACK)
    tiny.postgres.execute(
        "insert into ads.sync_ranges"
        " select app, connection_id, stream, org_id, platform, account_id, 7, now() from ads.sync_state"
    )
    return tiny


def relations(postgres: Postgres, kinds: str = "rpvmf") -> list[str]:
    rows = postgres.fetch(
        "select relname as name from pg_class where relnamespace = 'ads'::regnamespace"
        " and relkind::text = any(string_to_array(%s, null)) order by array_position(%s, relname::text), relname",
        (kinds, PARENTS_FIRST),
    )
    return [row["name"] for row in rows]


def counted(ad_stores: AdStores, role: str, claims: object, relation: str, *, by: str = "org_id") -> dict[Any, int]:
    """Rows that a role sees of a relation, by one column or by several."""
    with ad_stores.postgres.connection() as connection:
        connection.execute(CLAIMS, (json.dumps(claims) if claims is not None else "",))
        connection.execute(f"set local role {role}")
        rows = connection.execute(f"select {by}, count(*) as rows from ads.{relation} group by {by}").fetchall()
        return {key[0] if len(key) == 1 else tuple(key): n for *key, n in (row.values() for row in rows)}


def test_each_organisation_sees_its_own_rows_and_none_of_another(two_orgs: AdStores) -> None:
    found = relations(two_orgs.postgres)
    assert len(found) >= 15
    for relation in found:
        everything = counted(two_orgs, "service_role", None, relation)
        assert set(everything) == {"org-a", "org-b"}, relation
        for org in ("org-a", "org-b"):
            assert counted(two_orgs, "authenticated", {"org_id": org}, relation) == {org: everything[org]}, relation
            assert counted(two_orgs, "authenticated", {"app_metadata": {"org_id": org}}, relation) == {
                org: everything[org]
            }
        for nobody in (None, {}, {"org_id": "org-c"}, {"user_metadata": {"org_id": "org-a"}}, {"org_id": ""}):
            assert counted(two_orgs, "authenticated", nobody, relation) == {}, relation


def test_each_app_sees_its_own_rows_of_an_organisation_that_another_app_has_too(two_orgs: AdStores) -> None:
    for relation in relations(two_orgs.postgres, kinds="r"):
        columns = two_orgs.postgres.fetch(
            "select string_agg(quote_ident(column_name), ', ') as names from information_schema.columns"
            " where table_schema = 'ads' and table_name = %s and column_name <> 'app' and is_identity = 'NO'"
            " and not (table_name in ('sync_runs', 'sync_slices') and column_name in ('id', 'run_id'))",
            (relation,),
        )[0]["names"]
        ids = {"sync_runs": ("id, ", "gen_random_uuid(), "), "sync_slices": ("id, run_id, ", RUN_OF_OTHER)}
        names, values = ids.get(relation, ("", ""))
        two_orgs.postgres.execute(
            f"insert into ads.{relation} (app, {names}{columns}) select 'other', {values}{columns} from ads.{relation}"
            " where org_id = 'org-a' on conflict do nothing"  # a trigger wrote the names of campaigns already
        )
    for relation in relations(two_orgs.postgres):
        everything = counted(two_orgs, "service_role", None, relation, by="app, org_id")
        assert set(everything) == {("clearlift", "org-a"), ("clearlift", "org-b"), ("other", "org-a")}, relation
        for app, claims in (
            ("clearlift", {"org_id": "org-a"}),
            ("other", {"org_id": "org-a", "app": "other"}),
            ("other", {"app_metadata": {"org_id": "org-a", "app": "other"}}),
        ):
            own = {(app, "org-a"): everything[app, "org-a"]}
            assert counted(two_orgs, "authenticated", claims, relation, by="app, org_id") == own, relation
        for nobody in ({"org_id": "org-b", "app": "other"}, {"org_id": "org-a", "app": "third"}, {"app": "other"}):
            assert counted(two_orgs, "authenticated", nobody, relation) == {}, relation


def test_an_organisation_writes_nothing_and_anon_reads_nothing(two_orgs: AdStores) -> None:
    for relation in relations(two_orgs.postgres):
        for role, statement in (
            ("anon", f"select 1 from ads.{relation}"),
            ("authenticated", f"delete from ads.{relation}"),
            ("authenticated", f"update ads.{relation} set org_id = 'org-a'"),
        ):
            with pytest.raises(psycopg.Error, match=r"permission denied|cannot (delete|update)"):
                acted(two_orgs.postgres, role, statement)


def acted(postgres: Postgres, role: str, statement: str) -> None:
    with postgres.connection() as connection:
        connection.execute(CLAIMS, (json.dumps({"org_id": "org-a"}),))
        connection.execute(f"set local role {role}")
        connection.execute(statement)


def unprotected(connection: Connection) -> list[str]:
    """What in the schema, as the catalog has it, is not held to one organisation, and why."""
    rows = connection.execute(
        """select c.relname as name, c.relkind::text as kind, c.relrowsecurity as on,
            coalesce('security_invoker=true' = any(c.reloptions), false) as as_asking,
            exists (
                select from pg_policies p
                where p.schemaname = 'ads' and p.tablename = c.relname and p.cmd = 'SELECT'
                  and p.roles = array['authenticated']::name[]
                  and p.qual like '%app = %ads.current_app()%org_id = %ads.current_org()%'
            ) as of_own,
            (
                select count(*) from pg_policies p
                where p.schemaname = 'ads' and p.tablename = c.relname
                  and not p.roles <@ array['service_role', 'clearlift_reader']::name[]
            ) as policies
        from pg_class c
        where c.relnamespace = 'ads'::regnamespace and c.relkind not in ('i', 'I', 'S', 't', 'c')
        order by c.relname"""
    ).fetchall()
    reasons = []
    for row in rows:
        if row["kind"] in ("r", "p"):
            reasons += [f"{row['name']}: row-level security is off"] if not row["on"] else []
            reasons += [f"{row['name']}: no policy of its own app and organisation alone"] if not row["of_own"] else []
            reasons += [f"{row['name']}: a further policy"] if row["policies"] > row["of_own"] else []
        elif row["kind"] != "v":
            reasons.append(f"{row['name']}: kind {row['kind']} knows no row-level security")
        elif not row["as_asking"]:
            reasons.append(f"{row['name']}: reads as its owner")
    return reasons


# What somebody might add or change, and what is said of it.
CARELESS = {
    "create table ads.fresh (org_id text)": ["row-level security is off", "no policy of its own"],
    "create table ads.fresh (org_id text); alter table ads.fresh enable row level security": ["no policy of its own"],
    "create table ads.fresh (org_id text) partition by list (org_id)": ["security is off", "no policy of its own"],
    "create view ads.fresh as select * from ads.campaigns": ["reads as its owner"],
    "create materialized view ads.fresh as select * from ads.campaigns": ["knows no row-level security"],
    "create policy more on ads.campaigns for select to authenticated using (true)": ["campaigns: a further policy"],
    "create policy more on ads.campaigns to public using (true)": ["campaigns: a further policy"],
    "alter policy of_own_organisation on ads.keywords using (org_id = (select ads.current_org()))": [
        "keywords: no policy of its own",
        "keywords: a further policy",
    ],
    "drop policy of_own_organisation on ads.keywords": ["keywords: no policy of its own"],
    "alter table ads.keywords disable row level security": ["keywords: row-level security is off"],
}


def test_every_table_and_view_is_held_to_one_organisation_and_a_careless_one_is_found(postgres: Postgres) -> None:
    migrations.up(migrations.PostgresAppliedMigrations(postgres), "pipelines/postgres")
    assert len(relations(postgres)) >= 15
    with postgres.connection() as connection:
        assert unprotected(connection) == []
        for careless, why in CARELESS.items():
            with connection.transaction(force_rollback=True):
                connection.execute(careless)
                found = unprotected(connection)
            assert len(found) == len(why), careless
            assert all(expected in said for expected, said in zip(why, found, strict=True)), found
