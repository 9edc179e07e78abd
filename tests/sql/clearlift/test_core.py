"""The schema of ClearLift's D1 refuses what it must."""

import sqlite3
from pathlib import Path

import pytest

from resources import migrations
from resources.d1 import D1Error, EmbeddedD1


def test_the_schema_of_clearlift_refuses_what_it_must(tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "clearlift.db")
    applied = migrations.D1AppliedMigrations(d1)
    migrations.up(applied, "clearlift/d1")
    user = "insert into users (id, email, issuer, access_sub) values ('u', 'u@example.com', 'i', 's')"
    d1.execute(user)
    d1.execute("insert into organizations (id, name, slug) values ('o', 'Org', 'org')")
    refused = {
        "insert into users (id, email, issuer, access_sub) values ('v', 'v@example.com', 'i', 's')": "UNIQUE",
        "insert into organizations (id, name, slug, subscription_tier) values ('p', 'P', 'p', 'gold')": "CHECK",
        "insert into organizations (id, name, slug, settings) values ('p', 'P', 'p', '{')": "CHECK",
        "insert into organization_members (organization_id, user_id, role) values ('o', 'u', 'king')": "CHECK",
        "insert into organization_members (organization_id, user_id, role) values ('o', 'nobody', 'admin')": "FOREIGN",
        "insert into org_tag_mappings (id, organization_id, short_tag, is_active) values ('t', 'o', 'x', 2)": "CHECK",
        "insert into sessions (token, user_id, expires_at) values ('t', 'nobody', '2026-01-01T00:00:00Z')": "FOREIGN",
        "insert into platform_connections (id, organization_id, platform, account_id, connected_by, sync_status)"
        " values ('c', 'o', 'google', '1', 'u', 'maybe')": "CHECK",
        "insert into invitations (id, organization_id, email, expires_at, invited_by)"
        " values ('i', 'o', 'x@example.com', '2026-01-01T00:00:00Z', 'u')": "NOT NULL",
    }
    for statement, kind in refused.items():
        with pytest.raises(D1Error, match=kind):
            d1.execute(statement)
    defaults = d1.query("select created_at, settings, subscription_tier from organizations")[0]
    assert defaults["settings"] == "{}"
    assert defaults["subscription_tier"] == "free"
    assert len(defaults["created_at"]) == len("2026-01-01T00:00:00Z")
    assert defaults["created_at"].endswith("Z")
    d1.execute("insert into sessions (token, user_id, expires_at) values ('t', 'u', '2026-01-01T00:00:00Z')")
    d1.execute("insert into organization_members (organization_id, user_id, role) values ('o', 'u', 'owner')")
    d1.execute("delete from users where id = 'u'")
    assert d1.query("select (select count(*) from sessions) + (select count(*) from organization_members) as n") == [
        {"n": 0}
    ]
    d1.execute("delete from organizations")
    assert migrations.down(applied, "clearlift/d1", to=0) == ["003_marketing_choices", "002_sealing", "001_initial"]
    d1.close()
    with sqlite3.connect(tmp_path / "clearlift.db") as file:
        assert (
            file.execute("select name from sqlite_master where name not like '%pipelines_migrations%'").fetchall() == []
        )
    file.close()
