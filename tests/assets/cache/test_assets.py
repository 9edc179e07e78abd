"""The cache in Dagster's eyes: what is plotted, and when the checks pass, warn and fail."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dagster import AssetCheckSeverity, AssetKey, ExecuteInProcessResult, materialize

from assets.cache import access_log
from assets.cache.assets import build
from assets.progress import silent
from resources.r2 import FolderObjectStore, ObjectStore
from tests.assets.cache.warmed_cache import CLEARLIFT, WarmedCache
from tests.assets.rollups.event_lake import NOW

TAGS = ("a", "b", "c")


def made(warmed_cache: WarmedCache, store: ObjectStore, writes: int, *names: str) -> ExecuteInProcessResult:
    return materialize(
        [a for a in build(CLEARLIFT, writes) if a.key.path[-1] in names],
        resources={
            "rooms": SimpleNamespace(
                kv=lambda _: warmed_cache,
                d1=lambda _: warmed_cache.d1,
                postgres=warmed_cache.event_lake.postgres,
                object_store=store,
                clock=warmed_cache.event_lake.clock,
                progress=lambda _: silent,
            )
        },
    )


def told(result: ExecuteInProcessResult, name: str) -> dict[str, Any]:
    (event,) = result.asset_materializations_for_node(f"clearlift__cache__{name}")
    return {label: value.value for label, value in event.metadata.items()}


def checks(result: ExecuteInProcessResult) -> dict[str, tuple[bool, AssetCheckSeverity]]:
    return {e.check_name: (e.passed, e.severity) for e in result.get_asset_check_evaluations()}


def organisations(warmed_cache: WarmedCache) -> None:
    d1 = warmed_cache.d1
    for table in ("platform_connections", "org_tag_mappings", "organizations"):
        d1.execute(f"delete from {table}")
    d1.upsert("organizations", ("id", "name", "slug"), [(t, t, t) for t in TAGS], ["id"])
    d1.upsert("org_tag_mappings", ("id", "organization_id", "short_tag"), [(t, t, t) for t in TAGS], ["id"])


def test_a_warming_says_what_it_wrote_and_what_it_left_out(warmed_cache: WarmedCache, tmp_path: Path) -> None:
    organisations(warmed_cache)
    store = FolderObjectStore(tmp_path / "r2")
    store.put(
        f"{access_log.zone('clearlift').hour_prefix(NOW)}a.ndjson",
        b'{"key":"connections:b","hour":"2026-03-20T11:00:00Z","reads":4,"hits":3}\nnonsense\n',
    )
    first = made(warmed_cache, store, 2, "demand", "connections")
    assert told(first, "demand") == {
        "objects": 1, "lines": 2, "refused": 1, "reads": 4, "hits": 3, "hit_rate": 0.75,
    }  # fmt: skip
    assert warmed_cache.put == ["connections:b", "connections:a"]
    said = told(first, "connections")
    assert said == {
        "keys": 3, "bytes": 6, "written": 2, "new": 2, "changed": 0, "renewed": 0, "unchanged": 0, "deleted": 0,
        "left_out": 1, "refused": 0, "bytes_written": 4, "writes_saved": 1, "freshness": 2 / 3, "freshness_before": 0.0,
        "hit_rate": 0.75, "made_from": ["clearlift/d1/platform_connections", "clearlift/d1/org_tag_mappings"],
    }  # fmt: skip
    assert checks(first) == {
        "lines_are_readable": (False, AssetCheckSeverity.WARN),
        "fresh": (False, AssetCheckSeverity.ERROR),
        "nothing_left_out": (False, AssetCheckSeverity.WARN),
    }
    (left,) = [e for e in first.get_asset_check_evaluations() if e.check_name == "nothing_left_out"]
    assert left.metadata["most_wanted_left_out"].value == ["connections:c"]

    second = made(warmed_cache, store, 2, "demand", "connections")
    assert told(second, "connections")["freshness"] == 1.0
    assert checks(second) == dict.fromkeys(
        ("lines_are_readable", "fresh", "nothing_left_out"), (True, AssetCheckSeverity.ERROR)
    ) | {"lines_are_readable": (True, AssetCheckSeverity.WARN), "nothing_left_out": (True, AssetCheckSeverity.WARN)}


def test_a_family_that_wants_nothing_proves_nothing(warmed_cache: WarmedCache, tmp_path: Path) -> None:
    done = made(warmed_cache, FolderObjectStore(tmp_path / "r2"), 10, "campaigns")
    assert checks(done)["fresh"] == (False, AssetCheckSeverity.WARN)
    assert "freshness" not in told(done, "campaigns")


def test_every_family_reads_assets_that_its_key_says(warmed_cache: WarmedCache) -> None:
    found = {a.key.path[-1]: a for a in build(CLEARLIFT, 10)}
    deps = {spec.key: {dep.asset_key for dep in spec.deps} for a in found.values() for spec in a.specs}
    demand = AssetKey(["clearlift", "cache", "demand"])
    assert all(demand in parents for key, parents in deps.items() if key != demand)
    assert AssetKey(["clearlift", "attribution", "daily"]) in deps[AssetKey(["clearlift", "cache", "attribution"])]
