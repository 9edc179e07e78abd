"""Tenants: no key of one ever holds a value of another, for any ids and tags."""

import json
from itertools import combinations
from urllib.parse import unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from assets.apps import APPS, App
from assets.cache import keys
from assets.cache.families import families
from tests.assets.cache.warmed_cache import WarmedCache, of_values
from tests.examples import examples

HOSTILE = (
    "a", "b:c", "a:summary:1d", "..", ".", "a/../b", "%3A", "a%3Asummary", "Ωλ", "🏴\u200d", " ", "A", "a\tb",
    "x" * 512, "ü" * 200, "a:page:1", "{range}", "'; drop table cache.entries; --", "null", "-0", "é", "e\u0301",
)  # fmt: skip
tags = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.sampled_from(":/.%{}aé\u00a0\\'\""), min_size=1, max_size=12),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20),
)


@examples(5, 40)
@example(list(HOSTILE))
@given(st.lists(tags, min_size=1, max_size=12, unique=True))
def test_every_held_value_belongs_to_the_tenant_that_its_key_names(warmed_cache: WarmedCache, found: list[str]) -> None:
    """Organisations of any id and tag, each with a connection, pages and campaigns that name it."""
    _organisations(warmed_cache, found)
    warmed_cache.warm_all("connections", "org_tags", "top_pages", "campaigns", "platforms")
    held = warmed_cache.held()
    named: set[tuple[str, str]] = set()
    for key, value in held.items():
        parts = [unquote(part) for part in key.split(":")]
        said = json.loads(value)
        match parts:
            case ["connections", tag]:
                assert [c["account_name"] for c in said] == [f"account of {tag}"]
            case ["organization", org, "tags"]:
                assert [t["tag"] for t in said] == [org.removeprefix("org ")]
            case ["organization", org, "campaigns"]:
                assert [c["name"] for c in said] == [f"campaign of {org}"]
            case ["dashboard", tag, "top_pages", "90d" | "30d" | "7d" | "1d"]:
                assert [p["path"] for p in said["items"]] == [f"/of/{tag}"]
            case _:
                assert key == "reference:platforms"
                continue
        named.add((parts[0], parts[1]))
    # None is missing but those whose keys are too long.
    for tag in found:
        if len(keys.filled("connections:{tag}", {"tag": tag}).encode()) <= 512:
            assert ("connections", tag) in named
    tenants = warmed_cache.event_lake.postgres.fetch("select key, tenant from cache.entries where tenant <> ''")
    for row in tenants:
        tenant = unquote(row["key"].split(":")[1])
        assert row["tenant"] in (tenant, f"org {tenant}")


@given(tags, tags, tags, tags)
def test_different_fields_make_different_keys(a: str, b: str, c: str, d: str) -> None:
    assume((a, b) != (c, d))
    template = "x:{a}:y:{b}"
    assert keys.filled(template, {"a": a, "b": b}) != keys.filled(template, {"a": c, "b": d})


@given(tags, tags)
def test_a_key_is_known_again_by_its_template_and_by_no_other(a: str, b: str) -> None:
    name_of = keys.classifier({"ab": "x:{a}:y:{b}", "a": "x:{a}", "b": "x:{b}:z"})
    row = {"a": a, "b": b}
    for name, template in (("ab", "x:{a}:y:{b}"), ("a", "x:{a}"), ("b", "x:{b}:z")):
        assert name_of(keys.filled(template, row)) == name
        assert name_of(keys.filled(template, row) + ":page:12") == name


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_no_two_families_of_an_application_can_make_one_key(app: App) -> None:
    found = families(app)
    assert not [(a.name, b.name) for a, b in combinations(found, 2) if keys.overlap(a.key, b.key)]
    # Nor does one make the pages of another.
    assert not [a.name for a in found for b in found if keys.overlap(a.key, f"{b.key}:page:{{n}}")]
    # Nor does the application write one of theirs itself.
    aside = [key for each in app.cache_aside for key in each.keys]
    assert not [(family.name, key) for family in found for key in aside if keys.overlap(family.key, key)]
    assert len({family.name for family in found} | {"demand", "invalidated"}) == len(found) + 2


def test_overlapping_templates_are_seen() -> None:
    assert keys.overlap("a:{x}", "a:{y}")
    assert keys.overlap("a:list", "a:{y}")
    assert not keys.overlap("a:{x}:b", "a:{x}")
    assert not keys.overlap("a:{x}:b", "a:{x}:c")


def test_a_tag_that_went_to_another_organisation_loses_its_value_though_the_budget_is_spent(
    warmed_cache: WarmedCache,
) -> None:
    _organisations(warmed_cache, ["a", "b", "c"])
    warmed_cache.warm_all("connections")
    warmed_cache.event_lake.postgres.execute(
        "insert into cache.reads values ('clearlift', 'connections', 'connections:a', '2026-03-20', 5, 5)"
    )
    warmed_cache.d1.execute("update platform_connections set account_name = 'changed'")
    warmed_cache.d1.execute("update org_tag_mappings set organization_id = 'org a' where short_tag = 'b'")
    (connections,) = [f for f in families(APPS[0]) if f.name == "connections"]
    done = warmed_cache.run(connections, writes=1)
    held = {key: json.loads(value)[0]["account_name"] for key, value in warmed_cache.held().items()}
    assert held == {"connections:a": "changed", "connections:c": "account of c"}
    assert (done.survey.left_out, done.deleted) == (2, 1)
    warmed_cache.run(connections)
    assert warmed_cache.held()["connections:b"] == warmed_cache.held()["connections:a"]


def test_an_ordinary_tag_stays_readable(warmed_cache: WarmedCache) -> None:
    warmed_cache.run(of_values({"dashboard:a3f7c2:summary:7d": b"{}"}))
    assert set(warmed_cache.held()) == {"dashboard:a3f7c2:summary:7d"}


def _organisations(warmed_cache: WarmedCache, found: list[str]) -> None:
    d1 = warmed_cache.d1
    for table in ("platform_connections", "org_tag_mappings", "organizations", "users"):
        d1.execute(f"delete from {table}")
    d1.upsert("users", ("id", "email", "issuer", "access_sub"), [("u", "u@x.example", "i", "s")], ["id"])
    numbered = list(enumerate(found))
    d1.upsert("organizations", ("id", "name", "slug"), [(f"org {t}", t, f"{n}") for n, t in numbered], ["id"])
    d1.upsert(
        "org_tag_mappings",
        ("id", "organization_id", "short_tag"),
        [(f"{n}", f"org {t}", t) for n, t in numbered],
        ["id"],
    )
    d1.upsert(
        "platform_connections",
        ("id", "organization_id", "platform", "account_id", "account_name", "connected_by"),
        [(f"{n}", f"org {t}", "google", "1", f"account of {t}", "u") for n, t in numbered],
        ["id"],
    )
    with warmed_cache.event_lake.postgres.connection() as connection:
        connection.execute("truncate rollups.daily_pages, ads.campaigns cascade")
        connection.cursor().executemany(
            "insert into rollups.daily_pages values (%s, '2026-03-20', 'x.example', %s, 1, 1, 1, 0, 'clearlift')",
            [(t, f"/of/{t}") for t in found],
        )
        connection.cursor().executemany(
            "insert into ads.campaigns (app, org_id, id, platform, account_id, native_id, name, currency, updated_at) "
            "values ('clearlift', %s, '1', 'google', '1', '1', %s, 'EUR', now())",
            [(f"org {t}", f"campaign of org {t}") for t in found],
        )
