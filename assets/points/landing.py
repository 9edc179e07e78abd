"""Where an app's points land, and how large an object of them may be. Pure.

What does not belong here: how an object is read (assets/intake), and what a line says (point.py).
"""

from datetime import timedelta

from assets.apps import App
from assets.intake.zone import Zone

ENDINGS = (".ndjson", ".ndjson.gz")
LARGEST_OBJECT = 4 * 2**20
# Flushes are held up and clocks differ. A daily sweep finds what comes later.
OVERLAP = timedelta(hours=6)


def zone(app: App) -> Zone:
    """The landing zone of an app that has points."""
    assert app.points is not None, f"{app.name} has no points"
    return Zone(app.points.prefix, ENDINGS, OVERLAP, largest_object=LARGEST_OBJECT, largest_batch=LARGEST_OBJECT)
