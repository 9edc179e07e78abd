"""`clearlift retention`: what is old enough to go, which of it may, and deleting it.

What belongs here: what people type and read. What does not: the work (assets/retention), which is imported by the
command that needs it, so that help starts at once.
"""

import uuid
from collections.abc import Iterator, Sequence

import click

from assets.apps import APPS, App
from assets.apps.lifecycle import Lifecycle
from assets.retention.deletion import DeletionOutcome
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.cli.tables import Columns, printed
from clearlift_pipelines.cli.terminal import Terminal, terminal
from resources.counts import counted
from resources.declined import DeclinedError

PLAN = Columns(
    "plan",
    "retention plan",
    {
        "app": "app",
        "name": "name",
        "before": "before",
        "rows": "rows",
        "going": "would go",
        "kept_back": "kept back",
        "why": "why",
    },
)
APP = click.option("--app", "app_name", type=click.Choice([app.name for app in APPS]), help="One app only.")
TABLE = click.option("--table", help="One table or prefix only, as `clearlift policy` shows it.")


@click.group()
def retention() -> None:
    """Delete rows that the policy says are to go, where its conditions are proved.

    Example: clearlift retention plan
    """


@retention.command()
@APP
@TABLE
@printed
def plan(app_name: str | None, table: str | None) -> None:
    """Show what would go now, what is kept back and why. Nothing is deleted.

    Example: clearlift retention plan --app clearlift
    """
    with terminal() as opened:
        outcomes = list(_pruned(opened, _wanted(app_name, table), dry_run=True, confirmed=False))
        opened.progress.stop()
        shown = PLAN.table()
        for outcome in outcomes:
            deletion = outcome.deletion
            reasons = dict.fromkeys(held.why for held in outcome.held_back)
            why = "; ".join([*([str(outcome.stopped)] if outcome.stopped else []), *reasons])
            shown.add(
                app=deletion.app,
                name=deletion.entry.name,
                before=deletion.before.date(),
                rows=outcome.total,
                going=outcome.going,
                kept_back=outcome.held_rows,
                why=why,
            )
        shown.show()
        _refuse_damaged(outcomes)


@retention.command()
@APP
@TABLE
@click.option("--confirm", is_flag=True, help="Also where a larger share of a table goes than its policy expects.")
def run(app_name: str | None, table: str | None, confirm: bool) -> None:
    """Delete what may go.

    Example: clearlift retention run --app clearlift
    """
    with terminal() as opened:
        outcomes = []
        for outcome in _pruned(opened, _wanted(app_name, table), dry_run=False, confirmed=confirm):
            outcomes.append(outcome)
            if outcome.deleted:
                of = outcome.deletion
                noted(opened.stores, "changed", of.app, of.entry.store, of.entry.name, rows=outcome.deleted)
            if outcome.deleted or outcome.held_back:
                why = "; ".join(dict.fromkeys(held.why for held in outcome.held_back))
                deletion, kept = outcome.deletion, f", {outcome.held_rows:,} kept back: {why}" if why else ""
                click.echo(f"{deletion.app} {deletion.entry.name}: {counted(outcome.deleted, 'row')} deleted{kept}")
        opened.progress.stop()
        click.echo(f"{counted(sum(outcome.deleted for outcome in outcomes), 'row')} deleted")
        stopped = [outcome.stopped for outcome in outcomes if outcome.stopped]
        if stopped:
            raise DeclinedError.together(stopped)
        _refuse_damaged(outcomes)


def _wanted(app_name: str | None, table: str | None) -> list[tuple[App, Lifecycle]]:
    from assets.retention.stores import entries

    wanted = [
        (app, entry)
        for app in APPS
        if app_name in (None, app.name)
        for entry in entries(app)
        if table in (None, entry.name, entry.table)
    ]
    if not wanted:
        known = sorted({entry.name for app in APPS if app_name in (None, app.name) for entry in entries(app)})
        raise DeclinedError(f"{table!r} is nothing that retention deletes", f"name one of {', '.join(known)}")
    return wanted


def _pruned(
    opened: Terminal, wanted: Sequence[tuple[App, Lifecycle]], *, dry_run: bool, confirmed: bool
) -> Iterator[DeletionOutcome]:
    from assets.retention.stores import prune

    run_id = f"clearlift retention {uuid.uuid4()}"
    opened.stores.prepare()
    for app, entry in wanted:
        yield prune(opened.stores, app, entry, run_id=run_id, dry_run=dry_run, confirmed=confirmed)


def _refuse_damaged(outcomes: Sequence[DeletionOutcome]) -> None:
    from assets.archive.commands import repairs

    faults = list(dict.fromkeys(fault for outcome in outcomes for fault in outcome.faults))
    for fault in faults:
        click.echo(f"damaged {fault}")
    if faults:
        raise DeclinedError("archives are damaged, nothing that lies in them was deleted", repairs(faults))
