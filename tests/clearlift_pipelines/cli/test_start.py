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
WITH_DAGSTER = {"run", "ui", "resume", "backfill", "job", "status"}
# They serve the sample's ad platforms.
WITH_SANDBOX = {"run", "backfill", "job", "sandbox"}
# What takes longest to import, and what no command needs before it begins its work.
HEAVY = ["dagster", "duckdb", "numpy", "pandas", "PIL", "polars", "pyarrow", "pyiceberg", "sqlalchemy"]
# One process for all: a module that one command imports stays, so each line names what it and those before it import.
STARTED = """
import json, sys
from clearlift_pipelines.cli.entry import cli
commands, watched = map(str.split, sys.argv[1:])
for command in commands:
    cli.get_command(None, command)
    print(json.dumps([command, [name for name in watched if name in sys.modules]]))
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
    "health",
    "partitions",
    "reports",
    "requested",
}
# They look into Dagster's own storage, for people who were erased.
INTO_ITS_STORAGE = {
    "assets.erasure.run_history",
    *(f"assets.health.{name}" for name in ("asset_checks", "runs", "sensors", "ticks")),
    *(f"assets.search.{name}" for name in ("canary", "certify", "history")),
}
ENGINES = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
    assert "dagster" not in sys.modules, name
import assets.capability
assert "dagster" in sys.modules, "the look at each engine proves nothing"
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


def started(*commands: str) -> dict[str, list[str]]:
    """Which of the heavy packages and the sandbox the modules of commands import, in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-c", STARTED, " ".join(commands), " ".join([*HEAVY, "sandbox"])],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(line) for line in done.stdout.splitlines())


def test_commands_that_need_no_dagster_start_without_it_and_without_any_engine() -> None:
    plain = [name for name in COMMANDS if name not in WITH_DAGSTER | WITH_SANDBOX]
    served = sorted(WITH_SANDBOX - WITH_DAGSTER)
    assert started(*plain, *served) == {**{name: [] for name in plain}, **{name: ["sandbox"] for name in served}}


def test_no_engine_imports_dagster() -> None:
    """A command imports its engine when the work begins, which the test above does not see."""
    files = [file.relative_to(CHECKOUT) for top in ("assets", "resources") for file in (CHECKOUT / top).rglob("*.py")]
    modules = [
        ".".join(file.with_suffix("").parts)
        for file in files
        if file.stem not in OF_DAGSTER | {"__init__"} and not file.stem.endswith("_assets")
    ]
    modules = sorted({*modules} - INTO_ITS_STORAGE)
    assert "assets.compaction.rewrite" in modules
    done = subprocess.run(
        [sys.executable, "-c", ENGINES, *modules],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


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
