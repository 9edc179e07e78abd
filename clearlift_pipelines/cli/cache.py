"""`clearlift cache`: fills an emptied namespace again, and shows how warm each family is."""

import click
from rich.table import Table

from assets.apps import APPS, App
from assets.cache import warm
from assets.cache.demand import read_lately
from assets.cache.families import families
from assets.cache.wanted import Family
from clearlift_pipelines.cli.execution import Workbench, workbench

APP = click.option("--app", "app_name", type=click.Choice([app.name for app in APPS]), help="Only this application.")
FAMILY = click.option("--family", "family_name", help="Only the family of this name.")


@click.group()
def cache() -> None:
    """Fill an emptied KV namespace again, or show how warm each family is."""


@cache.command()
@APP
@FAMILY
def rebuild(app_name: str | None, family_name: str | None) -> None:
    """Write every wanted key again, most wanted first, without a budget: for a namespace that was emptied."""
    with workbench() as bench:
        written = size = 0
        for app, family in _most_read_first(bench, _families(app_name, family_name)):
            warming = warm.of(bench.stores, app)
            warming.forget(family)
            done = warming.run(family, progress=bench.bar(f"{app.name}: {family.name}"))
            written += done.written
            size += done.bytes_written
            for reason in done.survey.refused.examples:
                bench.console.print(f"[red]refused[/red] {reason}")
        bench.progress.stop()
        bench.console.print(f"{written:,} keys written, {size / 1e6:,.1f} MB")


@cache.command()
@APP
@FAMILY
def status(app_name: str | None, family_name: str | None) -> None:
    """Each family: keys in the index, how many of them expired, keys wanted, how many of these are current."""
    with workbench() as bench:
        bench.progress.stop()
        table = Table("family", "keys", "wanted", "current", "expired", "fresh", box=None)
        for app, family in _families(app_name, family_name):
            warming = warm.of(bench.stores, app)
            survey = warming.survey(family)
            indexed = warming.indexed(family)
            share = survey.fresh(survey.wrong_before)
            table.add_row(
                f"{app.name}/{family.name}",
                f"{indexed.keys:,}",
                f"{survey.wanted:,}",
                f"{survey.wanted - survey.wrong_before:,}",
                f"{indexed.expired:,}",
                "" if share is None else f"{share:.1%}",
            )
        bench.console.print(table)


def _families(app_name: str | None, family_name: str | None) -> list[tuple[App, Family]]:
    chosen = [(app, family) for app in APPS for family in families(app) if app_name in (None, app.name)]
    wanted = [(app, family) for app, family in chosen if family_name in (None, family.name)]
    if not wanted:
        names = ", ".join(sorted({family.name for _, family in chosen}))
        raise click.BadParameter(f"no family {family_name!r}; there are {names}", param_hint="--family")
    return wanted


def _most_read_first(bench: Workbench, wanted: list[tuple[App, Family]]) -> list[tuple[App, Family]]:
    reads = {app.name: read_lately(bench.stores.postgres, app.name) for app, _ in wanted}
    return sorted(wanted, key=lambda pair: -reads[pair[0].name].get(pair[1].name, 0))
