"""Erasing in an app's KV: keys that name a person or an organisation, keys made of their rows, values that hold an id.

A value that is made of roll-ups is deleted where it holds an id, and forgotten by the index of the cache, so that the
next warming makes it again. What does not belong here: warming (assets/cache).
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from assets.apps import App
from assets.apps.personal import Holding
from assets.cache import keys
from assets.cache.families import families
from assets.erasure import texts
from assets.erasure.d1_rows import ids_of
from assets.privacy.identity import Erased, Identity, within_of
from assets.rooms import Clock, Rooms
from resources.chunks import chunked
from resources.kv import KV
from resources.postgres import Postgres
from resources.sql_files import read_sql

ORGANISATION_FIELDS = frozenset({"org_tag", "org_id", "organization_id"})
PAGE = ":page:"
READ_AT_ONCE = 100


@dataclass(frozen=True)
class KVEraser:
    """An `Eraser` over one namespace."""

    app: App
    kv: KV
    postgres: Postgres
    clock: Clock
    place: str = "kv"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser.erase."""
        found = frozenset(self._doomed(identities))
        self.kv.delete_many(sorted(found))
        self.postgres.execute(read_sql("privacy/forget_keys.sql"), {"namespace": self.app.name, "keys": sorted(found)})
        kept = self.kv.scrub()
        return Erased(
            self.place, objects=len(found), gone_by=(self.clock() + kept).date() if kept > timedelta(0) else None
        )

    def _doomed(self, identities: Sequence[Identity]) -> Iterator[str]:
        """Keys that are there and go."""
        ids, found = ids_of(identities), texts.patterns(texts.needles(identities))
        organisation, within = frozenset[str]().union(*(one.organisation for one in identities)), within_of(identities)
        wanted = {key for one in identities for key in one.keys}
        for template, entry in self._families():
            fields = keys.fields(template)
            for kind, place in entry.subjects:
                field = place.removeprefix("key.")
                wanted |= {keys.filled(template, {field: id_}) for id_ in ids.get(kind, ()) if fields == [field]}
            if organisation and ORGANISATION_FIELDS & set(fields):
                wanted |= {self._whole(key) for key in self._listed(template, organisation)}
            if found and entry.erasure == "remake":
                wanted |= {self._whole(key) for key in self._holding_a_text(template, found, within)}
        for key in sorted(wanted):
            yield from self.kv.get_many([key])
            yield from (info.name for info in self.kv.list(f"{key}{PAGE}"))

    def _families(self) -> Iterator[tuple[str, Holding]]:
        """The templates of the app's keys, with their entries."""
        templates = {family.name: family.key for family in families(self.app)}
        templates |= {key: key for aside in self.app.cache_aside for key in aside.keys}
        for name, template in templates.items():
            yield template, self.app.holding("kv", name)

    def _listed(self, template: str, organisation: Collection[str] = ()) -> Iterator[str]:
        """The keys of a template that are there, with those of their pages; without those that name another
        organisation, if one is given.
        """
        start, pattern = template.partition("{")[0], keys.pattern(template)
        places = [n for n, part in enumerate(template.split(":")) if part[1:-1] in ORGANISATION_FIELDS]
        own = {quote(one, safe=keys.UNRESERVED) for one in organisation}
        for info in self.kv.list(start):
            parts = info.name.split(":")
            if pattern.fullmatch(info.name) and (not own or not places or own & {parts[n] for n in places}):
                yield info.name

    def _holding_a_text(self, template: str, found: Sequence[str], within: Collection[str]) -> Iterator[str]:
        compiled = [re.compile(pattern) for pattern in found]
        for some in chunked(self._listed(template, within), READ_AT_ONCE):
            for key, value in self.kv.get_many(some).items():
                text = value.decode(errors="replace")
                if any(pattern.search(text) for pattern in compiled):
                    yield key

    def _whole(self, key: str) -> str:
        """The key of a value whose page this may be."""
        return key.partition(PAGE)[0]


def eraser(rooms: Rooms, app: App) -> KVEraser | None:
    """The Eraser of an app that has a KV namespace."""
    return KVEraser(app, rooms.kv(app), rooms.postgres, rooms.clock) if app.has_kv else None
