"""The change logs of an app: one for each of its databases that has a logged table."""

from collections.abc import Iterator

from assets.apps import App
from assets.changes.change import ChangeLog
from assets.changes.d1 import D1ChangeLog
from assets.changes.postgres import PostgresChangeLog
from assets.rooms import Rooms


def of(rooms: Rooms, app: App) -> Iterator[ChangeLog]:
    """The logs that the app's `changes` ask for, D1 first."""
    stores = {table.store for table in app.changes}
    if "d1" in stores:
        yield D1ChangeLog(rooms.d1(app))
    if "postgres" in stores:
        yield PostgresChangeLog(rooms.app_postgres(app))
