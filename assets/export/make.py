"""Making an export: all portions into one ZIP in R2, and a URL that reads it for a time.

What belongs here: the order of the stores, and the place of the ZIP. What does not: reading a store.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from assets.apps import App
from assets.audit.entry import Entry
from assets.audit.note import note
from assets.erasure.exports import folders
from assets.erasure.request import BEGUN
from assets.erasure.requests import Requests, again_by, lock_of
from assets.export.keys import of_kv
from assets.export.live_rows import of_app_postgres, of_d1, of_lake, of_postgres
from assets.export.objects import of_objects
from assets.export.package import packed
from assets.export.portion import Portion
from assets.privacy.identity import Identity
from assets.privacy.tombstones import keyed_hash
from assets.rooms import Rooms
from resources.declined import DeclinedError
from resources.r2.protocol import LONGEST_SIGNATURE_SECONDS


class NoPersonError(DeclinedError):
    """An identity of nobody, or of an organisation, whose data are many people's."""


class BeingErasedError(DeclinedError):
    """The person is being erased, and some of theirs is gone. Nothing was exported."""


@dataclass(frozen=True)
class Export:
    """Where an export lies. url: who has it reads the export until it expires; the repr does not show it."""

    key: str
    bytes: int
    url: str = field(repr=False)
    expires_at: datetime


def portions(rooms: Rooms, app: App, identity: Identity) -> Iterator[Portion]:
    """All that is held of a person, store by store. A store is read when its rows are asked for."""
    ids, within = identity.ids, identity.within
    yield from of_d1(rooms, app, ids, within)
    yield from of_app_postgres(rooms, app, ids)
    yield from of_postgres(rooms, app, ids, within)
    yield from of_lake(rooms, app, ids, within)
    yield from of_kv(rooms, app, identity)
    yield from of_objects(rooms, app, identity)


def make(rooms: Rooms, app: App, identity: Identity, lifetime: timedelta) -> Export:
    """Export a person. A run that is killed leaves nothing, because an object appears when it is whole. The same
    request puts it under the same name again.

    Raises:
        NoPersonError: the identity is no person's.
        BeingErasedError: their erasure has begun.
        ValueError: the lifetime is not between 1 s and 7 days.
    """
    if identity.organisation or not any(identity.ids.values()):
        raise NoPersonError("an export is of one person", "give a user id or an e-mail address")
    seconds = int(lifetime.total_seconds())
    if not 1 <= seconds <= LONGEST_SIGNATURE_SECONDS:
        raise ValueError("a URL is valid for 1 s to 7 days")
    folder = folders(rooms, app, identity)[0]
    subject = folder.rpartition("/")[2]
    note(rooms, Entry(app.name, f"export {identity.request}", "read", "every store", "a person", subject=subject))
    now, store = rooms.clock(), rooms.object_store
    # A name that nobody guesses, because a bucket may be public by mistake.
    with rooms.postgres.connection() as connection:
        name = keyed_hash(connection, "export", identity.request, lambda: rooms.keyring).hex()
    key = f"{folder}/{name}.zip"
    with rooms.postgres.lock(lock_of(app)):
        _refuse_erased(rooms, app, identity)
        store.put(key, packed(app.title, now, portions(rooms, app, identity)))
    return Export(key, store.head(key).size, store.signed_url(key, seconds), now + lifetime)


def _refuse_erased(rooms: Rooms, app: App, identity: Identity) -> None:
    requests = Requests.of(rooms, app)
    own = {(kind, id_) for kind, ids in identity.ids.items() for id_ in ids}
    for request in requests.all():
        if request.state in BEGUN:
            others = requests.identity(request).ids.items()
            if own & {(kind, id_) for kind, ids in others for id_ in ids}:
                raise BeingErasedError(
                    f"this person of {app.name} is being erased by request {request.id}", f"{again_by(app)} ends it"
                )
