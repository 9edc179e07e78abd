"""`clearlift cache`: fills an emptied namespace again, compares KV with its index, shows how warm each family is.

What belongs here: what people type and read. What does not: the work (assets/cache), which is imported by the command
that needs it, so that help starts at once.
"""

from typing import TYPE_CHECKING

import click
from rich.text import Text

from assets.apps import APPS, App
from clearlift_pipelines.cli.tables import Column, Columns, percent, printed
from clearlift_pipelines.cli.terminal import Terminal, terminal
from resources.counts import counted

if TYPE_CHECKING:
    from assets.cache.wanted import Family

APP = click.option("--app", "app_name", type=click.Choice([app.name for app in APPS]), help="Only this application.")
FAMILY = click.option("--family", "family_name", help="Only the family of this name.")

FAMILIES = Columns(
    "families",
    "cache status",
    {
        "family": "family",
        "keys": "keys",
        "wanted": "wanted",
        "current": "current",
        "expired": "expired",
        "fresh": Column("fresh", percent),
    },
)
LOOKS = Columns(
    "families",
    "cache verify",
    {
        "family": "family",
        "keys": "keys",
        "by_index": Column("by index", percent),
        "found": Column("found", percent),
        "missing": "missing",
        "overwritten": "overwritten",
        "surplus": "surplus",
        "written": "written",
    },
)


@click.group()
def cache() -> None:
    """Fill an emptied KV namespace again, compare KV with its index, or show how warm each family is.

    Example: clearlift cache status
    """


@cache.command()
@APP
@FAMILY
def rebuild(app_name: str | None, family_name: str | None) -> None:
    """Write every wanted key again, most wanted first, without a budget: for a namespace that was emptied.

    Example: clearlift cache rebuild --app clearlift
    """
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
@printed
def status(app_name: str | None, family_name: str | None) -> None:
    """Each family: keys in the index, how many of them expired, keys wanted, how many of these are current.

    Example: clearlift cache status --app clearlift --json
    """
    from assets.cache import warm

    with terminal() as opened:
        opened.progress.stop()
        table = FAMILIES.table()
        for app, family in _families(app_name, family_name):
            warming = warm.of(opened.stores, app)
            survey = warming.survey(family)
            indexed = warming.indexed(family)
            table.add(
                family=f"{app.name}/{family.name}",
                keys=indexed.keys,
                wanted=survey.wanted,
                current=survey.wanted - survey.wrong_before,
                expired=indexed.expired,
                fresh=survey.fresh(survey.wrong_before),
            )
        table.show()


@cache.command()
@APP
@click.option("--dry-run", is_flag=True, help="Only look; change nothing.")
@printed
def verify(app_name: str | None, dry_run: bool) -> None:
    """List every key of KV, write again what is missing or overwritten, and delete what is in no index.

    Ends with an error if something was wrong.

    Example: clearlift cache verify --dry-run
    """
    from assets.cache import verify as verification

    with terminal() as opened:
        table = LOOKS.table()
        wrong = 0
        for app in {app.name: app for app, _ in _families(app_name, None)}.values():
            looking = verification.of(opened.stores, app)
            for look in looking.run(dry_run=dry_run, progress=opened.bar(f"{app.name}: keys listed")):
                table.add(
                    family=f"{app.name}/{look.family}",
                    keys=look.keys,
                    by_index=look.by_index,
                    found=look.found,
                    missing=look.missing,
                    overwritten=look.overwritten,
                    surplus=look.surplus,
                    written=look.written,
                )
                wrong += look.wrong + look.surplus
        opened.progress.stop()
        table.show()
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
