"""The quarantine of an app's events. Lines of a run that is not committed are not in it."""

from assets.apps import App
from assets.events import landing
from assets.intake.postgres_refusals import PostgresRefusals
from assets.intake.quarantine import Quarantine
from assets.rooms import Rooms


def quarantine(rooms: Rooms, app: App) -> Quarantine | None:
    """The quarantine of an app's events; None for an app without an audience."""
    if app.audience is None:
        return None
    refusals = PostgresRefusals(rooms.postgres, "events", app.name)
    return Quarantine(rooms.object_store, landing.zone(app), app.audience.quarantine, refusals, rooms.clock)
