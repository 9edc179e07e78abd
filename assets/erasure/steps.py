"""The order in which an erasure goes through the stores.

A module of this room erases in one store. It has one function, `eraser(rooms, app)`, which opens nothing and gives None
where the app has nothing there. What belongs here: the order, and why. What does not: the work in a store.
"""

from collections.abc import Callable

from assets.apps import App
from assets.erasure import (
    app_postgres,
    archives,
    change_logs,
    d1,
    exports,
    kv,
    lake,
    landing,
    media,
    postgres,
    postgres_files,
    quarantine,
    staged,
    working_folders,
)
from assets.privacy.identity import Eraser
from assets.rooms import Rooms

Step = Callable[[Rooms, App], Eraser | None]

STEPS: tuple[Step, ...] = (
    d1.eraser,
    change_logs.eraser,
    lake.eraser,
    archives.eraser,
    landing.eraser,
    quarantine.eraser,
    staged.eraser,
    media.eraser,
    exports.eraser,
    working_folders.eraser,
    postgres.eraser,
    app_postgres.eraser,
    kv.eraser,
    postgres_files.eraser,
)
"""Rows of D1 first, because its cascades need them whole. Change logs after them, because triggers write the ids of
deleted rows there again. Then the lake, archives, what landed and was refused, media. Postgres and KV come after these,
because a run may make them again of these until then. The files of a server that is ours come after all rows in it. The
run history of Dagster comes last.
"""


def erasers(rooms: Rooms, app: App, steps: tuple[Step, ...] = STEPS) -> list[Eraser]:
    """The Erasers of an app, in order."""
    return [eraser for step in steps if (eraser := step(rooms, app)) is not None]
