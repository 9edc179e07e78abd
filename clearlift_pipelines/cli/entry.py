"""The command group, its options, and what a person sees of an error."""

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

import click

COMMANDS = {
    "run": "run",
    "ui": "ui",
    "stop": "ui",
    "land": "landing",
    "quarantine": "landing",
    "backfill": "backfill",
    "compact": "compact",
    "upkeep": "upkeep",
    "sandbox": "ads",
    "status": "status",
    "doctor": "status",
    "migrate": "migrate",
}
"""Command → module of this package. A module is imported when its command runs: Dagster alone takes two seconds."""

SUMMARIES = {
    "run": "Bring everything up to date; land a sample first where there is no data.",
    "ui": "Dagster's UI with daemon, schedules and sensors.",
    "stop": "End the embedded Postgres server.",
    "land": "Put event files into the landing zone.",
    "quarantine": "List refused lines, or land them again.",
    "backfill": "Make partitions of a range again.",
    "compact": "Merge the lake's small files, or say what would be merged.",
    "upkeep": "Rewrite manifests, expire snapshots, remove files that nothing names.",
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
@click.option("--verbose", is_flag=True, help="Show the trace of an error.")
@click.pass_context
def cli(context: click.Context, verbose: bool) -> None:
    """ClearLift Pipelines. Settings come from CLEARLIFT_ variables or a .env file; README.md lists them."""
    context.obj = verbose


def main() -> None:
    """The entry point: exit code 0, 1 with one line on an error, 2 on a wrong command line, 130 when interrupted."""
    verbose = "--verbose" in sys.argv[1:]
    arguments = [a for a in sys.argv[1:] if a != "--verbose"]
    try:
        cli.main(args=arguments, standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        if verbose:
            traceback.print_exc()
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("Interrupted. Run the same command again to go on.", err=True)
        sys.exit(130)
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
    return text[:500] if text else type(error).__name__


def dagster_home() -> Path:
    """DAGSTER_HOME, by default dagster_home/ of the current folder; set for this process and its children."""
    home = Path(os.environ.get("DAGSTER_HOME") or "dagster_home").expanduser().resolve()
    if not (home / "dagster.yaml").exists():
        raise click.ClickException(
            f"{home} holds no dagster.yaml; run from the project's folder or set DAGSTER_HOME to one that does"
        )
    os.environ["DAGSTER_HOME"] = str(home)
    return home
