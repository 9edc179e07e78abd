"""Invalidation: keys that an application wrote to its KV itself are deleted when a row changes that they are made of.

A change log says which rows changed; the app's entry says which keys are made of them. A page of the log is read, its
keys are deleted, then the reader's position moves. After a kill in between they are deleted again, and none is lost.
Two runs at once delete the same keys, and the position only moves forward. A value that the application read before a
change and writes after the delete stays until it expires, as with any cache-aside.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from assets.apps import App, CacheAside
from assets.cache import keys
from assets.changes import log
from assets.changes.change import Change, ChangeLog
from assets.rooms import Rooms
from resources.kv import KV
from resources.kv.limits import MAX_KEY_BYTES

READER = "cache"
PAGE = 5_000
ZERO = timedelta(0)


@dataclass(frozen=True)
class Invalidated:
    """How many rows of the logs a run read, how many keys it deleted, and the age of the oldest unread row."""

    rows: int
    keys: int
    lag: timedelta


def of(rooms: Rooms, app: App, pages: int | None = None) -> Invalidated:
    """Delete the keys that are made of changed rows, by each change log that the app has; see `invalidate`."""
    return invalidate(list(log.of(rooms, app)), rooms.kv(app), app.cache_aside, rooms.clock, pages=pages)


def invalidate(
    logs: Iterable[ChangeLog],
    kv: KV,
    cache_aside: Iterable[CacheAside],
    clock: Callable[[], datetime],
    *,
    page: int = PAGE,
    pages: int | None = None,
) -> Invalidated:
    """Delete the keys that are made of rows which changed since the last run, up to the present end of each log.

    pages: after so many pages of a log the rest is left to the next run.

    Raises:
        KeyError: a template names a column that the log does not keep of its table.
    """
    templates = {aside.table: aside.keys for aside in cache_aside}
    rows, deleted, lag = 0, 0, ZERO
    for changes_of_store in logs:
        for number, changes in enumerate(islice(changes_of_store.unread(READER, page), pages)):
            if number == 0:
                lag = max(lag, clock() - changes[0].changed_at)
            doomed = {key for change in changes for key in keys_of(change, templates)}
            kv.delete_many(sorted(doomed))
            changes_of_store.move(READER, changes[-1].position, clock())
            rows += len(changes)
            deleted += len(doomed)
    return Invalidated(rows, deleted, lag)


def keys_of(change: Change, templates: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """The keys that are made of a changed row, by its keys before the change and after it."""
    for row in (change.old_keys, change.new_keys):
        if row is None:
            continue
        for template in templates.get(change.table, ()):
            # A null makes no key, and KV holds no key that is too long.
            if all(row[field] is not None for field in keys.fields(template)):
                key = keys.filled(template, row)
                if len(key) <= MAX_KEY_BYTES:
                    yield key
