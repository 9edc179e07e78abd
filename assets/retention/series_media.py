"""The media of pruned sessions: deleted for every session that a note in D1 names, and then the note.

A session that is live again, because it was restored before its media were deleted, keeps them. What belongs here:
whose media go. What does not: which objects they are (assets/media).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from string import Template

from assets.apps import App, Media
from assets.media import naming
from assets.media.remove import remove
from assets.rooms import Clock, Rooms
from resources.d1 import D1
from resources.postgres import Postgres
from resources.r2 import ObjectStore
from resources.sql_files import read_sql

PAGE = 1_000


@dataclass
class PrunedMedia:
    """The notes of pruned sessions in an app's D1."""

    app: str
    media: Media
    d1: D1
    store: ObjectStore
    postgres: Postgres
    clock: Clock

    @classmethod
    def of(cls, rooms: Rooms, app: App, media: Media) -> "PrunedMedia":
        """The notes of an app where people upload images, over the stores of the rooms."""
        return cls(app.name, media, rooms.d1(app), rooms.object_store, rooms.postgres, rooms.clock)

    def remove(self) -> int:
        """Delete the media of every session that is noted, and then its note. The number of objects."""
        deleted = 0
        page = Template(read_sql("retention/pruned_sessions_page.sql")).substitute(series=self.media.series)
        while rows := self.d1.query(page, [PAGE]):
            pruned = [(row["userId"], row["sessionId"]) for row in rows if not row["live"]]
            for user, of_user in groupby(pruned, key=lambda session: str(session[0])):
                sessions = self._with_media(user) & {session for _, session in of_user}
                named = [(user, session) for session in sorted(sessions)]
                deleted += remove(self.app, self.media, self.store, self.postgres, self.clock, named)
            done = json.dumps([[row["userId"], row["sessionId"]] for row in rows], ensure_ascii=False)
            self.d1.execute(read_sql("retention/pruned_sessions_done.sql"), [done], idempotent=True)
        return deleted

    def _with_media(self, user: str) -> set[str]:
        """The sessions of a user that have an object. One listing of the user costs less than one a session."""
        try:
            folder = naming.folder(self.media, user, "any").rpartition("any/")[0]
        except ValueError:
            # An id that is no part of a key has no media.
            return set()
        return set(self._sessions(folder)) | set(self._sessions(naming.quarantined(folder)))

    def _sessions(self, folder: str) -> Iterator[str]:
        for prefix in self.store.list_prefixes(folder.rstrip("/")):
            yield prefix.rpartition("/")[2]
