"""The families of the applications: connections, reference lists, and what is gathered of many rows."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps import APPS
from assets.apps.sesh import APP as SESH
from assets.cache.families import families
from assets.cache.warm import Warming
from resources.d1 import D1
from resources.kv import EmbeddedKV
from sandbox import sample_sesh, sample_stores
from tests.assets.cache.warmed_cache import CLEARLIFT, WarmedCache
from tests.assets.rollups.event_lake import NOW
from tests.examples import examples


@pytest.fixture
def sample(warmed_cache: WarmedCache) -> D1:
    """ClearLift's sample organisations, each with an account of every platform."""
    d1 = warmed_cache.d1
    for table in ("platform_connections", "org_tag_mappings", "organizations", "users"):
        d1.execute(f"delete from {table}")
    sample_stores.fill_d1(d1)
    d1.execute(
        "insert into platform_connections (id, organization_id, platform, account_id, account_name, connected_by, "
        "settings, settings_encrypted, sync_status, sync_error, last_synced_at) "
        "select o.id || p.value, o.id, p.value, 'account of ' || o.id, o.name, (select min(id) from users), "
        "'{\"oauth\": {\"refresh_token\": \"hush\"}}', 'hush', 'error', 'said no', '2026-03-20T10:00:00Z' "
        'from organizations as o, json_each(\'["google", "facebook"]\') as p where true on conflict do nothing'
    )
    return d1


def test_connections_tell_their_state_and_no_secret(warmed_cache: WarmedCache, sample: D1) -> None:
    warmed_cache.warm_all("connections", "platforms", "org_tags")
    held = {key: json.loads(value) for key, value in warmed_cache.held().items()}
    tags = sample.query("select short_tag, organization_id from org_tag_mappings where is_active = 1")
    for row in tags:
        found = {c["platform"]: c for c in held[f"connections:{row['short_tag']}"]}
        assert found["google"]["account_id"] == f"account of {row['organization_id']}"
        assert found["google"] | {"account_id": "", "account_name": ""} == {
            "platform": "google",
            "account_id": "",
            "account_name": "",
            "is_active": True,
            "sync_status": "error",
            "sync_error": "said no",
            "last_synced_at": "2026-03-20T10:00:00Z",
        }
        assert row["short_tag"] in [t["tag"] for t in held[f"organization:{row['organization_id']}:tags"]]
    assert held["reference:platforms"] == ["facebook", "google"]
    assert not any(b"hush" in value for value in warmed_cache.held().values())


def test_an_organisation_without_connections_has_an_empty_list(warmed_cache: WarmedCache, sample: D1) -> None:
    sample.execute("delete from platform_connections")
    warmed_cache.warm_all("connections", "platforms")
    assert set(warmed_cache.held().values()) == {b"[]"}
    assert "reference:platforms" not in warmed_cache.held()


changes = st.lists(
    st.tuples(st.integers(0, 99), st.sampled_from(["pending", "success", "error", "gone", "renamed"])), max_size=4
)


@examples(8, 40)
@given(changes)
def test_a_changed_connection_writes_its_organisations_keys_alone(
    warmed_cache: WarmedCache, sample: D1, found: list[tuple[int, str]]
) -> None:
    """Equal to a rebuild from nothing."""
    warmed_cache.warm_all("connections")
    before = _rows(sample)
    names = sorted(before)
    for number, change in found:
        row = names[number % len(names)] if names else "none is left by earlier examples"
        if change == "gone":
            sample.execute("delete from platform_connections where id = ?", [row])
        elif change == "renamed":
            sample.execute("update platform_connections set account_name = 'new ' || account_name where id = ?", [row])
        else:
            sample.execute("update platform_connections set sync_status = ? where id = ?", [change, row])
    after = _rows(sample)
    touched = {row["organization_id"] for name, row in before.items() if row != after.get(name)}
    tags = sample.query("select short_tag, organization_id from org_tag_mappings where is_active = 1")
    warmed_cache.put.clear()
    warmed_cache.warm_all("connections")
    assert set(warmed_cache.put) == {f"connections:{r['short_tag']}" for r in tags if r["organization_id"] in touched}

    held = warmed_cache.held()
    warmed_cache.kv.delete_many(held)
    warmed_cache.event_lake.postgres.execute("truncate cache.entries")
    warmed_cache.warm_all("connections")
    assert warmed_cache.held() == held


def test_every_family_of_sesh_is_warmed_and_gathered_in_its_order(warmed_cache: WarmedCache) -> None:
    d1 = warmed_cache.event_lake.stores.d1(SESH)
    sample_sesh.fill(d1, NOW)
    warming = Warming("sesh", warmed_cache, d1, warmed_cache.event_lake.postgres, warmed_cache.event_lake.clock)  # type: ignore[arg-type]
    for family in families(SESH):
        done = warming.run(family)
        assert done.written > 0, family.name
        assert warming.run(family).written == 0
    held = {key: json.loads(value) for key, value in warmed_cache.held().items()}
    names = [row["name"] for row in d1.query("select name from strains where isActive = 1 order by name, id")]
    assert [strain["name"] for strain in held["strains:list"]] == names
    (user,) = d1.query("select userId, preferences from user_preferences order by userId limit 1")
    assert held[f"user:{user['userId']}:preferences"] == json.loads(user["preferences"])
    ids = {key.removeprefix("strain:") for key in held if key.startswith("strain:")}
    assert {id_ for key, found in held.items() if key.startswith("search:strains:") for id_ in found} <= ids
    tenants = warmed_cache.event_lake.postgres.fetch(
        "select key, tenant from cache.entries where key like 'user:%%'", {}
    )
    assert tenants
    assert all(row["key"].split(":")[1] == row["tenant"] for row in tenants)


def test_every_statement_of_an_empty_store_wants_nothing(warmed_cache: WarmedCache) -> None:
    warmed_cache.tags()
    done = warmed_cache.warm_all()
    assert {name: each.survey.wanted for name, each in done.items() if each.survey.wanted} == {}
    assert isinstance(warmed_cache.kv, EmbeddedKV)
    assert {family.name for family in families(CLEARLIFT)} == done.keys()


def _rows(d1: D1) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in d1.query("select * from platform_connections")}


def test_every_family_says_what_it_is_made_of() -> None:
    """Else the graph shows a value that comes from nowhere."""
    assert [family.name for app in APPS for family in app.cache if not family.reads] == []
