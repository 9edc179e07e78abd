"""`clearlift archive`: list, verify, repair and restore archives, or archive a quarter now.

What belongs here: what people type and read. What does not: the work (assets/archive), which is imported by the command
that needs it, so that help starts at once.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assets.apps import APPS, App
from assets.apps.lifecycle import Lifecycle
from assets.archive.quarters import Quarter
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.cli.tables import Column, Columns, megabytes, printed
from clearlift_pipelines.cli.terminal import Terminal, terminal
from resources.counts import counted
from resources.declined import DeclinedError

if TYPE_CHECKING:
    from assets.archive.copies import Copy
    from assets.rows.target import Into

ARCHIVES = Columns(
    "archives",
    "archive list",
    {
        **{name: name for name in ("app", "table", "quarter", "bucket", "revision", "state", "rows", "parts")},
        "bytes": Column("MB", megabytes),
        "sealed_at": "sealed",
    },
)
# How a damaged object ended, or would end in a dry run.
END: Mapping[tuple[str, bool], str] = {
    ("repaired", False): "repaired",
    ("repaired", True): "would repair",
    ("given up", False): "left out",
    ("given up", True): "would leave out",
    ("not repaired", False): "not repaired",
    ("not repaired", True): "cannot repair",
}
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
    """List, verify, repair and restore archives, or archive a quarter now.

    Example: clearlift archive list
    """


@archive.command("list")
@click.argument("app_name", metavar="[APP]", required=False, type=click.Choice(list(BY_NAME)))
@click.argument("table", required=False)
@printed
def list_(app_name: str | None, table: str | None) -> None:
    """List sealed archives, and what a killed run left unsealed.

    Example: clearlift archive list clearlift events
    """
    from assets.archive.registry import ArchiveRegistry

    with terminal() as opened:
        opened.progress.stop()
        shown = ARCHIVES.table()
        for app in APPS:
            if app_name not in (None, app.name):
                continue
            entries = [_entry(app.name, table)[1]] if table else [e for e in app.lifecycles if e.archive]
            for entry in entries:
                registry = ArchiveRegistry(opened.stores.postgres, app.name, entry.table)
                for r in sorted([*registry.sealed(), *registry.unsettled()], key=lambda r: (r.quarter, r.bucket)):
                    shown.add(
                        app=app.name,
                        table=entry.table,
                        quarter=str(r.quarter),
                        bucket=r.bucket,
                        revision=r.number,
                        state=r.state,
                        rows=r.rows or 0,
                        parts=r.parts or 0,
                        bytes=r.packed_bytes or 0,
                        sealed_at=r.sealed_at,
                    )
        shown.show("Nothing is archived.")


@archive.command()
@APP
@TABLE
@QUARTER
def run(app_name: str, table: str, quarter: Quarter) -> None:
    """Archive what of a quarter is not archived yet.

    Example: clearlift archive run clearlift events 2026Q1
    """
    from assets.archive.commands import command
    from assets.archive.write import Archiver
    from assets.events.ingest import pending

    app, entry = _entry(app_name, table)
    with terminal() as opened:
        done = Archiver.of(opened.stores, app, entry).run(quarter)
        opened.progress.stop()
        click.echo(
            f"{counted(done.sealed, 'bucket')} sealed, {done.nothing_new} without new rows, "
            f"{done.not_looked_at} not looked at: "
            f"{counted(done.rows, 'row')} in {counted(done.parts, 'part')}, {done.packed_bytes / 1e6:,.2f} MB"
        )
        if done.not_looked_at:
            click.echo(f"{command('verify', app.name, entry.table, quarter)} reads all of them")
        if entry.store == "lake" and (waiting := pending(app, opened.stores.object_store, opened.stores.postgres)):
            click.echo(
                f"Landed and not ingested, so not archived: {counted(len(waiting), 'batch', 'batches')}. "
                "Next: `clearlift run --no-sample`, then this command again"
            )


@archive.command()
@APP
@TABLE
@QUARTER
@ORG
def verify(app_name: str, table: str, quarter: Quarter, org: str | None) -> None:
    """Read a quarter's archive whole and name what is wrong with it.

    Example: clearlift archive verify clearlift events 2026Q1
    """
    from assets.archive.commands import command
    from assets.archive.sealed import NotArchivedError
    from assets.archive.verify import verify as verify_all

    app, entry = _entry(app_name, table)
    with terminal() as opened:
        stores, bar = opened.stores, opened.bar(f"{table} {quarter}")
        wanted = _wanted(entry, org)
        done = verify_all(stores.object_store, stores.postgres, app.name, entry.table, quarter, wanted, bar)
        opened.progress.stop()
        for fault in done.faults:
            click.echo(f"damaged {fault}")
        click.echo(
            f"{counted(done.buckets, 'bucket')}, {counted(done.parts, 'part')}, {counted(done.rows, 'row')} read"
        )
        if done.faults:
            again = command("repair", app.name, entry.table, quarter)
            raise DeclinedError("the archive is damaged", f"{again} repairs what can be repaired")
        if not done.buckets:
            raise NotArchivedError.of(app.name, entry.table, quarter)


@archive.command()
@APP
@TABLE
@click.argument("quarters", metavar="QUARTER…", type=_Quarter(), nargs=-1, required=True)
@click.option(
    "--from",
    "places",
    multiple=True,
    metavar="FILE|FOLDER|s3://BUCKET/PREFIX",
    help="Where copies of damaged objects may lie; a copy counts by its bytes.",
)
@click.option("--dry-run", is_flag=True, help="Show what would repair each object, and change nothing.")
@click.option("--accept-loss", is_flag=True, help="Go on without the parts that nothing repairs: their rows stay lost.")
def repair(
    app_name: str,
    table: str,
    quarters: tuple[Quarter, ...],
    places: tuple[str, ...],
    dry_run: bool,
    accept_loss: bool,
) -> None:
    """Repair damaged archives: from copies, from their own parts, from live rows.

    Example: clearlift archive repair clearlift events 2026Q1 --dry-run
    """
    from itertools import chain

    from assets.archive.commands import command
    from assets.archive.copies import Copies
    from assets.archive.repair import Repair

    app, entry = _entry(app_name, table)
    with terminal() as opened:
        copies = Copies(chain.from_iterable(_copies(opened, place) for place in places))
        engine = Repair.of(opened.stores, app, entry, copies, dry_run=dry_run, accept_loss=accept_loss)
        stuck: list[Quarter] = []
        for quarter in quarters:
            done = engine.run(quarter)
            for finding in done.findings:
                click.echo(f"{END[finding.end, dry_run]} {finding.key}: {finding.wrong}; {finding.why}")
            found = f"{counted(len(done.findings), 'object')} found damaged" if done.findings else "nothing is damaged"
            click.echo(f"{quarter}: {counted(done.buckets, 'bucket')} read, {found}")
            if done.ended("given up") and not dry_run:
                click.echo(f"{command('run', app.name, entry.table, quarter)} archives their rows that are live")
            if done.ended("not repaired"):
                stuck.append(quarter)
        opened.progress.stop()
        if stuck:
            with_copies = command("repair", app.name, entry.table, *stuck, "--from FILE")
            without = command("repair", app.name, entry.table, *stuck, "--accept-loss")
            raise DeclinedError(
                "objects are not repaired",
                f"{with_copies} with a copy of each; where there is none, {without} goes on without their rows",
            )


@archive.command()
@APP
@TABLE
@QUARTER
@ORG
@click.option("--into", type=click.Choice(["side", "live"]), default="side", show_default=True)
def restore(app_name: str, table: str, quarter: Quarter, org: str | None, into: "Into") -> None:
    """Bring archived rows back, into a table beside the live one or into the live one. Rows that are there stay.

    Rows of people who were erased do not come back.

    Example: clearlift archive restore clearlift events 2026Q1 --org a3f7c2
    """
    from assets.archive.restore import Restore

    app, entry = _entry(app_name, table)
    with terminal() as opened:
        done = Restore.of(opened.stores, app, entry, into).run(quarter, _wanted(entry, org))
        noted(opened.stores, "changed", app.name, entry.store, f"{done.target} of {quarter}", rows=done.added)
        opened.progress.stop()
        click.echo(
            f"{counted(done.added, 'row')} added to {done.target}: {done.rows:,} archived, "
            f"{done.erased:,} of people who were erased"
        )


def _entry(app_name: str, table: str) -> tuple[App, Lifecycle]:
    from assets.archive.tables import archived

    app = BY_NAME[app_name]
    return app, archived(app, table)


def _copies(opened: Terminal, place: str) -> "Iterator[Copy]":
    """What lies at a place that a person gave."""
    from assets.archive.copies import in_store, on_disk

    if not place.startswith("s3://"):
        if not Path(place).exists():
            raise DeclinedError(f"{place}: there is no such file or folder", "give one with --from")
        return on_disk(Path(place))
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    store = opened.stores.bucket(bucket)
    if store is None:
        raise DeclinedError(f"{place}: R2 is embedded here and has no buckets", "give a file or a folder with --from")
    return in_store(store, f"s3://{bucket}", prefix.rstrip("/"))


def _wanted(entry: Lifecycle, org: str | None) -> Callable[[str], bool]:
    """Whether a bucket is wanted: its own name, or a value that lies in it."""
    from assets.archive.layout import bucket_of

    if org is None:
        return lambda _: True
    assert entry.archive is not None  # _entry asked
    buckets = {org, bucket_of(org, entry.archive.buckets)}
    return lambda name: name in buckets
