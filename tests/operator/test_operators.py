"""Random operators, in any order and with kills: nothing is lost, nothing is doubled, and every state has a way out."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from assets.apps.clearlift import APP as CLEARLIFT
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores
from sandbox import sample_stores
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.operator.archive_rules import DAMAGE, ArchiveRules
from tests.operator.at_work import Operator
from tests.operator.migration_rules import MigrationRules
from tests.operator.quarantine_rules import QuarantineRules
from tests.operator.world import World


class AllRules(QuarantineRules, ArchiveRules, MigrationRules):
    """All rules together, over one operator and one set of stores."""

    @initialize(
        copied=st.booleans(),
        old=st.booleans(),
        damage=st.lists(DAMAGE, max_size=4),
    )
    def begin(self, copied: bool, old: bool, damage: list[tuple[float, float, str]]) -> None:
        """Every example has something of each kind."""
        self.operator.watch = self.world.look
        self.operator.by_hand = self.by_hand
        self.lines_are_refused()
        self.quarters_are_archived(copied, old, damage)
        self.operator.watch = self.a_command_ended
        for share in (0, 0.9):
            self.correct("fewer", False, None, share)

    @rule()
    def the_last_message_is_followed(self) -> None:
        self.operator.follow()

    def by_hand(self, command: list[str]) -> Sequence[str]:
        """FILE is a copy of archives, or what the quarantine exports and gets back corrected."""
        if command[0] == "archive":
            return [str(self.backup) if word == "FILE" else word for word in command]
        if "export" in command:
            (self.world.folder / "FILE").unlink(missing_ok=True)
        if "--corrected" in command:
            self.corrected_by_hand(self.world.folder / "FILE")
        return command

    def a_command_ended(self) -> None:
        self.world.look()
        self.archive_command_ended()

    def teardown(self) -> None:
        if hasattr(self, "tables"):
            self.refused_lines_leave()
            self.archives_leave()


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_dsn: str) -> Iterator[Terminal]:
    """Migrated stores behind a command line."""
    for name in [name for name in os.environ if name.startswith("CLEARLIFT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CLEARLIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLEARLIFT_POSTGRES_DSN", postgres_dsn)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    stores = Stores(load())
    stores.migrate()
    sample_stores.fill_d1(stores.d1(CLEARLIFT))
    yield Terminal(tmp_path, stores, monkeypatch)
    stores.close()


def walk(terminal: Terminal, *, examples: int, steps: int) -> None:
    """Let so many operators take so many steps each."""
    known = World(terminal)
    at_work = Operator(terminal, instead={"run": known.ingest})

    class Operators(AllRules, RuleBasedStateMachine):
        world, operator = known, at_work

    # A failing life is long, but to find a shorter one takes minutes.
    chosen = settings(max_examples=examples, stateful_step_count=steps, phases=[Phase.generate])
    run_state_machine_as_test(Operators, settings=chosen)


def test_operators_lose_and_double_nothing(terminal: Terminal) -> None:
    walk(terminal, examples=4, steps=15)


@pytest.mark.soak
def test_operators_lose_and_double_nothing_in_many_more_lives(terminal: Terminal) -> None:
    walk(terminal, examples=150, steps=30)
