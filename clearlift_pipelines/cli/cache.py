"""`clearlift cache`: an emptied namespace made warm again, and how warm each family is."""

from collections.abc import Iterator

import click
from rich.table import Table

from assets.apps import APPS, App
from assets.cache.demand import read_lately
from assets.cache.families import families
from assets.cache.survey import Place
from assets.cache.warm import Warming
from clearlift_pipelines.cli.execution import Workbench, workbench
from clearlift_pipelines.stores import utc_now

APP = click.option("--app", "app_name", type=click.Choice([app.name for app in APPS]), help="One application only.")
FAMILY = click.option("--family", "family_name", help="One family only, by its name.")


@click.group()
def cache() -> None:
    """Fill an emptied KV namespace again, or say how warm each is."""


@cache.command()
@APP
@FAMILY
def rebuild(app_name: str | None, family_name: str | None) -> None:
    """Write every wanted key anew, most wanted first, without a budget: for a namespace that was emptied."""
    with workbench() as bench:
        written = size = 0
        for app, place in _most_read_first(bench, _places(app_name, family_name)):
            warming = _warming(bench, app)
            warming.forget(place)
            done = warming.run(place, progress=bench.bar(f"{app.name}: {place.family.name}"))
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
    """Each family: keys in the index and expired ones of them, keys wanted, and how many of these are current."""
    with workbench() as bench:
        bench.progress.stop()
        table = Table("family", "keys", "wanted", "current", "expired", "fresh", box=None)
        for app, place in _places(app_name, family_name):
            warming = _warming(bench, app)
            found = warming.survey(place)
            held = warming.held(place)
            share = found.fresh(found.wrong_before)
            table.add_row(
                f"{app.name}/{place.family.name}",
                f"{held.keys:,}",
                f"{found.wanted:,}",
                f"{found.wanted - found.wrong_before:,}",
                f"{held.expired:,}",
                "" if share is None else f"{share:.1%}",
            )
        bench.console.print(table)


def _places(app_name: str | None, family_name: str | None) -> list[tuple[App, Place]]:
    found = [
        (app, Place(app.name, app.audience is not None, family))
        for app in APPS
        for family in families(app)
        if app_name in (None, app.name) and family_name in (None, family.name)
    ]
    if not found:
        names = sorted({family.name for app in APPS if app_name in (None, app.name) for family in families(app)})
        raise click.BadParameter(f"no family {family_name!r}; there are {', '.join(names)}", param_hint="--family")
    return found


def _most_read_first(bench: Workbench, places: list[tuple[App, Place]]) -> Iterator[tuple[App, Place]]:
    reads = {app.name: read_lately(bench.stores.postgres, app.name) for app, _ in places}
    return iter(sorted(places, key=lambda found: -reads[found[0].name].get(found[1].family.name, 0)))


def _warming(bench: Workbench, app: App) -> Warming:
    return Warming(bench.stores.kv(app), bench.stores.d1(app), bench.stores.postgres, utc_now)
