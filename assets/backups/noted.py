"""Who was erased lately, noted beside the backups: so that the loss of our Postgres forgets nobody.

A note is put when tombstones are written, under a name of its own, sealed like a manifest. It holds plain hashes, which
are keyed by the secret of the Postgres that takes them over. It goes when every backup of our Postgres is younger. What
does not belong here: which restore asks for them (erased.py), who is still to be erased (noted_requests.py).
"""

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from assets.backups.sets import Sets
from assets.backups.target import StoreName, Target
from assets.privacy.tombstones import Hashed, Keys, add_hashes, plain_hash
from resources.postgres import Connection

STORE = StoreName("pipelines", "tombstones")
NOTES = "notes"
# The clocks of two machines, and a transaction that was open while a backup began.
MARGIN = timedelta(days=1)
READERS = 16
AT = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True)
class Noted:
    """People of an app who were erased together. The repr shows none of them."""

    app: str
    at: datetime
    people: tuple[Hashed, ...] = field(repr=False)


def note(target: Target, app: str, at: datetime, subjects: Iterable[tuple[str, str]]) -> None:
    """Note subjects (kind, id) that are erased.

    Raises:
        TargetError: the target refuses or does not answer.
    """
    name = f"{at.astimezone(UTC).strftime(AT)}-{app}-{secrets.token_hex(6)}"
    people = [(kind, plain_hash(kind, subject).hex()) for kind, subject in subjects]
    target.put_sealed(STORE, NOTES, name, json.dumps(people).encode())


def since(target: Target, moment: datetime) -> list[Noted]:
    """The notes that a backup of a moment may not have.

    Raises:
        SealError: a note does not open.
    """
    return _read(target, lambda _, at: at >= moment - MARGIN)


def unknown(target: Target, known: Collection[tuple[str, datetime]]) -> list[Noted]:
    """The notes but for those of which app and moment are known; as `since`."""
    return _read(target, lambda app, at: (app, at) not in known)


def add(connection: Connection, notes: Iterable[Noted], keys: Keys) -> int:
    """Write the tombstones of notes to a Postgres of ours; how many it did not have."""
    return sum(add_hashes(connection, one.app, one.people, one.at, keys) for one in notes)


def forget(target: Target, sets: Sets) -> None:
    """Remove the notes that all backups of our Postgres have. sets: these."""
    oldest = min((manifest.moment for manifest in sets.complete), default=None)
    if oldest is not None:
        old = [name for name, _, at in _names(target) if at < oldest - MARGIN]
        target.delete(STORE, NOTES, old)


def key_ids(target: Target) -> Iterator[int]:
    """The ids of the keys that sealed the notes, one a note."""
    return (target.document(STORE, NOTES, name).key_id for name, _, _ in _names(target))


def _names(target: Target) -> Iterator[tuple[str, str, datetime]]:
    for name in sorted(target.names(STORE, NOTES)):
        at, app, _ = name.split("-")
        yield name, app, datetime.strptime(at, AT).replace(tzinfo=UTC)


def _read(target: Target, wanted: Callable[[str, datetime], bool]) -> list[Noted]:
    found: Sequence[tuple[str, str, datetime]] = [each for each in _names(target) if wanted(*each[1:])]
    with ThreadPoolExecutor(READERS) as readers:
        contents = list(readers.map(lambda each: target.get_sealed(STORE, NOTES, each[0]), found))
    return [
        Noted(app, at, tuple((kind, bytes.fromhex(hashed)) for kind, hashed in json.loads(content)))
        for (_, app, at), content in zip(found, contents, strict=True)
    ]
