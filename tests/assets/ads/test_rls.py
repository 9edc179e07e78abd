"""Row-level security: a role of one organisation sees no row of another, in every table and view."""

import json
from datetime import timedelta

import psycopg
import pytest

from assets.ads.plan import Mode
from resources.postgres import Postgres
from tests.assets.ads.bench import Bench

CLAIMS = "select set_config('request.jwt.claims', %s, true)"


@pytest.fixture
def two_orgs(ads_bench: Bench) -> Bench:
    """Two organisations that have connected the same accounts, and restatements of both."""
    for org in ("org-a", "org-b"):
        ads_bench.connect(org=org, only=["google"])
    assert [o.error for o in ads_bench.sync("google")] == [None] * 4
    ads_bench.sandbox.clock.advance(timedelta(days=2))
    ads_bench.sync("google", mode=Mode.LOOKBACK)
    return ads_bench


def relations(postgres: Postgres) -> list[str]:
    rows = postgres.fetch(
        "select relname as name from pg_class where relnamespace = 'ads'::regnamespace and relkind in ('r', 'v', 'm')"
    )
    return [row["name"] for row in rows]


def counted(bench: Bench, role: str, claims: object, relation: str) -> dict[str, int]:
    with bench.postgres.connection() as connection:
        connection.execute(CLAIMS, (json.dumps(claims) if claims is not None else "",))
        connection.execute(f"set local role {role}")
        rows = connection.execute(f"select org_id, count(*) as rows from ads.{relation} group by org_id").fetchall()
        return {row["org_id"]: row["rows"] for row in rows}


def test_each_organisation_sees_its_own_rows_and_none_of_another(two_orgs: Bench) -> None:
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


def test_an_organisation_writes_nothing_and_anon_reads_nothing(two_orgs: Bench) -> None:
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


def test_every_table_has_its_security_on(two_orgs: Bench) -> None:
    rows = two_orgs.postgres.fetch(
        "select relname, relkind, relrowsecurity, reloptions from pg_class"
        " where relnamespace = 'ads'::regnamespace and relkind in ('r', 'v')"
    )
    for row in rows:
        if row["relkind"] in (b"r", "r"):
            assert row["relrowsecurity"], row["relname"]
        else:
            assert "security_invoker=true" in (row["reloptions"] or []), row["relname"]
