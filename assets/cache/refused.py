"""The quarantine of an app's access log. Objects whose bytes were not kept are not in it."""

from assets.apps import App
from assets.cache import access_log
from assets.intake.postgres_refusals import PostgresRefusals
from assets.intake.quarantine import Quarantine
from assets.rooms import Rooms


def quarantine(rooms: Rooms, app: App) -> Quarantine | None:
    """The quarantine of an app's access log; None for an app without a KV namespace."""
    if not app.has_kv:
        return None
    refusals = PostgresRefusals(rooms.postgres, "cache", app.name)
    prefix = access_log.quarantine_prefix(app.name)
    return Quarantine(rooms.object_store, access_log.zone(app.name), prefix, refusals, rooms.clock)
