"""The media of pruned sessions: what the note of a session that went still says is there.

A session that is live again, restored before its media went, keeps them.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from assets.apps import Media
from assets.media import naming
from assets.media.remove import remove
from resources.d1 import D1
from resources.postgres import Postgres
from resources.r2 import ObjectStore
from resources.sql_files import read_sql

PAGE = 1_000


@dataclass
class PrunedMedia:
    """Works off the notes in D1."""

    app: str
    media: Media
    d1: D1
    store: ObjectStore
    postgres: Postgres
    clock: Callable[[], datetime]

    def remove(self) -> int:
        """Delete the media of every session that is noted, and then its note; how many objects there were."""
        deleted = 0
        while rows := self.d1.query(read_sql("retention/pruned_sessions_page.sql"), [PAGE]):
            gone = [(row["userId"], row["sessionId"]) for row in rows if not row["live"]]
            for user, of_user in groupby(gone, key=lambda session: str(session[0])):
                found = self._with_media(user) & {session for _, session in of_user}
                deleted += remove(
                    self.app,
                    self.media,
                    self.store,
                    self.postgres,
                    self.clock,
                    [(user, session) for session in sorted(found)],
                )
            done = json.dumps([[row["userId"], row["sessionId"]] for row in rows], ensure_ascii=False)
            self.d1.execute(read_sql("retention/pruned_sessions_done.sql"), [done], idempotent=True)
        return deleted

    def _with_media(self, user: str) -> set[str]:
        """The sessions of a user that have an object; listing a user once is less than listing each session."""
        try:
            folder = naming.folder(self.media, user, "any").rpartition("any/")[0]
        except ValueError:
            # An id that is no part of a key has no media.
            return set()
        return set(self._sessions(folder)) | set(self._sessions(naming.quarantined(folder)))

    def _sessions(self, folder: str) -> Iterator[str]:
        for prefix in self.store.list_prefixes(folder.rstrip("/")):
            yield prefix.rpartition("/")[2]
