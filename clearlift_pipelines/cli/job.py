"""`clearlift job`: every job of the graph, run in this process with the arguments that its assets take.

What belongs here: options made of a job's partitions and of its assets' configuration, and what a run says at its end.
What does not: which jobs there are (assets/*/capability.py), and what they take (jobs.py).
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any

import click
from dagster import (
    BoolMetadataValue,
    FloatMetadataValue,
    IntMetadataValue,
    JobExecutionResult,
    TableMetadataValue,
)

from clearlift_pipelines import settings
from clearlift_pipelines.cli.execution import workbench
from clearlift_pipelines.cli.jobs import Field, RunnableJob, runnable
from clearlift_pipelines.cli.sandbox import platforms
from clearlift_pipelines.cli.tables import JSON_ONLY, Column, Columns, as_told, json_option, printed
from clearlift_pipelines.definitions import build_defs

TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H"])
# Their assets ask the ad platforms, or the sandbox that the sample's connections lead to.
ASK_PLATFORMS = frozenset({"ads", "attribution"})

COUNTS = (BoolMetadataValue, FloatMetadataValue, IntMetadataValue)
LONGEST_TABLE = 60  # rows
JOBS = Columns("jobs", "job list", {"job": "job", "apps": "app", "takes": "takes", "what": "what it does"})
MADE = Columns("assets", "job JOB", {"asset": "", "said": "", "numbers": JSON_ONLY})


class Jobs(click.Group):
    """One command for each job, made when it is asked for."""

    @cached_property
    def every(self) -> dict[str, RunnableJob]:
        """The jobs of all apps by their names without the app's."""
        return runnable(build_defs(settings.load()))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *sorted(self.every)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands:
            return super().get_command(ctx, cmd_name)
        job = self.every.get(cmd_name)
        return _command(job) if job is not None else None


@click.group(cls=Jobs)
def job() -> None:
    """Run a job of the graph by hand, without the daemon.

    \b
    Example: clearlift job list
    Example: clearlift job warm --app clearlift
    """


@job.command(name="list")
@click.pass_context
@printed
def list_jobs(context: click.Context) -> None:
    """Every job: whose it is, what it does, what it takes.

    Example: clearlift job list
    """
    assert context.parent is not None
    jobs = context.parent.command
    assert isinstance(jobs, Jobs)
    table = JOBS.table()
    for name, found in sorted(jobs.every.items()):
        takes = [option.opts[0] for option in _options(found) if option.name != "app"]
        table.add(job=name, apps=[app.name for app in found.apps], takes=takes, what=found.description)
    table.show()


def _command(found: RunnableJob) -> click.Command:
    return click.Command(
        found.name,
        params=[*_options(found), json_option()],
        callback=as_told(lambda **given: _run(found, given)),
        help=f"{found.description}\n\nExample: clearlift job {found.name} --app {found.apps[0].name}",
    )


def _options(found: RunnableJob) -> list[click.Option]:
    names = [app.name for app in found.apps]
    default: dict[str, Any] = {"default": names[0]} if len(names) == 1 else {"required": True}
    options = [click.Option(["--app"], type=click.Choice(names), help="Which app.", **default)]
    if found.partitioned:
        options += [
            click.Option(["--partition"], help="The key of one partition."),
            click.Option(["--from", "first"], type=TIME, help="Partitions from this day or hour on, UTC."),
            click.Option(["--to", "end"], type=TIME, help="Partitions before this day or hour, UTC."),
        ]
    if len(found.assets) > 1:
        choice = click.Choice(found.assets)
        options.append(click.Option(["--asset"], type=choice, multiple=True, help="Only this asset; may be repeated."))
    return [*options, *(_option(field) for field in found.fields.values())]


def _option(field: Field) -> click.Option:
    flag = field.name.replace("_", "-")
    if field.type is bool:
        said = " [default: yes]" if field.default else ""
        return click.Option([f"--{flag}/--no-{flag}"], default=None, help=f"{field.description}{said}")
    said = f" [default: {field.default}]" if field.default not in (None, "", []) else ""
    many = field.type is list
    return click.Option(
        [f"--{flag}"], type=str if many else field.type, multiple=many, help=f"{field.description}{said}"
    )


def _run(found: RunnableJob, given: dict[str, Any]) -> None:
    name = given.pop("app")
    app = next(app for app in found.apps if app.name == name)
    keys = found.keys(app, given.pop("partition", None), given.pop("first", None), given.pop("end", None))
    named = given.pop("asset", ())
    chosen = found.objects(app, named)
    config = found.config(app, chosen, {option: value for option, value in given.items() if value not in (None, ())})
    with workbench() as bench:
        bench.stores.prepare()
        asks_platforms = bool({capability for capability, _ in chosen} & ASK_PLATFORMS)
        with platforms(bench.stores) if asks_platforms else nullcontext():
            done = bench.run(app, found.name, *keys, config=config, assets=chosen if named else None)
        bench.progress.stop()
        _say(done)


def _say(done: JobExecutionResult) -> None:
    """What each asset counted. Checks that failed have said so before."""
    # Of a range of partitions each has the same event.
    events = (event.materialization for event in done.get_asset_materialization_events())
    made = {materialization.asset_key: materialization for materialization in events}
    overview = MADE.table()
    for key, materialization in made.items():
        counts = {name: value.value for name, value in materialization.metadata.items() if isinstance(value, COUNTS)}
        said = ", ".join(f"{name} {value}" for name, value in counts.items() if "/" not in name)
        overview.add(asset="/".join(key.path), said=said or "made", numbers=counts)
    overview.show()
    for materialization in made.values():
        for name, value in materialization.metadata.items():
            if isinstance(value, TableMetadataValue) and name != "preview":
                _show_recorded(name, [record.data for record in value.records])


def _show_recorded(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """A table that an asset recorded, by the names that the asset gave it and its columns."""
    table = Columns(name, "job JOB", {column: Column(column, str) for column in rows[0]}).table()
    for row in rows[:LONGEST_TABLE]:
        table.add(**row)
    table.show(title=name)
    if len(rows) > LONGEST_TABLE:
        click.echo(f"{len(rows) - LONGEST_TABLE} more: see the UI")
