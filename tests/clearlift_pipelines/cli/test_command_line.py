"""The command line as docs/command-line.md says it: examples, tables, completion."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from clearlift_pipelines import command_reference
from clearlift_pipelines.cli.completion import VARIABLE
from clearlift_pipelines.cli.entry import COMMANDS, cli
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.pages import blocks

ROOT = Path(__file__).resolve().parents[3]
COMPLETED = """
import sys
from clearlift_pipelines.cli import main
sys.argv = ["clearlift"]
try:
    main()
finally:
    print("dagster" in sys.modules, file=sys.stderr)
"""
# Files that examples read; those that they write are not there.
READ = ("batch.ndjson.gz", "corrected.ndjson", "keys.json", "production.env")
# What prints lines about its one work, or serves, asks and writes files. All others print tables.
WITHOUT_TABLES = {
    *("init", "ui", "stop", "resume", "land", "sql", "sandbox", "page", "dbt sources", "completion"),
    *("quarantine export", "quarantine reopen", "quarantine replay", "media quarantine export"),
    *("media quarantine replay", "backfill ads", "backfill attribution", "backfill rollups", "lake rebuild"),
    *("lake verify", "cache rebuild", "archive repair", "archive restore", "archive run", "archive verify"),
    *("backup drill", "backup forget", "backup restore", "backup run", "backup verify", "retention run"),
    *("keys envelope", "keys new", "keys open", "keys retire", "keys rotate"),
    *("privacy cancel", "privacy erase", "privacy export"),
}
AGAIN = "python -m clearlift_pipelines.command_reference writes it again"


def every(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and all below it, with what is typed after `clearlift`."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from every(found, (*path, name))


@pytest.fixture(scope="module")
def commands() -> dict[tuple[str, ...], click.Command]:
    return dict(every(cli))


def examples(command: click.Command) -> list[str]:
    lines = (command.help or "").splitlines()
    return [line.removeprefix("Example: ") for line in map(str.strip, lines) if line.startswith("Example: ")]


def test_every_help_has_an_example_of_the_command_itself(commands: dict[tuple[str, ...], click.Command]) -> None:
    for path, command in commands.items():
        found = examples(command)
        assert found, path
        assert all(example.startswith(" ".join(("clearlift", *path))) for example in found), path


def test_every_example_names_commands_options_and_choices_that_there_are(
    commands: dict[tuple[str, ...], click.Command], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in READ:
        (tmp_path / file).touch()
    for command in commands.values():
        for example in examples(command):
            typed = shlex.split(example.partition(" | ")[0].partition(" < ")[0].partition(" > ")[0])[1:]
            typed = typed[: typed.index(">>")] if ">>" in typed else typed
            path: tuple[str, ...] = ()
            while (*path, typed[0]) in commands:
                path = (*path, typed.pop(0))
                if not typed:
                    break
            with commands[path].make_context(" ".join(path), [*typed]):
                pass


def test_the_page_has_the_tables_of_today_and_each_is_of_a_command_that_takes_json(
    commands: dict[tuple[str, ...], click.Command],
) -> None:
    page = (ROOT / command_reference.PAGE).read_text()
    assert command_reference.in_page(page) == page, AGAIN
    takers = {" ".join(path) for path, command in commands.items() if "as_json" in {p.name for p in command.params}}
    documented = {one.by for one in command_reference.every()}
    for by in documented - {"job JOB", "migrate status"}:
        assert any(by == taker or by.startswith(f"{taker} ") for taker in takers), by
    # The trail prints an object that is no table.
    rest = {taker for taker in takers if not any(by == taker or by.startswith(f"{taker} ") for by in documented)}
    assert {taker for taker in rest if not taker.startswith("job ")} == {"audit verify"}


def test_every_command_that_prints_a_table_takes_json(commands: dict[tuple[str, ...], click.Command]) -> None:
    silent = {
        " ".join(path)
        for path, command in commands.items()
        if not isinstance(command, click.Group) and "as_json" not in {parameter.name for parameter in command.params}
    }
    assert silent == WITHOUT_TABLES


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(terminal: Terminal, shell: str) -> None:
    script = terminal.good("completion", shell)
    assert VARIABLE in script
    assert "clearlift" in script


def test_names_are_completed_without_importing_their_modules() -> None:
    """A whole process, as the script starts it."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            COMPLETED,
        ],
        env={**os.environ, VARIABLE: "bash_complete", "COMP_WORDS": "clearlift sta", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["plain,status"]
    assert done.stderr.split() == ["False"]
    completer = ShellComplete(cli, {}, "clearlift", VARIABLE)
    assert {item.value for item in completer.get_completions([], "")} == {*COMMANDS}
    assert "--dry-run" in {item.value for item in completer.get_completions(["compact"], "--")}


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page's pipes end in jq")
def test_the_lines_of_the_page_run_as_they_stand(terminal: Terminal) -> None:
    (terminal.folder / ".config/fish/completions").mkdir(parents=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    said = [
        subprocess.run(
            ["bash", "-eu", "-c", text],
            cwd=terminal.folder,
            env={**os.environ, "HOME": str(terminal.folder), "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        for text in ("clearlift migrate up", *(one.text for one in blocks("command-line.md") if one.language == "bash"))
    ]
    _, pipes, completions = said
    assert [(one.returncode, one.stderr) for one in said] == [(0, "")] * 3
    assert pipes.stdout.splitlines()[-1] == "0", "no set is verified yet"
    assert completions.stdout == ""
    for script in (".bashrc", ".zshrc", ".config/fish/completions/clearlift.fish"):
        assert VARIABLE in (terminal.folder / script).read_text()
