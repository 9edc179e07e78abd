"""The quarantine of an app's access log. Objects whose bytes were not kept are not in it."""

from collections.abc import Sequence
from functools import partial

from assets.apps import App
from assets.cache import access_log
from assets.cache.demand import known_objects
from assets.intake.postgres_refusals import PostgresRefusals
from assets.intake.quarantine import Quarantine
from assets.intake.refusal import Refusal
from assets.rooms import Rooms
from resources.sql_files import read_sql


def quarantine(rooms: Rooms, app: App) -> Quarantine | None:
    """The quarantine of an app's access log; None for an app without a KV namespace."""
    if not app.has_kv:
        return None

    def judge(lines: Sequence[bytes]) -> list[Refusal]:
        return access_log.count(enumerate(lines, 1), lambda _: "", rooms.clock()).refusals

    def counted(replay: str) -> int:
        parameters = {"app": app.name, "folder": replay}
        (row,) = rooms.postgres.fetch(read_sql("cache/replay_counted.sql"), parameters)
        return int(row["lines"])

    return Quarantine(
        rooms.object_store,
        access_log.zone(app.name),
        access_log.quarantine_prefix(app.name),
        PostgresRefusals(rooms.postgres, "cache", app.name),
        rooms.clock,
        judge,
        partial(known_objects, rooms.postgres, app.name),
        partial(rooms.postgres.lock, f"{app.name}.access.quarantine"),
        access_log.shown(app),
        counted,
    )
