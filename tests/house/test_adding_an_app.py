"""The page on adding an app, followed as it stands, in a copy of the project that has no other change."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "adding-an-app.md").read_text()
PROJECT = ("assets", "clearlift_pipelines", "resources", "sandbox", "sql", "dagster_home")
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
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


class Project:
    """A copy of the project's code, and its command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in PROJECT:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite*"))
        binaries = folder / "bin"
        binaries.mkdir()
        command = "from clearlift_pipelines.cli import main; main()"
        (binaries / "clearlift").write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{command}" "$@"\n')
        (binaries / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        for binary in binaries.iterdir():
            binary.chmod(0o755)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARLIFT_", "DAGSTER_"))}
        self.environment = {
            **clean,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "PYTHONPATH": str(folder),
            "CLEARLIFT_HOME": str(folder / "home"),
            "COLUMNS": "200",
        }

    def shell(self, script: str) -> str:
        """Run lines as the page has them; each must go well. What they wrote."""
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def python(self, script: str) -> str:
        """Run Python in the copy; what it wrote."""
        return subprocess.run(
            [sys.executable, "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    copy = Project(tmp_path)
    yield copy
    copy.shell("clearlift stop")


def test_the_page_adds_an_app_with_no_other_file_changed(project: Project) -> None:
    said: dict[str, str] = {}
    for language, name, text in BLOCK.findall(PAGE):
        if name:
            file = project.folder / name
            assert not file.exists(), f"{name} is there already"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        else:
            assert language == "console"
            for line in text.splitlines():
                said[line] = project.shell(line)

    assert "shop-d1" in said["clearlift migrate up"]
    assert "shop-postgres" in said["clearlift migrate up"]
    assert not re.search(r"^bad", said["clearlift doctor"], re.MULTILINE)
    assert "Shop: lines received" in said["clearlift run --no-sample"]
    assert re.search(r"shop/rollups/daily +20", said["clearlift status"])
    assert "unknown_org_tag" in said["clearlift quarantine list --app shop"]
    assert "shop/visits" in said["clearlift cache status --app shop"]
    assert "shop.orders" in said["clearlift policy --app shop"]
    assert "40 rows" in said["clearlift archive run shop shop.orders 2024Q1"]

    found = json.loads(project.python(INSPECT))
    assert found["groups"] == [
        f"shop_{capability}"
        for capability in ("archive", "cache", "d1", "events", "retention", "rollups", "sessions", "upkeep")
    ]
    assert {"shop_hourly", "shop_sweep", "shop_warm", "shop_archive", "shop_retention"} <= set(found["schedules"])
    assert {"shop_landing", "shop_late_data"} <= set(found["sensors"])
    assert found["rolled_up"] == {"app": "shop", "events": 19, "visitors": 7}
    assert set(found["keys"]) >= {"store:5a0b9c:visits", "store:s1", "dashboard:5a0b9c:summary:7d"}
    assert (found["orders"], found["restored"], found["ingested"]) == (5, 40, ["shop"])
    with sqlite3.connect(project.folder / "home" / "kv" / "shop.sqlite") as kv:
        values = dict(kv.execute("select key, value from pairs").fetchall())
    assert json.loads(values["store:s1"]) == {"id": "s1", "name": "Lamps"}
    assert sum(day["visitors"] for day in json.loads(values["store:5a0b9c:visits"])) >= 7
