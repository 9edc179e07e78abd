"""The code location as Dagster sees it: loads without anything, and every asset says what a person wants to know."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    Definitions,
    TimeWindowPartitionsDefinition,
    build_resources,
)
from dagster._core.definitions.backfill_policy import BackfillPolicy

import clearlift_pipelines.definitions
from assets.apps import APPS
from clearlift_pipelines import settings, store_places
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.stores import Stores

ROOT = Path(__file__).resolve().parents[2]
CAPABILITIES = {"events", "rollups", "sessions", "cache"}
MADE = {
    "clearlift/events/ingested": "clearlift_events",
    "clearlift/events/compacted": "clearlift_events",
    "clearlift/rollups/hourly": "clearlift_rollups",
    "clearlift/rollups/daily": "clearlift_rollups",
    "clearlift/rollups/weekly": "clearlift_rollups",
    "clearlift/rollups/monthly": "clearlift_rollups",
    "clearlift/sessions/daily": "clearlift_sessions",
    "clearlift/cache/summary": "clearlift_cache",
    **{f"{app.name}/cache/demand": f"{app.name}_cache" for app in APPS},
    **{f"{app.name}/cache/{family.name}": f"{app.name}_cache" for app in APPS for family in app.cache},
    **{f"{app.name}/cache/verified": f"{app.name}_cache" for app in APPS},
    **{f"{app.name}/cache/invalidated": f"{app.name}_cache" for app in APPS if app.cache_aside},
}
PARENTS = {
    "clearlift/attribution/touches": {
        "clearlift/events/compacted",
        "clearlift/d1/marketing_choices",
        "clearlift/d1/organizations",
        "clearlift/d1/org_tag_mappings",
    },
    "clearlift/attribution/clicks": {"clearlift/attribution/touches", "clearlift/d1/platform_connections"},
    "clearlift/attribution/daily": {
        "clearlift/attribution/touches",
        "clearlift/attribution/clicks",
        "clearlift/ads/campaigns",
        "clearlift/ads/campaign_metrics_daily",
    },
    "clearlift/events/ingested": {"clearlift/events/landing", "clearlift/d1/org_tag_mappings"},
    "clearlift/events/compacted": {"clearlift/events/ingested"},
    "clearlift/rollups/hourly": {"clearlift/events/compacted"},
    "clearlift/rollups/daily": {"clearlift/rollups/hourly"},
    "clearlift/rollups/weekly": {"clearlift/rollups/daily"},
    "clearlift/rollups/monthly": {"clearlift/rollups/daily"},
    "clearlift/sessions/daily": {"clearlift/events/compacted"},
    "clearlift/cache/summary": {"clearlift/d1/org_tag_mappings", "clearlift/rollups/daily", "clearlift/cache/demand"},
    "clearlift/cache/attribution": {
        "clearlift/attribution/daily",
        "clearlift/cache/demand",
        "clearlift/d1/org_tag_mappings",
    },
    "consignment/cache/items_by_category": {
        "consignment/d1/inventory_items",
        "consignment/d1/events",
        "consignment/cache/demand",
    },
    "consignment/integrity/search": {"consignment/d1/inventory_items"},
    "sesh/cache/strain": {"sesh/d1/strains", "sesh/cache/demand"},
}

PERSONAL = {
    "clearlift/archive": "events",
    "clearlift/attribution": "clicks touches",
    "clearlift/d1": "invitations marketing_choices organizations platform_connections sessions users",
    "clearlift/events": "compacted ingested landing",
    "clearlift/privacy": "exports requests",
    "clearlift/sealing": "invitations platform_connections sessions users",
    "clearlift/sessions": "daily",
    "consignment/archive": "change_log",
    "consignment/cache": "consignor_items demand verified",
    "consignment/d1": "consignors inventory_items",
    "consignment/privacy": "exports requests",
    "consignment/sealing": "consignors",
    "growth/analytics": "pending",
    "growth/archive": "analytics_events",
    "growth/leads": "phones",
    "growth/messaging": "accounts",
    "growth/onboarding": "inactive",
    "growth/privacy": "exports requests",
    "growth/sealing": "marketing_leads",
    "sesh/archive": "change_log points sessions",
    "sesh/cache": "dashboard_layout demand user_preferences verified",
    "sesh/d1": "inventory journal_entries medical_symptoms user_preferences users",
    "sesh/media": "uploads variants",
    "sesh/metrics": "daily hourly monthly weekly",
    "sesh/points": "flushes ingested",
    "sesh/privacy": "exports requests",
    "sesh/sealing": "journal_entries medical_symptoms users",
    "sesh/series": "sessions",
}


# Loads what Dagster would, with every way to the outside closed; says where it lies and what files it made.
LOADING = """
import os, socket, sys, warnings
warnings.simplefilter("error", UserWarning)
def refuse(*_, **__):
    raise AssertionError("network")
socket.socket.connect = socket.getaddrinfo = refuse
import clearlift_pipelines.definitions as d
import assets, resources, clearlift_pipelines
print({os.path.dirname(os.path.dirname(os.path.abspath(m.__file__))) for m in (assets, resources, clearlift_pipelines)})
d.defs().resolve_asset_graph()
print(sorted(os.listdir(".")))
"""


@pytest.fixture(scope="module")
def defs() -> Definitions:
    return build_defs(settings.load())


def made(defs: Definitions) -> dict[str, AssetsDefinition]:
    return {
        a.key.to_user_string(): a for a in defs.assets or () if isinstance(a, AssetsDefinition) and a.is_materializable
    }


def specs(defs: Definitions) -> dict[str, AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_loading_needs_no_network_no_variable_and_makes_no_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:clearlift_pipelines", "-c", LOADING],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    folders, files = done.stdout.splitlines()
    assert folders == str({str(ROOT)})
    assert files == "[]"
    assert done.stderr == ""


def test_importing_with_a_wrong_setting_is_no_error_until_the_graph_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, bare_environment: Path
) -> None:
    monkeypatch.setenv("CLEARLIFT_TYPO", "1")
    module = importlib.reload(clearlift_pipelines.definitions)
    with pytest.raises(ValueError, match="CLEARLIFT_TYPO is no setting"):
        module.defs()


def test_the_definitions_are_loadable_and_complete(defs: Definitions) -> None:
    Definitions.validate_loadable(defs)
    graph = defs.resolve_asset_graph()
    made_keys = {key.to_user_string() for key in graph.materializable_asset_keys}
    assert {key for key in made_keys if key.split("/")[1] in CAPABILITIES} == MADE.keys()
    tables = {f"{app.name}/d1/{table}" for app in APPS for table in app.tables}
    assert {key.to_user_string() for key in graph.get_all_asset_keys()} >= made_keys | tables | {
        "clearlift/events/landing"
    }
    for key, parents in PARENTS.items():
        assert {p.to_user_string() for p in graph.get(AssetKey(key.split("/"))).parent_keys} == parents


def test_every_asset_says_group_kinds_owner_tags_and_meaning(defs: Definitions) -> None:
    for key, spec in specs(defs).items():
        app, capability, _ = key.split("/")
        assert spec.group_name == MADE.get(key, f"{app}_{capability}"), key
        assert list(spec.owners) == [f"team:{app}-data"], key
        assert spec.description, key
        assert spec.kinds, key
        tags = {name: value for name, value in spec.tags.items() if not name.startswith("dagster/kind/")}
        assert tags.keys() - {"observed"} == {"capability", "store", "pii"}, key
        assert ("observed" in tags) is (
            capability == "d1" or key in {"clearlift/events/landing", "sesh/points/flushes"}
        )
        assert tags["capability"] == capability
        assert tags["store"]
        assert tags["pii"] in {"yes", "no"}


def test_personal_data_is_marked(defs: Definitions) -> None:
    marked = {key for key, spec in specs(defs).items() if spec.tags["pii"] == "yes"}
    assert marked == {f"{group}/{name}" for group, names in PERSONAL.items() for name in names.split()}


def test_a_backup_comes_after_all_that_is_kept_in_its_store_and_nothing_is_made_of_it(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()

    def parents(key: str) -> set[str]:
        return {parent.to_user_string() for parent in graph.get(AssetKey(key.split("/"))).parent_keys}

    for app in APPS:
        if app.d1_migrations is not None:
            assert parents(f"{app.name}/backups/d1") >= {f"{app.name}/d1/{table}" for table in app.tables}
    assert parents("pipelines/backups/lake") == {
        key for key, spec in specs(defs).items() if spec.tags["store"] == "lake" and key.split("/")[1] != "archive"
    } - {"pipelines/backups/lake", "pipelines/backups/lake_drill"}
    assert {"clearlift/rollups/hourly", "clearlift/ads/campaigns"} <= parents("pipelines/backups/postgres")
    assert not any(key.startswith("growth/analytics") for key in parents("pipelines/backups/postgres"))
    assert {"growth/analytics/aggregations"} <= parents("growth/backups/postgres")
    archives = {key for key in specs(defs) if key.split("/")[1] == "archive"}
    assert parents("pipelines/backups/objects") >= {"clearlift/events/landing", "sesh/media/uploads", *archives}
    backups = {key for key in specs(defs) if "/backups/" in key}
    for key in specs(defs).keys() - backups:
        assert not parents(key) & backups, key


def test_partitions_start_on_the_configured_day_and_a_range_is_one_run(defs: Definitions) -> None:
    partitioned = {key: a for key, a in made(defs).items() if a.partitions_def is not None}
    assert partitioned.keys() >= {"clearlift/rollups/hourly", "clearlift/rollups/daily"}
    for a in partitioned.values():
        assert isinstance(a.partitions_def, TimeWindowPartitionsDefinition)
        assert a.partitions_def.timezone == "UTC"
        # Weeks begin on Mondays: the first is the one that the first day lies in.
        first = "2025-09-29" if a.key.path[-1] == "weekly" else "2025-10-01"
        # Quarters of before are archived too.
        first = "2022-10-01" if a.key.path[1] == "archive" else first
        assert f"{a.partitions_def.start:%Y-%m-%d}" == first
        assert a.backfill_policy == BackfillPolicy.single_run()


def test_every_made_asset_has_a_pool_of_its_store_and_those_with_a_cadence_freshness(defs: Definitions) -> None:
    for key in MADE:
        assert made(defs)[key].op.pool == specs(defs)[key].tags["store"], key
        assert (specs(defs)[key].freshness_policy is None) == (key == "clearlift/events/compacted"), key


def test_assets_with_columns_show_them(defs: Definitions) -> None:
    for key in ("clearlift/events/landing", "clearlift/events/ingested", "clearlift/events/compacted"):
        assert len(specs(defs)[key].metadata["dagster/column_schema"].columns) == 51
    columns = [c.name for c in specs(defs)["clearlift/rollups/hourly"].metadata["dagster/column_schema"].columns]
    assert columns[:3] == ["org_tag", "hour", "event_type"]
    assert columns[-4:] == ["events", "visitors", "sessions", "value"]


def test_checks_are_there(defs: Definitions) -> None:
    keys = {(k.asset_key.to_user_string(), k.name) for k in defs.resolve_asset_graph().asset_check_keys}
    assert keys >= {
        ("clearlift/events/ingested", "every_line_counted"),
        ("clearlift/events/ingested", "lake_holds_what_the_ledger_says"),
        ("clearlift/rollups/hourly", "recount_from_raw_events"),
        ("consignment/d1/inventory_items", "price_is_one"),
        ("consignment/d1/events", "consignors_within_limit"),
    }


def test_the_stores_are_the_only_resource_of_every_asset_and_check() -> None:
    stores = Stores(settings.load())
    defs = build_defs(stores.settings, stores)
    assert defs.resources is not None
    assert [*defs.resources] == ["rooms"]
    (rooms,) = defs.resources.values()
    with build_resources({"rooms": rooms}) as opened:
        assert opened.rooms is stores
    for place in store_places.of(stores.settings):
        assert f"| {place.name} | embedded | `{place.where}` |" in rooms.description
    for definition in (*(defs.assets or ()), *(defs.asset_checks or ())):
        if isinstance(definition, AssetsDefinition) and definition.is_executable:
            assert definition.required_resource_keys <= {"rooms", "io_manager"}, definition


def test_the_graph_of_one_app_names_no_other() -> None:
    for app in APPS:
        defs = build_defs(settings.load(), apps=[app])
        Definitions.validate_loadable(defs)
        assert {key.split("/")[0] for key in specs(defs)} == {app.name, "pipelines"}
        names = {d.name for d in (*(defs.jobs or ()), *(defs.schedules or ()), *(defs.sensors or ()))}
        assert {name.partition("_")[0] for name in names} == {app.name, "pipelines"}
