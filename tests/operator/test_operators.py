"""Random operators, in any order and with kills: nothing is lost, nothing is doubled, and every state has a way out."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from assets.apps.clearlift import APP as CLEARLIFT
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores
from sandbox import sample_stores
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.operator.quarantine_rules import QuarantineRules
from tests.operator.world import World


class Operators(QuarantineRules):
    """All rules together."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_dsn: str) -> Iterator[World]:
    """Migrated stores behind a command line."""
    for name in [name for name in os.environ if name.startswith("CLEARLIFT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CLEARLIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLEARLIFT_POSTGRES_DSN", postgres_dsn)
    monkeypatch.chdir(tmp_path)
    with Stores(load()) as stores:
        stores.migrate()
        sample_stores.fill_d1(stores.d1(CLEARLIFT))
        yield World(Terminal(tmp_path, stores, monkeypatch))


def test_operators_lose_and_double_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuarantineRules, "world", world, raising=False)
    run_state_machine_as_test(Operators, settings=settings(max_examples=8, stateful_step_count=12))


@pytest.mark.soak
def test_operators_lose_and_double_nothing_in_many_more_lives(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuarantineRules, "world", world, raising=False)
    run_state_machine_as_test(Operators, settings=settings(max_examples=100, stateful_step_count=30))
