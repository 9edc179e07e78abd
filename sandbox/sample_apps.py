"""What the sample puts into the stores of each app, beside the web events: rows of D1, flushed points, uploads."""

from datetime import datetime

from assets.apps import App
from resources.d1 import D1
from resources.r2 import ObjectStore
from sandbox import sample_consignment, sample_media, sample_sesh, sample_sesh_sessions, sample_stores


def fill(app: App, d1: D1, store: ObjectStore, until: datetime) -> str:
    """What an app's people did until a moment; nothing for an app that has no sample. Doing it twice does no more.

    Returns what is worth telling of it, in one line, or an empty text.
    """
    if app.name == "clearlift":
        sample_stores.fill_d1(d1)
    if app.name == "sesh":
        sample_sesh.fill(d1, until)
        sample_sesh_sessions.fill(d1, store, until)
        if app.media is not None:
            sample_media.land(store, app.media)
    if app.name == "consignment":
        return sample_consignment.fill(d1, until)
    return ""


def collects(app: App) -> bool:
    """Whether the sample's web events are of this app."""
    return app.name == "clearlift"
