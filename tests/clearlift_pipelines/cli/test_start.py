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
WITH_DAGSTER = {"run", "ui", "backfill", "job", "status"}
# They serve the sample's ad platforms.
WITH_SANDBOX = {"run", "backfill", "job", "sandbox"}
# What takes longest to import, and what no command needs before it begins its work.
HEAVY = ["dagster", "duckdb", "numpy", "pandas", "PIL", "polars", "pyarrow", "pyiceberg", "sqlalchemy"]
STARTED = """
import json, sys
from clearlift_pipelines.cli.entry import cli
cli.get_command(None, sys.argv[1])
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""
# Only modules of these names, and those that end in _assets, define what Dagster shows; engines and the apps do not
# know it.
OF_DAGSTER = {
    "assets",
    "automation",
    "capability",
    "checks",
    "declined",
    "description",
    "gaps",
    "partitions",
    "reports",
    "requested",
}
ENGINES = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
    assert "dagster" not in sys.modules, name
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
    """Which of the heavy packages and the sandbox a command's module imports, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", STARTED, command, *HEAVY, "sandbox"],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=True,
    )
    modules: list[str] = json.loads(done.stdout)
    return modules


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in WITH_DAGSTER])
def test_a_command_that_needs_no_dagster_starts_without_it_and_without_any_engine(command: str) -> None:
    assert started(command) == (["sandbox"] if command in WITH_SANDBOX else [])


def test_no_engine_imports_dagster() -> None:
    """A command imports its engine when the work begins, which the test above does not see."""
    files = [file.relative_to(CHECKOUT) for top in ("assets", "resources") for file in (CHECKOUT / top).rglob("*.py")]
    modules = [
        ".".join(file.with_suffix("").parts)
        for file in files
        if file.stem not in OF_DAGSTER | {"__init__"} and not file.stem.endswith("_assets")
    ]
    assert "assets.compaction.rewrite" in modules
    done = subprocess.run(
        [sys.executable, "-c", ENGINES, *modules],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_command_that_runs_jobs_imports_dagster() -> None:
    """Else the test above would prove nothing."""
    assert "dagster" in started("status")


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
