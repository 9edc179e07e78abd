"""Both pages in Chromium: nothing of WCAG is broken that axe-core finds, and nothing is wider than a phone.

It needs Node's packages of tests/browser and a Chromium of the machine; where either is missing, it is skipped.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from assets.page import dashboard, health_page, served
from assets.page.document import html
from assets.page.source import Source
from resources.kv import EmbeddedKV, Entry
from tests.assets.cache.warmed_cache import CLEARLIFT
from tests.assets.page.conftest import NOW
from tests.assets.page.test_dashboard import NAMED, TAG, VALUES
from tests.filled import fill_postgres
from tests.workerd.local_runtime import NODE, NotInstalledError, installed

BROWSER = Path(__file__).resolve().parents[2] / "browser"
SECONDS = 240


def test_both_pages_with_data_and_without_have_no_fault_in_any_theme_and_width(source: Source, tmp_path: Path) -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium: install one, or name it by CHROMIUM")
    try:
        home = installed(BROWSER)
    except NotInstalledError as error:
        pytest.skip(f"npm install failed: {error}")
    files = pages(source, tmp_path)
    done = subprocess.run(
        [NODE, home / "look.mjs", chromium, *files], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    views = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(views) == 2 * len(files)
    faults = {fault for view in views for fault in (*view["faults"], *view["said"])}
    assert faults == set()
    assert {(view["file"], view["width"]) for view in views if view["wider"] > 0} == set()


def pages(source: Source, folder: Path) -> list[Path]:
    """Files of both pages, with nothing and with a row of everything."""
    kv = EmbeddedKV(folder / "kv.sqlite")
    texts = {
        "health-empty": html(health_page.made(source)),
        "dashboard-empty": html(dashboard.made(served.read(CLEARLIFT, kv, TAG, "7d", NOW))),
    }
    fill_postgres(source.rooms.postgres)
    kv.put_many(Entry(key, json.dumps(VALUES[name]).encode()) for name, key in NAMED.items())
    texts |= {
        "health-filled": html(health_page.made(source)),
        "dashboard-filled": html(dashboard.made(served.read(CLEARLIFT, kv, TAG, "7d", NOW))),
    }
    kv.close()
    files = [folder / f"{name}.html" for name in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.write_text(text)
    return files
