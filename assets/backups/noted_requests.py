"""Requests to be erased, noted beside the backups while they wait and when they end: the loss of our Postgres forgets
none, and begins none again that was cancelled.

A note is sealed like a manifest, under a name of its own: when, the app, a hash of the request's id, whether it is
open, the key. The newest of a request holds; older ones go, because an ended request keeps nothing of the person. What
does not belong here: what a request is, and taking one up again (assets/erasure).
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from assets.backups.noted import AT, MARGIN, STORE
from assets.backups.sets import Sets
from assets.backups.target import Target, TargetError

NOTES = "requests"
_OPEN, _ENDED = "open", "ended"


@dataclass(frozen=True, order=True)
class Note:
    """The name of a note. about: which request of the app. key_id: of the key that sealed it."""

    at: datetime
    app: str
    about: str
    is_open: bool
    key_id: int
    name: str

    @classmethod
    def named(cls, target: Target, name: str) -> Self:
        """The parts of a name. One of the first form has no key, so that the note is read for it."""
        at, app, about, state, *key_id, _ = name.split("-")
        key = int(key_id[0]) if key_id else target.document(STORE, NOTES, name).key_id
        return cls(datetime.strptime(at, AT).replace(tzinfo=UTC), app, about, state == _OPEN, key, name)


def about(request: str) -> str:
    """How names tell a request, whose id may be any text of the application."""
    return hashlib.sha256(request.encode(errors="surrogatepass")).hexdigest()[:32]


def note(target: Target, app: str, request: str, at: datetime, document: Any, *, is_open: bool) -> None:
    """Note how a request is at a moment.

    Raises:
        TargetError: the target refuses or does not answer.
    """
    state = _OPEN if is_open else _ENDED
    moment, key_id = at.astimezone(UTC).strftime(AT), target.keyring.newest
    name = f"{moment}-{app}-{about(request)}-{state}-{key_id}-{secrets.token_hex(6)}"
    target.put_sealed(STORE, NOTES, name, json.dumps(document).encode())


def newest(target: Target, app: str) -> dict[str, Note]:
    """The note that holds of each request of an app, by what it is about."""
    return {note.about: note for note in _all(target) if note.app == app}


def read(target: Target, note: Note) -> Any:
    """What a note says.

    Raises:
        SealError: it does not open.
    """
    return json.loads(target.get_sealed(STORE, NOTES, note.name))


def remove_older(target: Target, app: str) -> None:
    """Remove the notes of an app that a newer one of the same request replaces. What a lock of the bucket still holds
    is left for the next time.
    """
    notes = [note for note in _all(target) if note.app == app]
    holds = {note.about: note for note in notes}
    old = [note.name for note in notes if note != holds[note.about]]
    with suppress(TargetError):
        target.delete(STORE, NOTES, old)


def forget(target: Target, sets: Sets) -> None:
    """Remove the notes of ended requests that all backups of our Postgres have. sets: these."""
    oldest = min((manifest.moment for manifest in sets.complete), default=None)
    if oldest is not None:
        old = [note.name for note in _all(target) if not note.is_open and note.at < oldest - MARGIN]
        target.delete(STORE, NOTES, old)


def key_ids(target: Target) -> Iterator[int]:
    """The ids of the keys that sealed the notes, one a note."""
    return (note.key_id for note in _all(target))


def _all(target: Target) -> Iterator[Note]:
    """All notes, in order of time; of those of one moment the ended one is the last, or that of the newest key."""
    notes = [Note.named(target, name) for name in target.names(STORE, NOTES)]
    return iter(sorted(notes, key=lambda note: (note.at, not note.is_open, note.key_id, note.name)))
