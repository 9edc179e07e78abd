"""`clearlift purge`: old runs of Dagster's history removed now, or a count of them.

What does not belong here: what goes and what stays (purging.py), and when it goes by itself (purge_job.py).
"""

from datetime import timedelta

import click

from clearlift_pipelines import settings
from clearlift_pipelines.cli.entry import dagster_home
from clearlift_pipelines.cli.tables import Columns, printed
from clearlift_pipelines.stores import utc_now

PURGED = Columns("history", "purge", {"what": "", "gone": "gone", "stay": "stay, though old"})


@click.command()
@click.option("--days", type=click.IntRange(min=1), help="The age. [default: CLEARLIFT_HISTORY_DAYS]")
@click.option("--dry-run", is_flag=True, help="Count what would go; change nothing.")
@printed
def purge(days: int | None, dry_run: bool) -> None:
    """Delete old runs of Dagster's history. What assets and checks show of today stays.

    Example: clearlift purge --days 7 --dry-run
    """
    from dagster import DagsterInstance

    from clearlift_pipelines import purging

    chosen = settings.load()
    dagster_home(chosen)
    age = timedelta(days=days or chosen.history_days)
    with DagsterInstance.get() as instance:
        purged = purging.purge(instance, age, utc_now(), dry_run=dry_run)
    shown = PURGED.table()
    shown.add(what="runs", gone=purged.runs, stay=purged.stayed)
    shown.add(what="events and results of checks", gone=purged.rows, stay=None)
    shown.add(what="files", gone=purged.files, stay=None)
    shown.show(heads={"gone": "would go"} if dry_run else None)
