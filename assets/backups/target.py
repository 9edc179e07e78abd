"""Where sets lie: `{prefix}/{app}/{store}/{id}/…` of an object store, in this account or another one.

Nothing is ever put over something else. What belongs here: the layout, the seal of a manifest and of a mark, and errors
in one sentence. What does not: the parts of a set (parts.py), which sets there are (sets.py).
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from assets.backups.manifest import Kind
from resources import disk
from resources.declined import DeclinedError
from resources.keyring import Keyring, SealError, fingerprint
from resources.keyring.stream import key_id_of, opened, sealed
from resources.r2 import ObjectNotFoundError, ObjectStore, ObjectStoreError

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_KEY_LINE = re.compile(rb"key (\d+) ([0-9a-f]{32})\n")
_ID = re.compile(r"(\d{8}T\d{6}Z)-([a-z]+)-[0-9a-f]{12}")


class TargetError(DeclinedError):
    """The place of the backups cannot be reached or refuses. Nothing live was touched."""

    retryable = True


class TakenError(DeclinedError):
    """Something else lies where a part or a manifest was to be put. Nothing was overwritten."""


class OtherKeySetError(SealError):
    """Something was sealed with a key that is not in the key set; `key` names it by its id and its fingerprint, where
    that is known.
    """

    def __init__(self, place: str, key_id: int, wanted: str, keyring: Keyring) -> None:
        here = ", ".join(f"{i} {fingerprint(keyring, i)}" for i in sorted(keyring.ids))
        told = f"its fingerprint is {wanted}, and the keys here are {here}" if wanted else f"the keys here are {here}"
        super().__init__(f"{place}: sealed with key {key_id}, which is not in the key set: {told}")
        self.key = f"key {key_id} {wanted}".rstrip()


@dataclass(frozen=True, order=True)
class StoreName:
    """A store as people name it: `clearlift/d1`."""

    app: str
    store: str

    @classmethod
    def parse(cls, text: str) -> "StoreName":
        """The store of a text.

        Raises:
            DeclinedError: it is no such name.
        """
        app, slash, store = text.partition("/")
        if not (slash and _NAME.fullmatch(app) and _NAME.fullmatch(store)):
            raise DeclinedError(f"{text!r} names no store", "give it as APP/STORE, such as `clearlift/d1`")
        return cls(app, store)

    def __str__(self) -> str:
        return f"{self.app}/{self.store}"


def new_id(moment: datetime, kind: Kind) -> str:
    """The id of a set that is begun now. Ids sort by time; the random end keeps two that are begun at once apart."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{kind}-{secrets.token_hex(6)}"


def begun_at(set_id: str) -> datetime:
    """When a set was begun."""
    match = _ID.fullmatch(set_id)
    assert match
    return datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


@dataclass(frozen=True)
class Document:
    """A small document that is sealed for its place."""

    data: bytes
    place: str

    @property
    def key_id(self) -> int:
        """The id of the key that sealed it.

        Raises:
            SealError: it is no sealed document.
        """
        line = _KEY_LINE.match(self.data)
        return key_id_of(self.data, self.place) if line is None else int(line[1])


@dataclass(frozen=True)
class Target:
    """A prefix of an object store, and the keys that seal what is put there."""

    objects: ObjectStore
    prefix: str
    keyring: Keyring

    def folder(self, store: StoreName, set_id: str) -> str:
        """The folder of a set."""
        return f"{self.prefix}/{store}/{set_id}"

    def key(self, store: StoreName, set_id: str, name: str) -> str:
        """The key of an object of a set."""
        return f"{self.folder(store, set_id)}/{name}"

    def put(self, key: str, data: bytes) -> None:
        """Put an object where nothing is.

        Raises:
            TakenError: there is another one.
            TargetError: the store refuses or does not answer.
        """
        with self._reached():
            stored = self.objects.put_if_absent(key, data)
        if not stored:
            raise TakenError(
                f"{key}: something lies there already", "run the backup again; it gets a folder of its own"
            )

    def put_sealed(self, store: StoreName, set_id: str, name: str, data: bytes) -> None:
        """`put` of a small document (a manifest, a mark), sealed for this place, after a line that names the key."""
        key_id = self.keyring.newest
        line = f"key {key_id} {fingerprint(self.keyring, key_id)}\n".encode()
        self.put(self.key(store, set_id, name), line + sealed(self.keyring, data, label(store, set_id, name)))

    def get(self, key: str) -> bytes:
        """The bytes of an object.

        Raises:
            ObjectNotFoundError: there is none.
            TargetError: the store refuses or does not answer.
        """
        with self._reached():
            return self.objects.get(key)

    def document(self, store: StoreName, set_id: str, name: str) -> "Document":
        """What `put_sealed` put, as it lies there.

        Raises:
            ObjectNotFoundError, TargetError: as of `get`.
        """
        return Document(self.get(self.key(store, set_id, name)), label(store, set_id, name))

    def opened(self, document: "Document") -> bytes:
        """What a document says; also without the line, as of the first releases.

        Raises:
            OtherKeySetError: its key is not in the key set.
            SealError: it does not open.
        """
        data = document.data
        key_id, wanted = document.key_id, ""
        if (line := _KEY_LINE.match(data)) is not None:
            wanted, data = line[2].decode(), data[line.end() :]
        if key_id not in self.keyring.ids or (wanted and fingerprint(self.keyring, key_id) != wanted):
            raise OtherKeySetError(document.place, key_id, wanted, self.keyring)
        return b"".join(opened(self.keyring, [data], document.place))

    def get_sealed(self, store: StoreName, set_id: str, name: str) -> bytes:
        """What `put_sealed` put, opened. Raises: as of `document` and `opened`."""
        return self.opened(self.document(store, set_id, name))

    def stores(self) -> Sequence[StoreName]:
        """The stores that a set or a beginning of one lies of."""
        with self._reached():
            apps = self.objects.list_prefixes(self.prefix)
            found = [folder for app in apps for folder in self.objects.list_prefixes(app)]
        return [StoreName(*folder.removeprefix(f"{self.prefix}/").split("/")) for folder in found]

    def ids(self, store: StoreName) -> Sequence[str]:
        """The ids of all sets of a store, also of those without a manifest, in order of time."""
        with self._reached():
            folders = self.objects.list_prefixes(f"{self.prefix}/{store}")
        return [name for folder in folders if _ID.fullmatch(name := folder.rpartition("/")[2])]

    def names(self, store: StoreName, set_id: str) -> dict[str, int]:
        """The names of a set's objects with their bytes."""
        folder = self.folder(store, set_id)
        with self._reached():
            return {info.key.removeprefix(f"{folder}/"): info.size for info in self.objects.list(folder)}

    def delete(self, store: StoreName, set_id: str, names: Sequence[str]) -> None:
        """Remove objects of a set; a missing one is no error."""
        with self._reached():
            self.objects.delete([self.key(store, set_id, name) for name in names])

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except ObjectNotFoundError:
            raise
        except ObjectStoreError as error:
            reason, next_step = str(error), "check the bucket's settings, then try again"
            if isinstance(error, DeclinedError):
                reason, next_step = error.reason, error.next_step
            raise disk.full(error) or TargetError(f"backups at {self.prefix}/: {reason}", next_step) from None


def label(store: StoreName, set_id: str, name: str) -> str:
    """What an object is sealed for. It leaves out the prefix, so that a copy of all sets opens elsewhere."""
    return f"backup {store}/{set_id}/{name}"
