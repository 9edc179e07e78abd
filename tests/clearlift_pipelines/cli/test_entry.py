"""The command group: what a person sees of help and errors."""

import os
import signal
from importlib import import_module
from pathlib import Path

import click
import pytest

from assets.apps.sesh import APP as SESH
from assets.rollups.follow import follow
from clearlift_pipelines import cli
from clearlift_pipelines.cli.entry import COMMANDS, dagster_home, one_line, summary
from clearlift_pipelines.settings import load
from tests.assets.rollups.event_lake import START, EventLake, event
from tests.clearlift_pipelines.cli.shorter_run import followed_by
from tests.clearlift_pipelines.cli.terminal import Terminal


def test_help_names_every_command_and_every_command_has_help(terminal: Terminal) -> None:
    said = " ".join(terminal.good("--help").split())
    for command in COMMANDS:
        assert f"{command} {summary(command)}" in said
        usage = terminal.good(command, "--help")
        assert usage.startswith(f"Usage: clearlift {command} ")
        assert summary(command) in " ".join(usage.split())


def is_command(name: str) -> bool:
    return isinstance(getattr(import_module(f"clearlift_pipelines.cli.{name}"), name), click.Command)


def test_every_module_with_a_command_of_its_name_is_listed_and_no_name_twice() -> None:
    folder = Path(cli.__file__).parent
    modules = [file.stem for file in folder.glob("*.py") if f"def {file.stem}(" in file.read_text()]
    commands = [name for name in modules if is_command(name)]
    assert sorted(commands) == sorted(COMMANDS)


def test_an_unknown_command_is_a_wrong_command_line(terminal: Terminal) -> None:
    said = terminal.clearlift("fly")
    assert said.code == 2
    assert "No such command 'fly'" in said.err


@pytest.mark.parametrize("verbose", [False, True])
def test_an_error_is_one_line_and_verbose_shows_its_trace(terminal: Terminal, verbose: bool) -> None:
    terminal.monkeypatch.setenv("CLEARLIFT_R2_BUCKET", "bucket")
    if verbose:
        said = terminal.clearlift("status", "--verbose")
        assert said.code == 1
        assert "Traceback" in said.err
        assert "SettingsError: CLEARLIFT_R2_ACCESS_KEY_ID is missing" in said.err
    else:
        assert terminal.refused("status").startswith("Error: CLEARLIFT_R2_ACCESS_KEY_ID is missing")


def test_a_run_whose_compaction_fails_makes_all_else_and_names_step_and_reason(terminal: Terminal) -> None:
    terminal.stores.migrate()
    EventLake(terminal.stores).append(event())

    def refuse(*_: object, **__: object) -> None:
        raise OSError("the disk\nis full")

    terminal.monkeypatch.setattr("assets.compaction.rewrite.Compaction.run", refuse)
    followed_by(terminal.monkeypatch, "partitions", "policy")
    assert terminal.refused("run", "--no-sample") == (
        "Error: clearlift/events/compacted failed: OSError: the disk is full. Next: `clearlift doctor` says whether "
        "each store answers; then run the same again"
    )
    assert terminal.stores.postgres.fetch("select events from rollups.hourly_totals") == [{"events": 1}]
    (policy,) = (line for line in terminal.good("status").splitlines() if "clearlift/archive/policy" in line)
    assert " never" not in policy
    said = terminal.clearlift("--verbose", "job", "compact", "--app", "clearlift")
    assert said.code == 1
    assert "Traceback" in said.err


def test_a_damaged_file_is_named_by_the_run_that_reads_it(terminal: Terminal) -> None:
    terminal.stores.migrate()
    event_lake = EventLake(terminal.stores)
    event_lake.append(event())
    (info,) = event_lake.events.files()
    assert follow(event_lake.app, event_lake.events, terminal.stores.postgres, lambda: START) == 1
    Path(info.path.removeprefix("file://")).write_bytes(b"")
    followed_by(terminal.monkeypatch)
    assert terminal.refused("run", "--no-sample") == (
        f"Error: left out of the roll-ups: damaged or missing: {'/'.join(info.path.split('/')[-5:])}. "
        "Next: `clearlift lake rebuild --day 2026-03-01 --org a3f7c2`"
    )


@pytest.mark.parametrize(
    "command",
    ["quarantine list", "cache status", "compact --dry-run", "upkeep --dry-run", "archive list"],
)
def test_over_stores_that_are_not_set_up_an_error_says_what_makes_them(terminal: Terminal, command: str) -> None:
    assert "Next: `clearlift migrate up` makes" in terminal.refused(*command.split())


def test_over_stores_that_are_not_set_up_status_names_what_makes_them(terminal: Terminal) -> None:
    said = terminal.clearlift("status")
    assert (said.code, said.err) == (1, "")
    assert "clearlift migrate up" in said.out


def test_each_way_in_which_sqlite_lacks_a_column_is_no_surprise(terminal: Terminal) -> None:
    """A command whose statements select, insert, join or update over a column of a missing migration."""
    d1 = terminal.stores.d1(SESH)
    d1.execute("create table shares (id text)")
    for sql in (
        "select a from shares",
        "insert into shares (a) values (1)",
        "select id from shares join (select 1 as a) using (a)",
        "update shares set a = 1",
        "select a from missing",
    ):
        terminal.monkeypatch.setattr("clearlift_pipelines.settings.load", lambda sql=sql: d1.execute(sql))
        assert "Next: `clearlift migrate up` makes" in terminal.refused("status"), sql


def test_a_home_without_dagster_yaml_is_refused(terminal: Terminal) -> None:
    terminal.monkeypatch.setenv("DAGSTER_HOME", str(terminal.folder))
    assert "holds no dagster.yaml" in terminal.refused("status")


def test_run_history_lies_in_the_home_that_is_named(terminal: Terminal, bare_environment: Path) -> None:
    terminal.monkeypatch.delenv("DAGSTER_HOME")
    assert dagster_home(load()) == bare_environment / "dagster_home"
    terminal.monkeypatch.delenv("DAGSTER_HOME")
    terminal.monkeypatch.setenv("CLEARLIFT_HOME", "mine")
    for _ in range(2):
        home = dagster_home(load())
        assert home == bare_environment / "mine" / "dagster"
        assert os.environ["DAGSTER_HOME"] == str(home)
        assert (home / "dagster.yaml").read_text() == (bare_environment / "dagster_home" / "dagster.yaml").read_text()
        terminal.monkeypatch.delenv("DAGSTER_HOME")
    (home / "dagster.yaml").unlink()
    (home / "dagster.yaml").symlink_to(bare_environment / "gone.yaml")
    assert (dagster_home(load()) / "dagster.yaml").exists()
    terminal.monkeypatch.setenv("DAGSTER_HOME", str(bare_environment / "dagster_home"))
    assert dagster_home(load()) == bare_environment / "dagster_home"


def test_the_version_is_shown(terminal: Terminal) -> None:
    assert terminal.good("--version").startswith("clearlift, version ")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_interrupt_a_command_and_are_given_back(terminal: Terminal, number: signal.Signals, code: int) -> None:
    before = signal.getsignal(number)
    terminal.monkeypatch.setattr("clearlift_pipelines.settings.load", lambda: os.kill(os.getpid(), number))
    assert terminal.clearlift("doctor").code == code
    assert signal.getsignal(number) is before


def test_a_signal_that_dagster_takes_ends_the_command_all_the_same(terminal: Terminal) -> None:
    terminal.stores.migrate()

    def terminated(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    terminal.monkeypatch.setattr("assets.compaction.rewrite.Compaction.run", terminated)
    said = terminal.clearlift("run", "--no-sample")
    assert (said.code, said.err.strip()) == (143, "Interrupted. Run the same command again to go on.")


def test_a_wrong_address_of_run_history_is_one_line(terminal: Terminal) -> None:
    terminal.monkeypatch.setenv("CLEARLIFT_DAGSTER_POSTGRES_URL", "postgresql+psycopg2://me:hush@127.0.0.1:1/history")
    for command in ("status", "ui"):
        said = terminal.refused(command)
        assert said.startswith("Error: CLEARLIFT_DAGSTER_POSTGRES_URL: Postgres at 127.0.0.1:1/history: no connection")
        assert "hush" not in said


def test_an_interruption_says_how_to_go_on(terminal: Terminal) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    terminal.monkeypatch.setattr("clearlift_pipelines.settings.load", interrupt)
    said = terminal.clearlift("doctor")
    assert (said.code, said.err.strip()) == (130, "Interrupted. Run the same command again to go on.")


def test_long_errors_are_cut_and_silent_ones_named() -> None:
    assert one_line(ValueError("a\n  b\tc")) == "a b c"
    assert one_line(ValueError()) == "ValueError"
    assert one_line(ValueError("x" * 2_000)) == "x" * 500 + " …"
