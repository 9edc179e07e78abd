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
    ExecuteInProcessResult,
    FloatMetadataValue,
    IntMetadataValue,
    TableMetadataValue,
)
from rich.table import Table

from clearlift_pipelines import settings
from clearlift_pipelines.cli.execution import workbench
from clearlift_pipelines.cli.jobs import Field, RunnableJob, runnable
from clearlift_pipelines.cli.sandbox import platforms
from clearlift_pipelines.cli.tables import show
from clearlift_pipelines.definitions import build_defs

TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H"])
# Their assets ask the ad platforms, or the sandbox that the sample's connections lead to.
ASK_PLATFORMS = frozenset({"ads", "attribution"})

COUNTS = (BoolMetadataValue, FloatMetadataValue, IntMetadataValue)
LONGEST_TABLE = 60  # rows


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
    """Run a job of the graph by hand, without the daemon."""


@job.command(name="list")
@click.pass_context
def list_jobs(context: click.Context) -> None:
    """Every job: whose it is, what it does, what it takes."""
    assert context.parent is not None
    jobs = context.parent.command
    assert isinstance(jobs, Jobs)
    table = Table("job", "app", "takes", "what it does", box=None)
    for name, found in sorted(jobs.every.items()):
        takes = [option.opts[0] for option in _options(found) if option.name != "app"]
        table.add_row(name, " ".join(app.name for app in found.apps), " ".join(takes), found.description)
    show(table)


def _command(found: RunnableJob) -> click.Command:
    return click.Command(
        found.name,
        params=list(_options(found)),
        callback=lambda **given: _run(found, given),
        help=found.description,
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


def _say(done: ExecuteInProcessResult) -> None:
    """What each asset counted. Checks that failed have said so before."""
    # Of a range of partitions each has the same event.
    events = (event.materialization for event in done.get_asset_materialization_events())
    made = {materialization.asset_key: materialization for materialization in events}
    overview = Table("asset", "", box=None, show_header=False)
    for key, materialization in made.items():
        counts = {name: value.value for name, value in materialization.metadata.items() if isinstance(value, COUNTS)}
        said = ", ".join(f"{name} {value}" for name, value in counts.items() if "/" not in name)
        overview.add_row("/".join(key.path), said or "made")
    show(overview)
    for materialization in made.values():
        for name, value in materialization.metadata.items():
            if isinstance(value, TableMetadataValue) and name != "preview":
                show(_table(name, [record.data for record in value.records]))


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(*rows[0], title=name, title_justify="left", box=None)
    for row in rows[:LONGEST_TABLE]:
        table.add_row(*map(str, row.values()))
    if len(rows) > LONGEST_TABLE:
        table.caption = f"{len(rows) - LONGEST_TABLE} more: see the UI"
    return table
