"""`clearlift ui`: where no platforms are configured, the sample's live as long as the UI. It ends with all that it
started, and only one runs over a history.
"""

import fcntl
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from assets.apps.clearlift import APP as CLEARLIFT
from clearlift_pipelines.cli.ui import _served as served
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores, utc_now
from sandbox import sample_stores
from tests.clearlift_pipelines.cli.terminal import Terminal


class Ui:
    """Stands where the servers would run: how they were started, and whether the platforms answered meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[list[str]] = []
        self.environment: dict[str, str] = {}
        self.world: Any = None
        monkeypatch.setattr("clearlift_pipelines.cli.ui._served", self)

    def __call__(self, commands: Sequence[Sequence[str]], environment: Mapping[str, str], ready: Path) -> int:
        self.commands, self.environment = [[*command] for command in commands], {**environment}
        assert ready.parent.is_dir()
        if self.origin.startswith("http://127.0.0.1"):
            self.world = requests.get(f"{self.origin}/_sandbox/world", timeout=10).json()
        return 0

    @property
    def origin(self) -> str:
        return self.environment.get("CLEARLIFT_AD_ORIGIN", "")


@pytest.fixture
def ui(monkeypatch: pytest.MonkeyPatch) -> Ui:
    return Ui(monkeypatch)


@pytest.fixture
def unconfigured(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, postgres_dsn: str) -> Terminal:
    """No variable of a store set: what would be the embedded server is the one that the tests have."""
    monkeypatch.delenv("CLEARLIFT_POSTGRES_DSN")
    monkeypatch.setattr("clearlift_pipelines.stores.SharedServer.dsn", lambda _: postgres_dsn)
    assert load().embedded
    return terminal


def of_sample(terminal: Terminal) -> Stores:
    """The stores after a sample has landed: its organisations, and the world of its ad platforms."""
    terminal.stores.migrate()
    sample_stores.fill_d1(terminal.stores.d1(CLEARLIFT))
    with sample_stores.sandbox(terminal.stores.object_store, utc_now):
        pass
    return terminal.stores


def test_the_samples_platforms_answer_while_the_ui_runs_and_end_with_it(unconfigured: Terminal, ui: Ui) -> None:
    stores = of_sample(unconfigured)
    said = unconfigured.clearlift("ui", "--port", "3123")
    assert said.code == 0, said
    assert "http://127.0.0.1:3123" in said.out
    code, webserver, daemon = (command[2:] for command in ui.commands)
    assert code[0] == "clearlift_pipelines.code_server"
    assert webserver[:5] == ["clearlift_pipelines.webserver", "--host", "127.0.0.1", "--port", "3123"]
    assert daemon[:2] == ["dagster._daemon", "run"]
    assert ui.world
    connected = stores.d1(CLEARLIFT).query("select platform, count(*) as n from platform_connections group by 1")
    assert {row["platform"] for row in connected} == {"google", "facebook", "tiktok", "microsoft"}
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{ui.origin}/_sandbox/world", timeout=10)


def test_without_a_sample_no_platform_is_made_up(unconfigured: Terminal, ui: Ui) -> None:
    assert unconfigured.clearlift("ui").code == 0
    assert (len(ui.commands), ui.origin) == (3, "")
    assert not unconfigured.stores.d1(CLEARLIFT).query("select 1 from platform_connections limit 1")


def test_platforms_that_are_named_are_left_alone(
    unconfigured: Terminal, ui: Ui, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_sample(unconfigured)
    monkeypatch.setenv("CLEARLIFT_AD_ORIGIN", "http://proxy.example")
    assert unconfigured.clearlift("ui").code == 0
    assert ui.origin == "http://proxy.example"
    assert not unconfigured.stores.d1(CLEARLIFT).query("select 1 from platform_connections limit 1")


def test_beside_a_real_store_there_is_no_sandbox(terminal: Terminal, ui: Ui) -> None:
    of_sample(terminal)
    assert not load().embedded
    assert terminal.clearlift("ui").code == 0
    assert (len(ui.commands), ui.origin) == (3, "")


# A server that ends on a signal and prints while it ends, and a process of its own that ignores the signal.
FAMILY = """
import os, pathlib, subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
pids = pathlib.Path(sys.argv[1])
pids.with_suffix(".new").write_text(f"{os.getpid()} {child.pid}")
try:
    pids.with_suffix(".new").rename(pids)
    time.sleep(600)
finally:
    print("Aborted!", flush=True)
"""
# One that ends by itself.
TALKER = "import sys; print('served'); print('no more', file=sys.stderr); sys.exit(3)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_it_ends_with_all_that_it_started(
    unconfigured: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    number: signal.Signals,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pids = tmp_path / "pids"
    monkeypatch.setattr(
        "clearlift_pipelines.cli.ui._served", lambda *_: served([[sys.executable, "-c", FAMILY, str(pids)]], os.environ)
    )
    monkeypatch.setattr("clearlift_pipelines.cli.ui.PATIENCE_SECONDS", 1.0)

    def end_it_once_it_runs() -> None:
        while not pids.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=end_it_once_it_runs)
    thread.start()
    said = unconfigured.clearlift("ui")
    thread.join()
    assert said.code == 128 + number, said
    assert not any(runs(int(pid)) for pid in pids.read_text().split())
    assert said.err == "Interrupted. Run the same command again to go on.\n"
    # What they print while they end is not shown.
    assert capfd.readouterr() == ("", "")


def test_what_the_server_says_is_passed_on_to_its_last_word(capfd: pytest.CaptureFixture[str]) -> None:
    assert served([[sys.executable, "-c", TALKER]], os.environ) == 3
    assert capfd.readouterr() == ("served\n", "no more\n")


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_port_that_is_taken_or_impossible_is_refused_at_once(unconfigured: Terminal, ui: Ui) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in ("ui", "sandbox"):
            said = unconfigured.refused(command, "--port", str(port))
            assert f"port {port} is in use (Address already in use). Next: choose another with --port" in said
    for command in ("ui", "sandbox"):
        assert unconfigured.clearlift(command, "--port", "99999").code == 2
    assert not ui.commands


def test_a_second_ui_over_one_run_history_is_refused(unconfigured: Terminal, ui: Ui) -> None:
    lock = unconfigured.folder / "dagster_home" / ".ui.lock"
    assert unconfigured.clearlift("ui").code == 0
    ui.commands.clear()
    with lock.open("a") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        said = unconfigured.refused("ui")
    assert "a UI is running already over the run history in" in said
    assert f"Next: use that one, or end it: kill {os.getpid()}" in said
    assert not ui.commands
    assert unconfigured.clearlift("ui").code == 0
    assert lock.read_text() == str(os.getpid())


def test_beyond_this_machine_nothing_starts_without_a_password(
    unconfigured: Terminal, ui: Ui, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = unconfigured.refused("ui", "--host", "0.0.0.0")
    assert "set CLEARLIFT_UI_PASSWORD, or CLEARLIFT_UI_PROXY_HEADER" in said
    assert not ui.commands
    monkeypatch.setenv("CLEARLIFT_UI_PASSWORD", "correct horse")
    assert unconfigured.clearlift("ui", "--host", "0.0.0.0").code == 0
    assert ui.commands[1][3:5] == ["--host", "0.0.0.0"]
