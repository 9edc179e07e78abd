"""`clearlift upkeep`: manifests, snapshots and files of the lake put in order now, or a plan of it.

What does not belong here: the work (assets/upkeep), which is imported when it begins, so that help starts at once.
"""

import click

from assets.apps import App
from assets.upkeep.keep import GRACE_HOURS, grace
from clearlift_pipelines.cli.apps import app_option
from clearlift_pipelines.cli.tables import Columns, printed
from clearlift_pipelines.cli.terminal import terminal
from clearlift_pipelines.stores import utc_now
from resources.declined import DeclinedError

UPKEEP = Columns("upkeep", "upkeep", {"what": "", "before": "before", "after": "now", "notes": ""})


@click.command()
@click.option("--dry-run", is_flag=True, help="Report what would be rewritten, expire and be removed; change nothing.")
@click.option("--grace-hours", default=GRACE_HOURS, show_default=True, help="How long a file stays unnamed.")
@app_option(lambda app: app.audience)
@printed
def upkeep(dry_run: bool, grace_hours: float, app: App) -> None:
    """Rewrite manifests, expire snapshots, remove files that nothing names.

    Example: clearlift upkeep --dry-run
    """
    from assets.lake_tables import lake_tables
    from assets.upkeep.expiry import Expired, Expiry
    from resources.lake import manifests
    from resources.lake.sweep import FileSurvey, remove, survey, tally

    try:
        before = utc_now() - grace(grace_hours)
    except DeclinedError as error:
        raise click.BadParameter(error.reason, param_hint="--grace-hours") from None
    with terminal() as opened:
        opened.progress.stop()
        plans, expiries, surveys = list[manifests.ManifestPlan](), list[Expired](), list[FileSurvey]()
        for entry in lake_tables(app):
            table, engine = opened.stores.lake.table(entry.spec), Expiry.of(opened.stores, app, entry)
            plans.append(manifests.plan(table) if dry_run else manifests.rewrite(table)[0])
            expiries.append(engine.plan() if dry_run else engine.run())
            surveys.append(survey(table, before))
            if not dry_run:
                remove(table, surveys[-1])
        expired, found = Expired.together(expiries), FileSurvey.together(surveys)
        shown = UPKEEP.table()
        listed = (sum(planned.before for planned in plans), sum(planned.after for planned in plans))
        shown.add(what="manifests", before=listed[0], after=listed[1], notes="")
        because = ", ".join(f"{number} {rule}" for rule, number in expired.kept.items())
        shown.add(what="snapshots", before=expired.before, after=expired.after, notes=because)
        in_use, gone, young = (tally(files) for files in (found.reached, found.old, found.young))
        sizes = f"{gone['bytes'] / 1e6:,.1f} MB less, {young['bytes'] / 1e6:,.1f} MB unnamed but young"
        total = len(found.reached) + len(found.old) + len(found.young)
        notes = f"{in_use['bytes'] / 1e6:,.1f} MB, {sizes}"
        shown.add(what="files", before=total, after=total - len(found.old), notes=notes)
        shown.show(heads={"after": "would be"} if dry_run else None)
        if dry_run:
            found.require_whole()
