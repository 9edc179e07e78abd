"""People who were erased, whose rows nothing brings back: no restore, no replay, no late batch.

A tombstone is HMAC-SHA-256, under a secret of this database, of the SHA-256 of `kind:id`. Without the secret nobody can
ask whether a known id was erased. What belongs here: adding tombstones, asking them, finding erased rows in a frame.
What does not: erasing what is live.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from assets.apps.personal import Subject
from resources.keyring import Keyring
from resources.postgres import Connection
from resources.sql_files import read_sql

if TYPE_CHECKING:
    import polars as pl

    from assets.rows.columns import RowColumn

Keys = Callable[[], Keyring]
"""Opens the key set, once it turns out that it is needed."""

_PLACE = {"table": "privacy.secrets", "column": "sealed", "row": "tombstones"}
_BYTES = 32


@dataclass(frozen=True)
class Tombstones:
    """Keyed hashes of erased subjects by their kind, and the secret that keys them. The repr shows neither."""

    hashes: Mapping[str, frozenset[bytes]] = field(repr=False)
    secret: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, *subjects: tuple[str, str]) -> "Tombstones":
        """Those of some subjects (kind, id), under a secret of their own."""
        secret = secrets.token_bytes(_BYTES)
        kinds = {kind for kind, _ in subjects}
        return cls(
            {kind: frozenset(_keyed(secret, plain_hash(k, id_)) for k, id_ in subjects if k == kind) for kind in kinds},
            secret,
        )

    @classmethod
    def locked(cls, connection: Connection, app: str, keys: Keys) -> "Tombstones":
        """Those of an app. None can be added before the connection's transaction ends.

        Raises:
            SealError: the key set does not open the secret, so that nobody knows who was erased.
        """
        connection.execute("lock table archive.tombstones in share mode")
        rows = connection.execute(read_sql("privacy/tombstones.sql"), {"app": app}).fetchall()
        if not rows:
            return cls({})
        # Where nothing was erased since hashes are keyed, those of before are keyed for this reader alone.
        secret = _stored(connection, keys) or secrets.token_bytes(_BYTES)
        hashes: dict[str, set[bytes]] = {}
        for row in rows:
            found = bytes(row["subject_hash"])
            hashes.setdefault(row["subject_kind"], set()).add(found if row["keyed"] else _keyed(secret, found))
        return cls({kind: frozenset(of_kind) for kind, of_kind in hashes.items()}, secret)

    @staticmethod
    def together(several: "Iterable[Tombstones]") -> "Tombstones":
        """Those of several apps, for a store that holds data of all of them."""
        hashes: dict[str, frozenset[bytes]] = {}
        secret = b""
        for one in several:
            secret = secret or one.secret
            for kind, of_kind in one.hashes.items():
                hashes[kind] = hashes.get(kind, frozenset()) | of_kind
        return Tombstones(hashes, secret)

    def holds(self, kind: str, subject: str) -> bool:
        """Whether a subject was erased."""
        of_kind = self.hashes.get(kind)
        return bool(of_kind) and _keyed(self.secret, plain_hash(kind, subject)) in (of_kind or ())

    def kept(
        self, frame: "pl.DataFrame", columns: "Sequence[RowColumn]", subjects: Sequence[Subject]
    ) -> "pl.DataFrame":
        """The rows without those of people who were erased. `subjects` are (kind, column) pairs, or
        (kind, column.field) where the column holds JSON.
        """
        # Commands that ask for tombstones start without polars.
        from assets.rows.columns import text_of

        by_name = {column.name: column for column in columns}
        for kind, path in subjects:
            name, _, field_ = path.partition(".")
            if not self.hashes.get(kind) or name not in by_name:
                continue
            value = text_of(by_name[name])
            values = frame.select(value.str.json_path_match(f"$.{field_}") if field_ else value).to_series()
            erased = [v for v in values.unique().drop_nulls() if self.holds(kind, v)]
            frame = frame.filter(~values.is_in(erased).fill_null(value=False)) if erased else frame
        return frame


def add(connection: Connection, app: str, subjects: Iterable[tuple[str, str]], at: datetime, keys: Keys) -> int:
    """Say that subjects (kind, id) were erased; how many were not said to be before.

    It waits until each reader of the app's tombstones has ended. The first call makes the secret, and keys what was
    hashed without one.
    """
    connection.execute(
        read_sql("privacy/make_secret.sql"),
        {"name": _PLACE["row"], "sealed": keys().seal(secrets.token_bytes(_BYTES), **_PLACE)},
    )
    secret = _stored(connection, keys)
    assert secret is not None
    for row in connection.execute(read_sql("privacy/unkeyed_tombstones.sql")).fetchall():
        connection.execute(
            read_sql("privacy/key_tombstone.sql"), {**row, "keyed": _keyed(secret, bytes(row["subject_hash"]))}
        )
    added = 0
    for kind, subject in sorted(set(subjects)):
        hashed = {"kind": kind, "hash": _keyed(secret, plain_hash(kind, subject))}
        added += connection.execute(read_sql("privacy/add_tombstone.sql"), {"app": app, **hashed, "at": at}).rowcount
    return added


def keyed_hash(connection: Connection, kind: str, subject: str, keys: Keys) -> bytes:
    """What stays of a subject when its ids are dropped: the hash of its tombstone."""
    connection.execute(
        read_sql("privacy/make_secret.sql"),
        {"name": _PLACE["row"], "sealed": keys().seal(secrets.token_bytes(_BYTES), **_PLACE)},
    )
    secret = _stored(connection, keys)
    assert secret is not None
    return _keyed(secret, plain_hash(kind, subject))


def plain_hash(kind: str, subject: str) -> bytes:
    """The SHA-256 of a subject, which the secret keys."""
    return hashlib.sha256(f"{kind}:{subject}".encode()).digest()


def _stored(connection: Connection, keys: Keys) -> bytes | None:
    row = connection.execute(read_sql("privacy/secret.sql"), {"name": _PLACE["row"]}).fetchone()
    return None if row is None else keys().open(bytes(row["sealed"]), **_PLACE)


def _keyed(secret: bytes, hashed: bytes) -> bytes:
    return hmac.digest(secret, hashed, "sha256")
