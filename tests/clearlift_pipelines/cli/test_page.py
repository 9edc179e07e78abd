"""`clearlift page`: files, and a server on loopback that no other site's page can ask."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.cache.families import families
from assets.cache.warm import of as warming
from assets.finding import HealthCheck
from assets.health.ledger import Ledger
from clearlift_pipelines.cli.execution import workbench
from clearlift_pipelines.cli.page import Pages, serving
from clearlift_pipelines.stores import utc_now
from tests.clearlift_pipelines.cli.terminal import Terminal

SECONDS = 120


def warm(terminal: Terminal) -> None:
    cache = warming(terminal.stores, CLEARLIFT)
    for family in families(CLEARLIFT):
        cache.run(family)


def test_files_are_for_their_owner_alone_and_lead_to_each_other(migrated: Terminal, tmp_path: Path) -> None:
    warm(migrated)
    into = tmp_path / "pages"
    said = migrated.good("page", "--into", str(into))
    files = {file.name: file.read_text() for file in into.iterdir()}
    assert said == f"{into}: {len(files)} pages; begin with health.html\n"
    assert {"health.html", "clearlift-a3f7c2-7d.html", "clearlift-a3f7c2-90d.html"} <= files.keys()
    assert into.stat().st_mode & 0o077 == 0
    linked = {link.partition('"')[0] for text in files.values() for link in text.split('href="')[1:]}
    assert {link for link in linked if not link.startswith(("#", "data:"))} == files.keys()
    assert "Nobody has looked" not in files["health.html"], "it looks where nobody has looked lately"


def test_without_stores_the_page_says_what_cannot_be_read(terminal: Terminal, tmp_path: Path) -> None:
    migrated = terminal.good("page", "--into", str(tmp_path / "pages"))
    assert migrated.endswith(": 1 page; begin with health.html\n")
    assert "could not be read" in (tmp_path / "pages" / "health.html").read_text()


def test_the_server_answers_its_own_names_alone(migrated: Terminal) -> None:
    warm(migrated)
    Ledger(migrated.stores.postgres).record(HealthCheck("clearlift", "check", lambda _: ()), [], utc_now())
    with workbench() as bench, serving(Pages(bench), 0) as address:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert answer.headers["Cache-Control"] == "no-store"
            assert "What is wrong" in answer.read().decode()
        with urllib.request.urlopen(f"{address}clearlift-a3f7c2-1d.html", timeout=SECONDS) as answer:
            assert "what Workers KV answered" in answer.read().decode()
        for request, status in (
            (urllib.request.Request(f"{address}../../etc/passwd"), 404),
            (urllib.request.Request(address, headers={"Host": "evil.example"}), 421),
            (urllib.request.Request(address, data=b"{}"), 501),
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=SECONDS)
            assert refused.value.code == status
            refused.value.close()


def test_the_server_ends_well_when_it_is_asked_to(migrated: Terminal) -> None:
    program = [sys.executable, "-c", "from clearlift_pipelines.cli import main; main()", "page", "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as served:
        try:
            assert served.stdout is not None
            assert served.stdout.readline().startswith("http://127.0.0.1:")
        finally:
            served.send_signal(signal.SIGTERM)
        assert served.wait(SECONDS) == 0
