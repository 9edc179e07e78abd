"""The command group, its options, and what a person sees of an error."""

import os
import signal
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clearlift_pipelines.cli.interruption import Interrupted, interruptible

if TYPE_CHECKING:
    from clearlift_pipelines.settings import Settings

COMMANDS = {
    "run": "run",
    "ui": "ui",
    "stop": "ui",
    "land": "landing",
    "quarantine": "landing",
    "backfill": "backfill",
    "compact": "compact",
    "upkeep": "upkeep",
    "cache": "cache",
    "media": "media",
    "policy": "policy",
    "archive": "archive",
    "retention": "retention",
    "sandbox": "ads",
    "status": "status",
    "doctor": "status",
    "migrate": "migrate",
}
"""Command → module of this package. A module is imported when its command runs: Dagster alone takes two seconds."""

LONGEST = 500  # characters of an error
SUMMARIES = {
    "run": "Bring everything up to date; land a sample first where there is no data.",
    "ui": "Dagster's UI with daemon, schedules and sensors.",
    "stop": "End the embedded Postgres server.",
    "land": "Put event files into the landing zone.",
    "quarantine": "List refused lines, or land them again.",
    "backfill": "Make partitions of a range again.",
    "compact": "Merge the lake's small files, or say what would be merged.",
    "upkeep": "Rewrite manifests, expire snapshots, remove files that nothing names.",
    "cache": "Fill an emptied KV namespace again, or say how warm each is.",
    "media": "How far uploaded images are; list refused ones, or try them again.",
    "policy": "How long what is kept, and what must be true before it goes.",
    "archive": "List, verify and restore archives.",
    "retention": "Say what is old enough to go, and delete it.",
    "sandbox": "The four ad platforms' APIs on loopback, with a world behind them.",
    "status": "Each asset: last success, lag, what is missing.",
    "doctor": "Each store: reachable, migrated, writable.",
    "migrate": "Migrations of a store: status, up, down.",
}


class Commands(click.Group):
    """Finds commands in their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"clearlift_pipelines.cli.{COMMANDS[cmd_name]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.group(cls=Commands)
@click.version_option(package_name="clearlift-pipelines", prog_name="clearlift")
@click.option("--verbose", is_flag=True, help="Show the trace of an error.")
@click.pass_context
def cli(context: click.Context, verbose: bool) -> None:
    """ClearLift Pipelines. Settings come from CLEARLIFT_ variables or a .env file; README.md lists them."""
    context.obj = verbose


def main() -> None:
    """The entry point: exit code 0, 1 with one line on an error, 2 on a wrong command line, 128 and the signal's number
    when interrupted (130 by Ctrl-C, 143 by SIGTERM)."""
    verbose = "--verbose" in sys.argv[1:]
    arguments = [a for a in sys.argv[1:] if a != "--verbose"]
    try:
        with interruptible():
            cli.main(args=arguments, standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        if verbose:
            traceback.print_exc()
        error.show()
        sys.exit(error.exit_code)
    except (Interrupted, KeyboardInterrupt, click.exceptions.Abort) as interruption:
        number = interruption.number if isinstance(interruption, Interrupted) else signal.SIGINT
        click.echo("Interrupted. Run the same command again to go on.", err=True)
        sys.exit(128 + number)
    except Exception as error:  # noqa: BLE001 (the last resort: a person wants one line)
        if verbose:
            traceback.print_exc()
        else:
            click.echo(f"Error: {one_line(error)}", err=True)
            click.echo("--verbose shows the trace.", err=True)
        sys.exit(1)


def one_line(error: BaseException) -> str:
    """An error as one line, with the name of its type where the text alone would not tell."""
    text = " ".join(str(error).split())
    return (text if len(text) <= LONGEST else f"{text[:LONGEST]} …") if text else type(error).__name__


def dagster_home(given: "Settings") -> Path:
    """The folder of run history, set as DAGSTER_HOME for this process and its children.

    DAGSTER_HOME where it is set; dagster/ of the home folder where CLEARLIFT_HOME is; else dagster_home/ of the current
    folder, whose dagster.yaml serves both.
    """
    named = os.environ.get("DAGSTER_HOME")
    home = shared = Path(named or "dagster_home").expanduser().resolve()
    if not (shared / "dagster.yaml").exists():
        raise click.ClickException(
            f"{shared} holds no dagster.yaml; run from the project's folder or set DAGSTER_HOME to one that does"
        )
    if not named and "home" in given.model_fields_set:
        home = given.home / "dagster"
        home.mkdir(parents=True, exist_ok=True)
        link = home / "dagster.yaml"
        if not link.exists():  # a link that leads nowhere is not there either
            link.unlink(missing_ok=True)
            with suppress(FileExistsError):
                link.symlink_to(shared / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    return home
