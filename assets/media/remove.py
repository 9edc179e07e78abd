"""Removing the media of sessions that are pruned or erased: uploads, variants, videos, what is in quarantine."""

from collections.abc import Callable, Iterable
from datetime import datetime

from assets.apps import Media
from assets.media import naming
from assets.media.ledger import Ledger
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
    """Delete everything of sessions, given as (user id, session id); returns how many objects there were.

    It waits for a run that makes variants, so that none appears after it. Killed and done again, it ends the same.

    Raises:
        ValueError: an id is empty or is no single segment of a key; nothing was deleted.
        MediaError: the object store failed; the text names nobody.
    """
    folders = [naming.folder(media, user, session) for user, session in sessions]
    ledger = Ledger(postgres, app, clock)
    deleted = 0
    with postgres.lock(lock_of(app)):
        for folder in folders:
            deleted += nameless(lambda folder=folder: _remove(store, folder))  # type: ignore[misc]
            ledger.forget_below(folder)
    return deleted


def _remove(store: ObjectStore, folder: str) -> int:
    keys = [found.key for place in (folder, naming.quarantined(folder)) for found in store.list(place)]
    store.delete(keys)
    return len(keys)
