"""`clearlift cache`: fills an emptied namespace again, compares KV with its index, shows how warm each family is.

What belongs here: what people type and read. What does not: the work (assets/cache), which is imported by the command
that needs it, so that help starts at once.
"""

from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from assets.apps import APPS, App
from clearlift_pipelines.cli.tables import show
from clearlift_pipelines.cli.terminal import Terminal, terminal
from resources.counts import counted

if TYPE_CHECKING:
    from assets.cache.wanted import Family

APP = click.option("--app", "app_name", type=click.Choice([app.name for app in APPS]), help="Only this application.")
FAMILY = click.option("--family", "family_name", help="Only the family of this name.")


@click.group()
def cache() -> None:
    """Fill an emptied KV namespace again, compare KV with its index, or show how warm each family is."""


@cache.command()
@APP
@FAMILY
def rebuild(app_name: str | None, family_name: str | None) -> None:
    """Write every wanted key again, most wanted first, without a budget: for a namespace that was emptied."""
    from assets.cache import warm

    with terminal() as opened:
        written = size = 0
        for app, family in _most_read_first(opened, _families(app_name, family_name)):
            warming = warm.of(opened.stores, app)
            warming.forget(family)
            done = warming.run(family, progress=opened.bar(f"{app.name}: {family.name}"))
            written += done.written
            size += done.bytes_written
            for reason in done.survey.refused.examples:
                opened.console.print(Text.assemble(("refused", "red"), f" {reason}"))
        opened.progress.stop()
        opened.console.print(f"{counted(written, 'key')} written, {size / 1e6:,.1f} MB")


@cache.command()
@APP
@FAMILY
def status(app_name: str | None, family_name: str | None) -> None:
    """Each family: keys in the index, how many of them expired, keys wanted, how many of these are current."""
    from assets.cache import warm

    with terminal() as opened:
        opened.progress.stop()
        table = Table("family", "keys", "wanted", "current", "expired", "fresh", box=None)
        for app, family in _families(app_name, family_name):
            warming = warm.of(opened.stores, app)
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
        show(table)


@cache.command()
@APP
@click.option("--dry-run", is_flag=True, help="Only look; change nothing.")
def verify(app_name: str | None, dry_run: bool) -> None:
    """List every key of KV, write again what is missing or overwritten, and delete what is in no index.

    Ends with an error if something was wrong.
    """
    from assets.cache import verify as verification

    with terminal() as opened:
        table = Table("family", "keys", "by index", "found", "missing", "overwritten", "surplus", "written", box=None)
        wrong = 0
        for app in {app.name: app for app, _ in _families(app_name, None)}.values():
            looking = verification.of(opened.stores, app)
            for look in looking.run(dry_run=dry_run, progress=opened.bar(f"{app.name}: keys listed")):
                shares = ("" if share is None else f"{share:.1%}" for share in (look.by_index, look.found))
                counts = (look.missing, look.overwritten, look.surplus, look.written)
                table.add_row(f"{app.name}/{look.family}", f"{look.keys:,}", *shares, *(f"{n:,}" for n in counts))
                wrong += look.wrong + look.surplus
        opened.progress.stop()
        show(table)
    if wrong:
        done = "Nothing was changed." if dry_run else "They were written again or deleted."
        raise click.ClickException(
            f"{counted(wrong, 'key in KV was', 'keys in KV were')} not as the index says. {done}"
        )


def _families(app_name: str | None, family_name: str | None) -> "list[tuple[App, Family]]":
    from assets.cache.families import families

    chosen = [(app, family) for app in APPS for family in families(app) if app_name in (None, app.name)]
    wanted = [(app, family) for app, family in chosen if family_name in (None, family.name)]
    if not wanted:
        names = ", ".join(sorted({family.name for _, family in chosen}))
        raise click.BadParameter(f"no family {family_name!r}; there are {names}", param_hint="--family")
    return wanted


def _most_read_first(opened: Terminal, wanted: "list[tuple[App, Family]]") -> "list[tuple[App, Family]]":
    from assets.cache.demand import read_lately

    reads = {app.name: read_lately(opened.stores.postgres, app.name) for app, _ in wanted}
    return sorted(wanted, key=lambda pair: -reads[pair[0].name].get(pair[1].name, 0))
