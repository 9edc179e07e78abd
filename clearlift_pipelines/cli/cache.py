"""`clearlift cache`: fills an emptied namespace again, compares KV with its index, shows how warm each family is, and
the value of a key.

What belongs here: what people type and read. What does not: the work (assets/cache), which is imported by the command
that needs it, so that help starts at once.
"""

import json
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from assets.apps import APPS, App
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.cli.tables import Column, Columns, percent, printed
from clearlift_pipelines.cli.terminal import Terminal, terminal
from resources.counts import counted
from resources.declined import DeclinedError

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

VALUES = Columns("values", "cache show", {name: name for name in ("app", "family", "key", "value")})


@click.group()
def cache() -> None:
    """Fill an emptied KV namespace again, compare KV with its index, show how warm each family is, or one value.

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


@cache.command()
@click.argument("key")
@APP
@printed
def show(key: str, app_name: str | None) -> None:
    """The value of one key, as KV serves it. Keys that no family makes are the application's own, and are not read.

    \b
    Example: clearlift cache show dashboard:a3f7c2:summary:7d
    Example: clearlift cache show reference:platforms --app clearlift --json
    """
    from assets.cache import keys

    made = [(app, family) for app, family in _families(app_name, None) if keys.pattern(family.key).fullmatch(key)]
    if not made:
        raise DeclinedError("no family makes a key of this form", "docs/cache.md lists the keys of each app")
    with terminal() as opened:
        opened.progress.stop()
        found = [(app, family, value) for app, family in made if (value := opened.stores.kv(app).get(key)) is not None]
        if not found:
            app, family = made[0]
            again = f"`clearlift cache rebuild --app {app.name} --family {family.name}` writes every key that is wanted"
            raise DeclinedError(f"KV has no key {family.shown(key)}", again)
        if len(found) > 1:
            raise click.UsageError(f"say whose key: {' or '.join(f'--app {app.name}' for app, _, _ in found)}")
        ((app, family, value),) = found
        if app.holding("kv", family.name).erasure is not None:
            noted(opened.stores, "read", app.name, "kv", family.name, rows=1)
        table = VALUES.table()
        table.add(app=app.name, family=family.name, key=key, value=_json(family, key, value))
        if table.is_json:
            table.show()
        else:
            click.echo(json.dumps(table.rows[0]["value"], ensure_ascii=False, indent=1))


def _json(family: "Family", key: str, value: bytes) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        raise DeclinedError(
            f"the value of {family.shown(key)} is no JSON, so that another program wrote it",
            "`clearlift cache verify` writes it again",
        ) from None


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
