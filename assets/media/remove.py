"""Removing the media of sessions that are pruned or erased: uploads, variants, videos, bytes in quarantine."""

from collections.abc import Callable, Iterable
from datetime import datetime

from assets.apps import Media
from assets.media import naming
from assets.media.ledger import ImageLedger
from assets.media.make import lock_of, nameless
from resources.postgres import Postgres
from resources.r2 import ObjectStore


def remove(
    app: str,
    media: Media,
    store: ObjectStore,
    postgres: Postgres,
    clock: Callable[[], datetime],
    sessions: Iterable[tuple[str, str]],
) -> int:
    """Delete all media of sessions, which are pairs of (user id, session id); returns the number of objects.

    It waits for a run that makes variants, so that no variant is made after it. A repetition after a kill gives the
    same result.

    Raises:
        ValueError: an id is empty or is not one segment of a key; nothing was deleted.
        MediaError: the object store failed; the message names nobody.
    """
    folders = [naming.folder(media, user, session) for user, session in sessions]
    ledger = ImageLedger(postgres, app, clock)
    deleted = 0
    with postgres.lock(lock_of(app)):
        for folder in folders:
            deleted += nameless(lambda folder=folder: _remove(store, folder))  # type: ignore[misc]
            ledger.forget_below(folder)
    return deleted


def _remove(store: ObjectStore, folder: str) -> int:
    keys = [info.key for prefix in (folder, naming.quarantined(folder)) for info in store.list(prefix)]
    store.delete(keys)
    return len(keys)
