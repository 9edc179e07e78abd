"""`clearlift compact`: small files merged now, or a plan of it.

What does not belong here: the work (assets/compaction), which is imported when it begins, so that help starts at once.
"""

from datetime import UTC, datetime

import click
from rich.text import Text

from assets.apps import App
from assets.compaction.plan import Group
from assets.windows import DAY
from clearlift_pipelines.cli.apps import app_option
from clearlift_pipelines.cli.organisations import require
from clearlift_pipelines.cli.tables import Column, Columns, printed
from clearlift_pipelines.cli.terminal import terminal
from resources.counts import counted
from resources.declined import DeclinedError

NOTHING = "Nothing is worth merging."
GROUPS = Columns(
    "groups",
    "compact --dry-run",
    {
        "organisation": "org",
        "day": "day",
        "files": "files",
        "rows": "rows",
        "bytes": Column("MB", lambda size: f"{size / 1e6:,.1f}"),
    },
)


@click.command()
@click.option("--org", help="One organisation's tag only.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="One UTC day only.")
@app_option(lambda app: app.audience)
@click.option("--dry-run", is_flag=True, help="Report what would be merged and gained; merge nothing.")
@printed
def compact(org: str | None, day: datetime | None, app: App, dry_run: bool) -> None:
    """Merge the lake's small files, or report what would be merged.

    \b
    Example: clearlift compact --dry-run
    Example: clearlift compact --org a3f7c2 --day 2026-03-01
    """
    from assets.compaction.rewrite import Compacted, Compaction, GroupsLeftError
    from assets.lake_tables import lake_tables

    since = day.replace(tzinfo=UTC) if day else None
    until = since + DAY if since else None
    with terminal() as opened:
        require(opened.stores, app, org)
        engines = [Compaction.of(opened.stores, table.spec) for table in lake_tables(app)]
        if dry_run:
            opened.progress.stop()
            _print([group for engine in engines for group in engine.plan(since, until, org)])
            return
        runs = list[Compacted]()
        for engine in engines:
            try:
                runs.append(engine.run(since, until, org))
            except GroupsLeftError as error:
                runs.append(error.done)
        opened.progress.stop()
        done = Compacted.together(runs)
        if not done.groups and not done.left:
            opened.console.print(NOTHING)
            return
        said = (
            f"{counted(done.files_before, 'file')} became {done.files_after:,}: {counted(done.rows, 'row')}, "
            f"{done.bytes_before / 1e6:,.1f} MB became {done.bytes_after / 1e6:,.1f} MB "
            f"in {done.seconds:.1f} s ({done.mb_per_second:.0f} MB/s), {counted(done.doubles, 'double')} dropped"
        )
        if done.groups:
            opened.console.print(said)
        for left in done.left:
            opened.console.print(Text.assemble(("left as it is:", "red"), f" {left.reason}"), soft_wrap=True)
        if done.left:
            step = DeclinedError.together(done.left).next_step
            raise DeclinedError(
                f"{counted(len(done.left), 'group has', 'groups have')} files that are damaged or missing", step
            )


def _print(groups: list[Group]) -> None:
    table = GROUPS.table()
    for group in groups:
        table.add(organisation=group.tenant, day=group.day, files=len(group.files), rows=group.rows, bytes=group.bytes)
    table.show(NOTHING)
    if not groups:
        return
    files = sum(len(g.files) for g in groups)
    click.echo(
        f"{counted(files, 'file')} would become {len(groups):,}: {files - len(groups):,} fewer to open for every read"
    )
