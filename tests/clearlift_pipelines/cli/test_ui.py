"""`clearlift ui`: the sample's platforms live as long as the UI, where no platforms are named."""

import subprocess
from typing import Any

import pytest
import requests

from assets.apps.clearlift import CLEARLIFT
from clearlift_pipelines.definitions import utc_now
from clearlift_pipelines.sandbox import sample_stores
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores
from tests.clearlift_pipelines.cli.terminal import Terminal


class Ui:
    """Stands where `dg dev` would run: how it was started, and whether the platforms answered it meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.command: list[str] = []
        self.environment: dict[str, str] = {}
        self.world: Any = None
        monkeypatch.setattr("clearlift_pipelines.cli.ui.subprocess.run", self)

    def __call__(self, command: list[str], env: dict[str, str], check: bool) -> subprocess.CompletedProcess[bytes]:
        assert not check
        self.command, self.environment = command, env
        if self.origin.startswith("http://127.0.0.1"):
            self.world = requests.get(f"{self.origin}/_sandbox/world", timeout=10).json()
        return subprocess.CompletedProcess(command, 0)

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
    assert ui.command[1:] == ["dev", "--host", "127.0.0.1", "--port", "3123"]
    assert ui.world
    connected = stores.d1(CLEARLIFT).query("select platform, count(*) as n from platform_connections group by 1")
    assert {row["platform"] for row in connected} == {"google", "facebook", "tiktok", "microsoft"}
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{ui.origin}/_sandbox/world", timeout=10)


def test_without_a_sample_no_platform_is_made_up(unconfigured: Terminal, ui: Ui) -> None:
    assert unconfigured.clearlift("ui").code == 0
    assert (ui.command[1], ui.origin) == ("dev", "")
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
    assert (ui.command[1], ui.origin) == ("dev", "")
