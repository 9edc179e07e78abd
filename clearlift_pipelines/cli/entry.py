"""The command group, its options, and what a person sees of an error."""

import ast
import os
import signal
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from click.shell_completion import CompletionItem

from clearlift_pipelines.cli.interruption import Interrupted, interruptible
from clearlift_pipelines.project import folder
from resources import disk, private
from resources.declined import DeclinedError

if TYPE_CHECKING:
    from clearlift_pipelines.settings import Settings

COMMANDS = (
    *("init", "run", "ui", "stop", "resume", "land", "quarantine", "backfill", "compact", "upkeep", "lake", "cache"),
    *("media", "job", "policy", "archive", "backup", "retention", "disconnected", "sql", "sandbox", "purge"),
    *("page", "status", "doctor", "migrate", "keys", "audit", "privacy", "dbt", "completion"),
)
"""Each is a function in a module of its own name, imported when the command runs: Dagster alone takes two seconds."""

LONGEST = 500  # characters of an error


def summary(command: str) -> str:
    """The first line of a command's docstring, read without importing its module."""
    tree = ast.parse((Path(__file__).parent / f"{command}.py").read_text())
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == command)
    return (ast.get_docstring(function) or "").partition("\n")[0]


class Commands(click.Group):
    """Finds commands in their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"clearlift_pipelines.cli.{cmd_name}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names without their modules: a person who pressed TAB waits."""
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        found = [CompletionItem(name, help=summary(name)) for name in names]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(command, summary(command)) for command in COMMANDS])


@click.group(cls=Commands)
@click.version_option(package_name="clearlift-pipelines", prog_name="clearlift")
@click.option("--verbose", is_flag=True, help="Show the trace of an error.")
@click.pass_context
def cli(context: click.Context, verbose: bool) -> None:
    """ClearLift Pipelines. Settings come from CLEARLIFT_ variables or a .env file; README.md lists them.

    Exit code 0: all went well. 1: something is wrong, and a line says what. 2: the command line is wrong.

    Example: clearlift status
    """
    context.obj = verbose


def main() -> None:
    """The entry point: exit code 0, 1 with one line on an error, 2 on a wrong command line, 128 and the signal's number
    when interrupted (130 by Ctrl-C, 143 by SIGTERM). Only of an error that nobody expected is a trace offered."""
    verbose = "--verbose" in sys.argv[1:]
    arguments = [a for a in sys.argv[1:] if a != "--verbose"]
    private.from_now_on()
    try:
        with interruptible():
            cli.main(args=arguments, prog_name="clearlift", standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except (click.ClickException, DeclinedError) as error:
        if verbose:
            traceback.print_exc()
        shown = click.ClickException(str(error)) if isinstance(error, DeclinedError) else error
        shown.show()
        sys.exit(shown.exit_code)
    except (Interrupted, KeyboardInterrupt, click.exceptions.Abort) as interruption:
        _end_interrupted(interruption)
    except Exception as error:  # noqa: BLE001 (the last resort: a person wants one line)
        if (behind := _interruption_behind(error)) is not None:
            _end_interrupted(behind)
        if verbose:
            traceback.print_exc()
        elif refusal := disk.full(error):
            click.echo(f"Error: {refusal}", err=True)
        else:
            hint = ". Next: `clearlift migrate up` makes what is missing" if _is_not_set_up(error) else ""
            click.echo(f"Error: {one_line(error)}{hint}", err=True)
            click.echo("--verbose shows the trace.", err=True)
        sys.exit(1)


def _end_interrupted(interruption: BaseException) -> NoReturn:
    number = interruption.number if isinstance(interruption, Interrupted) else signal.SIGINT
    click.echo("Interrupted. Run the same command again to go on.", err=True)
    sys.exit(128 + number)


def _interruption_behind(error: BaseException) -> BaseException | None:
    """The interruption after which an error came, as from a connection that was left in the middle of a statement."""
    behind: BaseException | None = error
    while behind is not None and not isinstance(behind, (Interrupted, KeyboardInterrupt)):
        behind = behind.__cause__ or behind.__context__
    return behind


def _is_not_set_up(error: BaseException) -> bool:
    """Whether a store lacks a table or column: by its error's name, because not every command imports its package; of
    SQLite by its words, because all its errors have one name."""
    lacking = {"UndefinedTable", "UndefinedColumn", "InvalidSchemaName", "NoSuchTableError", "NoSuchNamespaceError"}
    words = ("no such table", "no such column", "has no column named", "cannot join using column")
    return type(error).__name__ in lacking or any(said in str(error) for said in words)


def one_line(error: BaseException) -> str:
    """An error as one line; the name of its type where it has no text."""
    text = " ".join(str(error).split())
    return (text if len(text) <= LONGEST else f"{text[:LONGEST]} …") if text else type(error).__name__


def dagster_home(chosen: "Settings") -> Path:
    """The folder of run history, set as DAGSTER_HOME for this process and its children.

    DAGSTER_HOME where it is set; dagster/ of the home folder where CLEARLIFT_HOME is; else dagster_home/ of the
    project, whose dagster.yaml serves both.
    """
    named = os.environ.get("DAGSTER_HOME")
    home = shared = Path(named).expanduser().resolve() if named else folder() / "dagster_home"
    if not (shared / "dagster.yaml").exists():
        first = "unset DAGSTER_HOME" if named else "run from the project's folder"
        raise DeclinedError(f"{shared} holds no dagster.yaml", f"{first}, or set DAGSTER_HOME to a folder that does")
    if not named and "home" in chosen.model_fields_set:
        home = chosen.made_home() / "dagster"
        private.make_folder(home)
        link = home / "dagster.yaml"
        if not link.exists():  # a link whose target is missing does not exist either
            link.unlink(missing_ok=True)
            with suppress(FileExistsError):
                link.symlink_to(shared / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    return home
