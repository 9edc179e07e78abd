"""What refers to each key: live values by store, and backups. A key can be retired when nothing does.

A backup refers to a key by its parts, which the key sealed, and by the rows in it: a set of a database that was begun
before the last live value was sealed again may hold one of the key. Notes of who was erased, and who is to be, lie
beside them. Of all these only notes of open requests are written again (erasure/taken_up.py); the others go by their
rotation.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from assets.apps import APPS
from assets.apps.pipelines import PIPELINES
from assets.backups import noted, noted_requests
from assets.backups.covered import target_of
from assets.backups.manifest import ManifestError, NewerFormatError
from assets.backups.sets import MANIFEST, manifest_of
from assets.backups.target import Target, begun_at
from assets.rooms import Rooms
from assets.sealing import ledger
from assets.sealing.field_store import FieldStore, store_of
from assets.sealing.fields import Field, fields_of
from resources.keyring import Keyring, SealError
from resources.r2 import ObjectNotFoundError

DATABASES = frozenset({"d1", "postgres"})


@dataclass(frozen=True)
class Place:
    """The sealed columns of one database, under its name: `clearlift/d1`."""

    name: str
    store: FieldStore
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class References:
    """live: by key (None: another layout than ours), how many values and indexes of each place. backups: how many sets
    and notes refer to a key. keys: what is known of each.
    """

    live: Mapping[int | None, Mapping[str, int]]
    backups: Mapping[int, int]
    keys: Mapping[int, ledger.KnownKey]

    def of(self, key_id: int) -> dict[str, int]:
        """What refers to a key, by place; empty where it can be retired."""
        found = {place: n for place, n in self.live.get(key_id, {}).items() if n}
        return {**found, "backups": self.backups[key_id]} if self.backups.get(key_id) else found


def places(rooms: Rooms) -> Iterator[Place]:
    """Every database with sealed columns."""
    for app in APPS:
        for store, name in (("d1", f"{app.name}/d1"), ("app_postgres", f"{app.name}/postgres")):
            fields = tuple(field for field in fields_of(app) if field.store == store)
            if fields:
                yield Place(name, store_of(rooms, app, fields[0]), fields)
    ours = tuple(fields_of(APPS[0], "postgres"))
    if ours:
        yield Place(f"{PIPELINES.name}/postgres", store_of(rooms, APPS[0], ours[0]), ours)


def count(rooms: Rooms, keyring: Keyring) -> References:
    """Count everything now, for each key of a key set, and record it."""
    at = rooms.clock()
    live: dict[int | None, Counter[str]] = {key_id: Counter() for key_id in keyring.ids}
    for place in places(rooms):
        for field in place.fields:
            for key_id, n in place.store.keys(field).items():
                live.setdefault(key_id, Counter())[place.name] += n
    totals = {key_id: live[key_id].total() for key_id in keyring.ids}
    keys = ledger.observe(rooms.postgres, totals, at)
    return References(live, _backups(target_of(rooms), keys), keys)


def _backups(target: Target, keys: Mapping[int, ledger.KnownKey]) -> Counter[int]:
    found: Counter[int] = Counter()
    for store in target.stores():
        for set_id in target.ids(store):
            try:
                document = target.document(store, set_id, MANIFEST)
            except ObjectNotFoundError:
                continue  # never finished: rotation removes it, and nothing reads it
            sealed_with = {document.key_id}
            # Of a manifest that cannot be read its own key is all that is known.
            with suppress(SealError, ManifestError, NewerFormatError):
                sealed_with |= {part.key_id for part in manifest_of(target, store, set_id, document).parts}
            if store.store in DATABASES:
                sealed_with |= {key.key_id for key in keys.values() if _may_hold(key, begun_at(set_id))}
            found.update(sealed_with)
    found.update(noted.key_ids(target))
    found.update(noted_requests.key_ids(target))
    return found


def _may_hold(key: ledger.KnownKey, begun: datetime) -> bool:
    return key.retired_at is None and (key.unreferenced_since is None or begun < key.unreferenced_since)
