"""`clearlift retention`: what is old enough to go, what of it may, and deleting it."""

import uuid
from collections.abc import Iterator, Sequence

import click
from rich.table import Table

from assets.apps import APPS, App
from assets.apps.lifecycle import Lifecycle
from assets.retention.engine import Tools, entries, prune
from assets.retention.outcome import Outcome
from clearlift_pipelines.cli.execution import Workbench, workbench
from clearlift_pipelines.cli.tables import show

SHOWN = ("app", "name", "before", "rows", "would go", "kept back", "why")
APP = click.option("--app", "app_name", type=click.Choice([app.name for app in APPS]), help="One application only.")
TABLE = click.option("--table", help="One table or prefix only, as `clearlift policy` shows it.")


@click.group()
def retention() -> None:
    """Delete what the policy says is to go, where all that must be true first is proved."""


@retention.command()
@APP
@TABLE
def plan(app_name: str | None, table: str | None) -> None:
    """What would go now, what is kept back and why. Nothing is deleted."""
    with workbench() as bench:
        outcomes = list(_each(bench, _wanted(app_name, table), dry_run=True, confirmed=False))
        bench.progress.stop()
        shown = Table(*SHOWN, box=None)
        for outcome in outcomes:
            order = outcome.order
            reasons = dict.fromkeys(held.why for held in outcome.held_back)
            why = "; ".join([*([outcome.stopped] if outcome.stopped else []), *reasons])
            cells = (f"{order.before:%Y-%m-%d}", f"{outcome.total:,}", f"{outcome.going:,}", f"{outcome.held_rows:,}")
            shown.add_row(order.app, order.entry.name, *cells, why)
        show(shown)
        _refuse_damaged(outcomes)


@retention.command()
@APP
@TABLE
@click.option("--confirm", is_flag=True, help="Also where a larger share of a table goes than its policy expects.")
def run(app_name: str | None, table: str | None, confirm: bool) -> None:
    """Delete what may go."""
    with workbench() as bench:
        outcomes = []
        for outcome in _each(bench, _wanted(app_name, table), dry_run=False, confirmed=confirm):
            outcomes.append(outcome)
            if outcome.deleted or outcome.held_back:
                order, kept = outcome.order, f", {outcome.held_rows:,} kept back" if outcome.held_back else ""
                click.echo(f"{order.app} {order.entry.name}: {outcome.deleted:,} rows deleted{kept}")
        bench.progress.stop()
        click.echo(f"{sum(outcome.deleted for outcome in outcomes):,} rows deleted")
        stopped = [outcome.stopped for outcome in outcomes if outcome.stopped]
        if stopped:
            raise click.ClickException("\n".join(stopped))
        _refuse_damaged(outcomes)


def _wanted(app_name: str | None, table: str | None) -> list[tuple[App, Lifecycle]]:
    found = [
        (app, entry)
        for app in APPS
        if app_name in (None, app.name)
        for entry in entries(app)
        if table in (None, entry.name, entry.table)
    ]
    if not found:
        known = sorted({entry.name for app in APPS if app_name in (None, app.name) for entry in entries(app)})
        raise click.ClickException(f"{table!r} is nothing that retention deletes; it deletes of {', '.join(known)}")
    return found


def _each(
    bench: Workbench, wanted: Sequence[tuple[App, Lifecycle]], *, dry_run: bool, confirmed: bool
) -> Iterator[Outcome]:
    stores, name = bench.stores, f"clearlift retention {uuid.uuid4()}"
    stores.migrate()
    for app, entry in wanted:
        yield prune(Tools(app, stores, name), entry, dry_run=dry_run, confirmed=confirmed)


def _refuse_damaged(outcomes: Sequence[Outcome]) -> None:
    faults = list(dict.fromkeys(fault for outcome in outcomes for fault in outcome.faults))
    for fault in faults:
        click.echo(f"damaged {fault}")
    if faults:
        raise click.ClickException("archives are damaged: nothing that lies in them was deleted")
