"""`clearlift lake`: data files of the lake verified, and a damaged partition made again.

What does not belong here: the work (assets/recovery), which is imported when it begins, so that help starts at once.
"""

import shlex
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from assets.apps import App
from assets.windows import day_window
from clearlift_pipelines.cli.apps import app_option
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.cli.terminal import terminal
from resources.counts import counted
from resources.declined import DeclinedError

if TYPE_CHECKING:
    from assets.recovery.rebuild import Rebuilt

AUDIENCE = app_option(lambda app: app.audience)


@click.group()
def lake() -> None:
    """Verify the lake's data files, or make a damaged partition again.

    Example: clearlift lake verify
    """


@lake.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="One UTC day only.")
@click.option("--org", help="One organisation's tag only.")
@AUDIENCE
def verify(day: datetime | None, org: str | None, app: App) -> None:
    """Read data files whole, and name those that do not hold the rows that were written to them.

    Example: clearlift lake verify --day 2026-03-01
    """
    from assets.lake_tables import lake_tables
    from assets.recovery.verify import VerifiedLake
    from assets.recovery.verify import verify as verify_all
    from resources.lake.proof import DamagedFilesError

    with terminal() as opened:
        window, bar = day_window(_day(day)) if day else None, opened.bar("files verified")
        tables = [opened.stores.lake.table(entry.spec) for entry in lake_tables(app)]
        looks = [verify_all(table, window, org, bar) for table in tables]
        opened.progress.stop()
        done = VerifiedLake.together(looks)
        if not (done.files or done.missing) and (day or org):
            raise DeclinedError(
                "no data file of that day and organisation is there", "`clearlift lake verify` reads all"
            )
        by_number = f", of {done.counted:,} of them only the number of rows is known" if done.counted else ""
        click.echo(f"{counted(done.files, 'file')} read with {counted(done.rows, 'row')}{by_number}")
        found = (("damaged", done.damaged), ("missing", done.missing))
        for state, files in found:
            for file in files:
                click.echo(f"{state} {file.file_path}")
        if lost := [*done.damaged, *done.missing]:
            said = ", ".join(f"{counted(len(files), 'file')} {state}" for state, files in found if files)
            of_table = zip(tables, looks, strict=True)
            places = [table.layout.partition(file) for table, of in of_table for file in (*of.damaged, *of.missing)]
            raise DamagedFilesError(said, lost, places)


@lake.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The UTC day.")
@click.option("--org", required=True, help="The organisation's tag.")
@AUDIENCE
@click.option("--dry-run/--no-dry-run", default=True, show_default=True, help="Only prove that it can be done.")
@click.option("--with-deleted", is_flag=True, help="Take back rows that another writer deleted, if nobody knows which.")
@click.option("--give-up", is_flag=True, help="Take what is found, and give up rows that are nowhere any more.")
def rebuild(day: datetime, org: str, app: App, dry_run: bool, with_deleted: bool, give_up: bool) -> None:
    """Make the damaged files of an organisation's day again: from the landing zone, else from the archive.

    Example: clearlift lake rebuild --day 2026-03-01 --org a3f7c2 --dry-run
    """
    from assets.events.validation import EventReason
    from assets.intake.postgres_refusals import PostgresRefusals
    from assets.intake.refused_lines import Selection
    from assets.recovery.rebuild import Choices, Rebuild

    with terminal() as opened:
        choices = Choices(with_deleted, give_up)
        done = Rebuild.of(opened.stores, app).run(_day(day), org, dry_run=dry_run, choices=choices)
        opened.progress.stop()
        if done.origin is None:
            click.echo(f"{org} {_day(day)}: no file is damaged")
            return
        if not dry_run:
            noted(opened.stores, "changed", app.name, "lake", f"{org} {_day(day)}", rows=done.rows)
        refusals = PostgresRefusals(opened.stores.postgres, "events", app.name)
        waiting = not dry_run and refusals.lines(Selection(reason=EventReason.DAMAGED_PARTITION))
    of = f"{counted(len(done.damaged), 'file')} with {counted(done.rows, 'row')}, from the {done.origin}"
    of += _unproved(done)
    if dry_run:
        click.echo(f"Would make again {of}")
        chosen = "".join([" --with-deleted" * with_deleted, " --give-up" * give_up])
        click.echo(f"Next: clearlift lake rebuild --day {_day(day)} --org {shlex.quote(org)}{chosen} --no-dry-run")
    else:
        click.echo(f"Made again {of}")
        replay = f"clearlift quarantine replay --reason {EventReason.DAMAGED_PARTITION}, then " if waiting else ""
        click.echo(f"Next: {replay}clearlift run --no-sample")


def _unproved(done: "Rebuilt") -> str:
    """What is otherwise than it was before the damage."""
    if done.returned is None:
        said = ["those among them that another writer had deleted are back"]
    else:
        said = [f"{done.returned:,} more than were lost, which another writer had deleted"] if done.returned else []
    said += [f"{counted(done.given_up, 'row')} given up"] if done.given_up else []
    said += [] if done.proved else ["nothing proves that their values are those of before"]
    return "".join(f"; {each}" for each in said)


def _day(given: datetime) -> date:
    return given.replace(tzinfo=UTC).date()
