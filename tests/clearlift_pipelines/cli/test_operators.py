"""Any order of rows, damage, kills and commands: no row is lost or doubled, and the last message leads out."""

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.clearlift_pipelines.cli.archive_rules import ArchiveRules
from tests.clearlift_pipelines.cli.operator_at_work import Operator
from tests.clearlift_pipelines.cli.terminal import Terminal


def walk(terminal: Terminal, *, examples: int, steps: int) -> None:
    terminal.stores.migrate()
    at_work = Operator(terminal)
    at_work.keep_open(terminal.monkeypatch)

    class Archives(ArchiveRules, RuleBasedStateMachine):
        operator = at_work

    run_state_machine_as_test(
        Archives, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    )


def test_archives_survive_any_operator(terminal: Terminal) -> None:
    walk(terminal, examples=12, steps=12)


@pytest.mark.soak
def test_archives_survive_many_operators(terminal: Terminal) -> None:
    walk(terminal, examples=100, steps=25)
