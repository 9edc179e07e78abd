"""How a command starts: without Dagster where it needs none, and from any folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clearlift_pipelines.cli.entry import COMMANDS, summary
from clearlift_pipelines.project import CHECKOUT, folder
from clearlift_pipelines.settings import load

# They run jobs, or read the history of runs.
WITH_DAGSTER = {"run", "ui", "backfill", "status"}
STARTED = """
import json, sys
from clearlift_pipelines.cli.entry import COMMANDS, cli
command = sys.argv[1]
cli.get_command(None, command)
print(json.dumps([name for name in ("dagster", "sandbox") if name in sys.modules]))
"""
HELPED = """
import sys
from clearlift_pipelines.cli import main
sys.argv = ["clearlift", "--help"]
try:
    main()
finally:
    print(sorted({"dagster", "polars", "pyarrow", "pydantic"} & sys.modules.keys()), file=sys.stderr)
"""


def started(command: str) -> list[str]:
    """Which heavy packages a command's module brings along, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", STARTED, command],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=True,
    )
    modules: list[str] = json.loads(done.stdout)
    return modules


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in WITH_DAGSTER])
def test_a_command_that_needs_no_dagster_imports_none(command: str) -> None:
    assert "dagster" not in started(command)


def test_help_imports_no_command() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELPED],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "[]\n"
    for command in COMMANDS:
        assert summary(command) in " ".join(done.stdout.split()), command


def test_every_command_is_a_module_whose_docstring_says_what_it_does() -> None:
    for command in COMMANDS:
        assert summary(command).endswith("."), command


def test_the_project_is_found_from_a_folder_below_it_and_from_outside(
    bare_environment: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    below = bare_environment / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    (bare_environment / ".env").write_text("CLEARLIFT_LATE_DAYS=7\n")
    assert folder() == bare_environment
    assert load().home == bare_environment / ".clearlift"
    assert load().late_days == 7
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.chdir(outside)
    assert folder() == CHECKOUT
    assert load(home="here").home == CHECKOUT / "here"
