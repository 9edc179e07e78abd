"""What the archive room brings for an app: the archive of each table that has one, by quarters, and the policy.

What belongs here: jobs and their times. What does not: assets themselves.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from dagster import AssetSelection

from assets.apps import App
from assets.archive import assets
from assets.archive.quarters import due
from assets.capability import AfterGap, Capability, Job, Object, Request, Site, Tick, assets_of
from assets.windows import daily_key


def bring(app: App, site: Site) -> Capability:
    """The policy, and archives where the app has tables that are archived."""
    policy = assets_of(app, ("archive", "policy"))
    shown = Job("policy", policy, "Show how long each kind of data is kept.", timedelta(minutes=15), retried=False)
    jobs, ticks = [shown], []
    if any(entry.archive for entry in app.lifecycles):
        jobs.append(
            Job(
                "archive",
                AssetSelection.groups(f"{app.name}_archive") - policy,
                "Archive quarters that are old enough, and what came late for them; a range as one run.",
                timedelta(hours=12),
            )
        )
        ticks.append(
            Tick(
                "archive",
                "15 5 1 1,4,7,10 *",
                "archive",
                "On the 1st of January, April, July and October at 05:15: the year that has become old enough, with the"
                " quarter that just did and rows that came late for the others; one run for tables of one age.",
                AfterGap.LATEST,
                lambda at: _due(app, at),
            )
        )
    return Capability(assets.build(app, site.calendar), jobs, ticks)


def _due(app: App, at: datetime) -> Iterator[Request]:
    by_age: dict[int, list[Object]] = defaultdict(list)
    for entry in app.lifecycles:
        if entry.archive is not None:
            by_age[entry.archive.after_days].append(assets.archive_object(entry))
    for days, objects in sorted(by_age.items()):
        quarters = due(at.date(), days, assets.CHECKED)
        yield Request(
            f"after-{days}-days", (daily_key(quarters[0].start), daily_key(quarters[-1].start)), assets=objects
        )
