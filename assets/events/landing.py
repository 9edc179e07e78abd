"""Where an app's batches of events land, and how large they may be. Pure.

What does not belong here: how a batch is read (assets/intake), and what a line says (validation.py).
"""

from datetime import timedelta

from assets.apps import App
from assets.intake.zone import Zone

ENDINGS = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz", ".json")
LARGEST_OBJECT = 256 * 2**20
LARGEST_BATCH = 1024 * 2**20
# Three days of 5-minute batches are 864 keys, one page of a listing.
OVERLAP = timedelta(days=3)


def zone(app: App) -> Zone:
    """The landing zone of an app that has an audience."""
    assert app.audience is not None, f"{app.name} collects no events"
    return Zone(app.audience.landing, ENDINGS, OVERLAP, largest_object=LARGEST_OBJECT, largest_batch=LARGEST_BATCH)
