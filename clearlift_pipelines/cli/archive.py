"""`clearlift archive`: list, verify and restore archives, or archive a quarter now.

What belongs here: what people type and read. What does not: the work (assets/archive), which is imported by the command
that needs it, so that help starts at once.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from assets.apps import APPS, App
from assets.apps.lifecycle import Lifecycle
from assets.archive.quarters import Quarter
from clearlift_pipelines.cli.tables import show
from clearlift_pipelines.cli.terminal import terminal

if TYPE_CHECKING:
    from assets.rows.target import Into

SHOWN = ("app", "table", "quarter", "bucket", "revision", "state", "rows", "parts", "MB", "sealed")
BY_NAME = {app.name: app for app in APPS}


class _Quarter(click.ParamType[Quarter]):
    name = "quarter"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Quarter:
        try:
            return value if isinstance(value, Quarter) else Quarter.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


APP = click.argument("app_name", metavar="APP", type=click.Choice(list(BY_NAME)))
TABLE = click.argument("table")
QUARTER = click.argument("quarter", type=_Quarter())
ORG = click.option("--org", help="One organisation's tag, user's id or bucket only.")


@click.group()
def archive() -> None:
    """List, verify and restore archives, or archive a quarter now."""


@archive.command("list")
@click.argument("app_name", metavar="[APP]", required=False, type=click.Choice(list(BY_NAME)))
@click.argument("table", required=False)
def list_(app_name: str | None, table: str | None) -> None:
    """List sealed archives, and what a killed run left unsealed."""
    from assets.archive.registry import ArchiveRegistry
    from assets.archive.tables import archived

    with terminal() as opened:
        opened.progress.stop()
        shown = Table(*SHOWN, box=None)
        for app in APPS:
            if app_name not in (None, app.name):
                continue
            entries = [archived(app, table)] if table else [e for e in app.lifecycles if e.archive]
            for entry in entries:
                registry = ArchiveRegistry(opened.stores.postgres, app.name, entry.table)
                for r in sorted([*registry.sealed(), *registry.unsettled()], key=lambda r: (r.quarter, r.bucket)):
                    size = f"{(r.packed_bytes or 0) / 1e6:,.2f}"
                    at = f"{r.sealed_at:%Y-%m-%d %H:%M}" if r.sealed_at else ""
                    cells = (str(r.quarter), r.bucket, str(r.number), r.state, f"{r.rows or 0:,}", str(r.parts or 0))
                    shown.add_row(app.name, entry.table, *cells, size, at)
        if shown.row_count:
            show(shown)
        else:
            click.echo("Nothing is archived.")


@archive.command()
@APP
@TABLE
@QUARTER
def run(app_name: str, table: str, quarter: Quarter) -> None:
    """Archive what of a quarter is not archived yet."""
    from assets.archive.write import Archiver

    app, entry = _entry(app_name, table)
    with terminal() as opened:
        done = Archiver.of(opened.stores, app, entry).run(quarter)
        opened.progress.stop()
        click.echo(
            f"{done.sealed} buckets sealed, {done.unchanged} unchanged: {done.rows:,} rows in {done.parts} parts, "
            f"{done.packed_bytes / 1e6:,.2f} MB"
        )


@archive.command()
@APP
@TABLE
@QUARTER
@ORG
def verify(app_name: str, table: str, quarter: Quarter, org: str | None) -> None:
    """Read a quarter's archive whole and name what is wrong with it."""
    from assets.archive.verify import verify as verify_all

    app, entry = _entry(app_name, table)
    with terminal() as opened:
        stores, bar = opened.stores, opened.bar(f"{table} {quarter}")
        wanted = _wanted(entry, org)
        done = verify_all(stores.object_store, stores.postgres, app.name, entry.table, quarter, wanted, bar)
        opened.progress.stop()
        for fault in done.faults:
            click.echo(f"damaged {fault}")
        click.echo(f"{done.buckets} buckets, {done.parts} parts, {done.rows:,} rows read")
        if done.faults or not done.buckets:
            raise click.ClickException("the archive is damaged" if done.faults else _none_such(table, quarter, org))


@archive.command()
@APP
@TABLE
@QUARTER
@ORG
@click.option("--into", type=click.Choice(["side", "live"]), default="side", show_default=True)
def restore(app_name: str, table: str, quarter: Quarter, org: str | None, into: "Into") -> None:
    """Bring archived rows back, into a table beside the live one or into the live one. Rows that are there stay.

    Rows of people who were erased do not come back.
    """
    from assets.archive.restore import PartialRestoreError, Restore

    app, entry = _entry(app_name, table)
    with terminal() as opened:
        try:
            done = Restore.of(opened.stores, app, entry, into).run(quarter, _wanted(entry, org))
        except PartialRestoreError as error:
            raise click.ClickException(str(error)) from None
        opened.progress.stop()
        click.echo(
            f"{done.added:,} rows added to {done.target}: {done.rows:,} were archived, "
            f"{done.erased:,} of people who were erased"
        )


def _entry(app_name: str, table: str) -> tuple[App, Lifecycle]:
    from assets.archive.tables import archived

    app = BY_NAME[app_name]
    try:
        return app, archived(app, table)
    except LookupError as error:
        raise click.ClickException(str(error)) from None


def _none_such(table: str, quarter: Quarter, org: str | None) -> str:
    return f"{table} {quarter}: no sealed archive" + (f" of {org}" if org else "")


def _wanted(entry: Lifecycle, org: str | None) -> Callable[[str], bool]:
    """Whether a bucket is wanted: its own name, or a value that lies in it."""
    from assets.archive.layout import bucket_of

    if org is None:
        return lambda _: True
    assert entry.archive is not None  # _entry asked
    buckets = {org, bucket_of(org, entry.archive.buckets)}
    return lambda name: name in buckets
