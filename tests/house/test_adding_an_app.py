"""The page on adding an app, followed as it stands, in a copy of the project that has no other change."""

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.postgres import embedded
from tests.house.project import Project
from tests.pages import blocks

INSPECT = """
import json
from assets.apps.shop import APP
from clearlift_pipelines import settings
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.stores import Stores

with Stores(settings.load()) as stores:
    defs = build_defs(stores.settings, stores)
    postgres = stores.postgres
    print(json.dumps({
        "groups": sorted({s.group_name for s in defs.resolve_all_asset_specs() if s.group_name.startswith("shop_")}),
        "schedules": sorted(s.name for s in defs.schedules if s.name.startswith("shop_")),
        "sensors": sorted(s.name for s in defs.sensors if s.name.startswith("shop_")),
        "rolled_up": postgres.fetch(
            "select app, events, visitors from rollups.weekly_totals order by visitors desc limit 1"
        )[0],
        "keys": sorted(
            row["key"] for row in postgres.fetch("select key from cache.entries where namespace = 'shop'")
        ),
        "orders": stores.app_postgres(APP).fetch("select count(*) as n from shop.orders")[0]["n"],
        "restored": stores.app_postgres(APP).fetch("select count(*) as n from restored.shop_orders")[0]["n"],
        "ingested": [row["app"] for row in postgres.fetch("select distinct app from ingest.batches")],
    }, default=str))
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    copy = Project(tmp_path)
    yield copy
    embedded.stop(copy.folder / "home" / "postgres")


@pytest.mark.early
def test_the_page_adds_an_app_with_no_other_file_changed(project: Project) -> None:
    lines = []
    for block in blocks("adding-an-app.md"):
        if block.file:
            file = project.folder / block.file
            assert not file.exists(), f"{block.file} is there already"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        else:
            assert block.language == "console"
            lines += block.text.splitlines()
    (project.folder / "inspect_it.py").write_text(INSPECT)
    with project.served():
        said = {line: project.shell(line) for line in lines}
        inspected = project.shell("python inspect_it.py")

    assert "shop-d1" in said["clearlift migrate up"]
    assert "shop-postgres" in said["clearlift migrate up"]
    assert not re.search(r"^bad", said["clearlift doctor"], re.MULTILINE)
    assert "Shop: lines received" in said["clearlift run --no-sample"]
    assert re.search(r"shop/rollups/daily +20", said["clearlift status"])
    assert "unknown_org_tag" in said["clearlift quarantine list --app shop"]
    assert "shop/visits" in said["clearlift cache status --app shop"]
    assert "shop.orders" in said["clearlift policy --app shop"]
    assert "check failed" not in said["clearlift job integrity --app shop"]
    assert "40 rows" in said["clearlift archive run shop shop.orders 2024Q1"]

    found = json.loads(inspected)
    assert found["groups"] == [
        f"shop_{capability}"
        for capability in (
            "archive",
            "backups",
            "cache",
            "compliance",
            "d1",
            "database",
            "events",
            "integrity",
            "privacy",
            "retention",
            "rollups",
            "sessions",
            "upkeep",
        )
    ]
    assert {
        "shop_hourly",
        "shop_sweep",
        "shop_warm",
        "shop_archive",
        "shop_retention",
        "shop_integrity",
        "shop_backup",
    } <= set(found["schedules"])
    assert {"shop_landing", "shop_late_data"} <= set(found["sensors"])
    assert found["rolled_up"] == {"app": "shop", "events": 19, "visitors": 7}
    assert set(found["keys"]) >= {"store:5a0b9c:visits", "store:s1", "dashboard:5a0b9c:summary:7d"}
    assert (found["orders"], found["restored"], found["ingested"]) == (5, 40, ["shop"])
    with sqlite3.connect(project.folder / "home" / "kv" / "shop.sqlite") as kv:
        values = dict(kv.execute("select key, value from pairs").fetchall())
    assert json.loads(values["store:s1"]) == {"id": "s1", "name": "Lamps"}
    assert sum(day["visitors"] for day in json.loads(values["store:5a0b9c:visits"])) >= 7
