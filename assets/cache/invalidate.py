"""Invalidation: the keys that an application wrote to its KV itself go when a row goes on which they hang.

The application's change log says which rows changed, its entry which keys hang on them. A page of the log is read, its
keys are deleted, then the reader's place is moved: a kill in between deletes them again, and loses none. Two at once
delete the same keys, and the place only moves forward. A value that the application read before a change and writes
after the delete stays for its own lifetime, as with any cache-aside.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from assets.apps import CacheAside
from assets.cache import change_log, keys
from resources.d1 import D1
from resources.kv import KV
from resources.kv.limits import MAX_KEY_BYTES

READER = "cache"
PAGE = 5_000
ZERO = timedelta(0)


@dataclass(frozen=True)
class Invalidated:
    """What a run did: rows of the log that it read, keys that it deleted, and how old the oldest unread row had got."""

    rows: int
    keys: int
    lag: timedelta


def invalidate(
    d1: D1, kv: KV, cache_aside: Iterable[CacheAside], clock: Callable[[], datetime], *, page: int = PAGE
) -> Invalidated:
    """Delete the keys that hang on the rows that changed since the last time, up to the end that the log has now.

    Raises:
        KeyError: a template names a column that the log does not keep of its table.
    """
    templates = {aside.table: aside.keys for aside in cache_aside}
    rows, deleted, lag = 0, 0, ZERO
    for changes in change_log.unread(d1, READER, page):
        if rows == 0:
            lag = max(clock() - datetime.fromisoformat(changes[0]["changed_at"]), ZERO)
        doomed = {key for change in changes for key in hanging(change, templates)}
        kv.delete_many(sorted(doomed))
        change_log.move(d1, READER, changes[-1]["id"], clock())
        rows += len(changes)
        deleted += len(doomed)
    return Invalidated(rows, deleted, lag)


def hanging(change: Mapping[str, Any], templates: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """The keys that hang on a row of the log, by what it was known by before and by what it is now."""
    for known_by in ("old_keys", "new_keys"):
        if change[known_by] is None:
            continue
        row = json.loads(change[known_by])
        for template in templates.get(change["table_name"], ()):
            # A reference that leads nowhere leads to no key, and KV holds none that is too long.
            if all(row[field] is not None for field in keys.fields(template)):
                key = keys.filled(template, row)
                if len(key) <= MAX_KEY_BYTES:
                    yield key
