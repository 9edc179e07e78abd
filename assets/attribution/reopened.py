"""Which days are made again, because somebody chose something else about marketing than was known when they were made.

What does not belong here: days whose events or rules changed (late.py), and what a choice means (assets/consent).
"""

from collections.abc import Mapping
from datetime import date, datetime

from assets.apps import App
from assets.attribution.touches import VERSION
from assets.consent.learning import READ, seen
from assets.consent.rule import Subject
from assets.rollups.window_events import WindowEvents
from assets.windows import Window, day_window
from resources.lake import LakeTable
from resources.postgres import Connection
from resources.sql_files import read_sql


def reopen(
    connection: Connection,
    app: App,
    events: LakeTable,
    changed: Mapping[Subject, datetime],
    since: date,
    left: Window,
) -> None:
    """Make those days from `since` on stale on which a subject has events, from the moment on that its choice changed.

    left: days that the run makes next in any case. They are stale until then, so that a kill loses none of them.
    """
    parameters = {"app": app.name, "since": since, "version": VERSION}
    made = connection.execute(read_sql("attribution/days_from.sql"), parameters).fetchall()
    days = [row["day"] for row in made if _concerned(events, changed, day_window(row["day"]), left)]
    connection.execute(read_sql("attribution/mark_choices.sql"), {"app": app.name, "days": days})


def _concerned(events: LakeTable, changed: Mapping[Subject, datetime], day: Window, left: Window) -> bool:
    if day.clipped(left):
        return True
    by_tag: dict[str, dict[Subject, datetime]] = {}
    for subject, at in changed.items():
        if at < day.end:
            by_tag.setdefault(subject.org_tag, {})[subject] = at
    for tag, since in by_tag.items():
        of_tag = WindowEvents(events, day, [tag])
        if seen(of_tag.scan().select(READ), of_tag.collect, since):
            return True
    return False
