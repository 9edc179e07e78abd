"""People who were erased, whose rows nothing brings back: no restore, no replay, no late batch.

A tombstone is HMAC-SHA-256, under a secret of this database, of the SHA-256 of `kind:id`. Without the secret nobody can
ask whether a known id was erased. A person of one organisation alone has one for each name of the organisation. What
belongs here: adding tombstones, asking them, finding erased rows in a frame. What does not: erasing what is live.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from assets.apps.personal import ORGANISATION, Subject
from assets.privacy.identity import Identity
from resources.keyring import Keyring
from resources.keyring.addresses import normalised
from resources.postgres import Connection
from resources.sql_files import read_sql

if TYPE_CHECKING:
    import polars as pl

    from assets.rows.columns import RowColumn

Keys = Callable[[], Keyring]
"""Opens the key set, once it turns out that it is needed."""

Hashed = tuple[str, bytes]
"""A subject that was erased, by its kind and its plain hash."""

_PLACE = {"table": "privacy.secrets", "column": "sealed", "row": "tombstones"}
_BYTES = 32
HASH = "hash"
"""The kind of a tombstone of what our Postgres knows of a person as a hash. Its subject is the text of that column.
There is one an organisation and id, so that only a restore of our Postgres reads them.
"""
WITHIN = " of one organisation"
"""Ends the kind of a tombstone that holds in rows of one organisation. Its subject is the organisation's name, a line
feed, and the id, because neither has a line feed.
"""


@dataclass(frozen=True)
class Tombstones:
    """Keyed hashes of erased subjects by their kind, and the secret that keys them. The repr shows neither.

    exempt: hashes of those whose rows stay in a table for a reason, by `store/name`.
    """

    hashes: Mapping[str, frozenset[bytes]] = field(repr=False)
    secret: bytes = field(default=b"", repr=False)
    exempt: Mapping[str, frozenset[bytes]] = field(default_factory=dict, repr=False)

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
    def locked(cls, connection: Connection, app: str, keys: Keys, *, hashed: bool = False) -> "Tombstones":
        """Those of an app. None can be added before the connection's transaction ends. hashed: those of HASH too.

        Raises:
            SealError: the key set does not open the secret, so that nobody knows who was erased.
        """
        connection.execute("lock table archive.tombstones in share mode")
        rows = connection.execute(read_sql("privacy/tombstones.sql"), {"app": app, "hashed": hashed}).fetchall()
        if not rows:
            return cls({})
        # Where nothing was erased since hashes are keyed, those of before are keyed for this reader alone.
        secret = _stored(connection, keys) or secrets.token_bytes(_BYTES)
        hashes: dict[str, set[bytes]] = {}
        for row in rows:
            found = bytes(row["subject_hash"])
            hashes.setdefault(row["subject_kind"], set()).add(found if row["keyed"] else _keyed(secret, found))
        exempt: dict[str, frozenset[bytes]] = {}
        for row in connection.execute(read_sql("privacy/exempt_people.sql"), {"app": app}).fetchall():
            for name in row["names"]:
                exempt[name] = exempt.get(name, frozenset()).union(map(bytes, row["hashes"]))
        return cls({kind: frozenset(of_kind) for kind, of_kind in hashes.items()}, secret, exempt)

    @staticmethod
    def together(several: "Iterable[Tombstones]") -> "Tombstones":
        """Those of several apps, for a store that holds data of all of them."""
        hashes: dict[str, frozenset[bytes]] = {}
        exempt: dict[str, frozenset[bytes]] = {}
        secret = b""
        for one in several:
            secret = secret or one.secret
            for kind, of_kind in one.hashes.items():
                hashes[kind] = hashes.get(kind, frozenset()) | of_kind
            for name, of_table in one.exempt.items():
                exempt[name] = exempt.get(name, frozenset()) | of_table
        return Tombstones(hashes, secret, exempt)

    def in_table(self, store: str, name: str) -> "Tombstones":
        """Those whose rows do not come back into a table: without people whose rows stay there for a reason."""
        stay = self.exempt.get(f"{store}/{name}")
        if not stay:
            return self
        return Tombstones({kind: of_kind - stay for kind, of_kind in self.hashes.items()}, self.secret)

    def with_hashes(self, hashes: "Iterable[Hashed]") -> "Tombstones":
        """These and further ones, of which the plain hashes are known."""
        secret = self.secret or secrets.token_bytes(_BYTES)
        found = {kind: set(of_kind) for kind, of_kind in self.hashes.items()}
        for kind, hashed in hashes:
            found.setdefault(kind, set()).add(_keyed(secret, hashed))
        return replace(self, hashes={kind: frozenset(of_kind) for kind, of_kind in found.items()}, secret=secret)

    def may_hold(self, kind: str) -> bool:
        """Whether anybody of a kind was erased, of every organisation or of one."""
        return bool(self.hashes.get(kind) or self.hashes.get(f"{kind}{WITHIN}"))

    def holds(self, kind: str, subject: str, organisation: str | None = None) -> bool:
        """Whether a subject was erased, as a row of this organisation names it."""
        if not self.may_hold(kind):
            return False
        asked = [(kind, text) for text in forms_of(subject)]
        if organisation is not None:
            asked += [within(organisation, *one) for one in asked]
        known = [(self.hashes[one], plain_hash(one, text)) for one, text in asked if self.hashes.get(one)]
        return any(_keyed(self.secret, hashed) in of_kind for of_kind, hashed in known)

    def kept(
        self, frame: "pl.DataFrame", columns: "Sequence[RowColumn]", subjects: Sequence[Subject]
    ) -> "pl.DataFrame":
        """The rows without those of people who were erased. `subjects` are (kind, column) pairs, or
        (kind, column.field) where the column holds JSON; the organisation's is the tenant of the others.
        """
        # Commands that ask for tombstones start without polars.
        import polars as pl

        from assets.rows.columns import text_of

        by_name = {column.name: column for column in columns}

        def value(path: str) -> "pl.Expr | None":
            name, _, field_ = path.partition(".")
            if name not in by_name:
                return None
            text = text_of(by_name[name])
            return text.str.json_path_match(f"$.{field_}") if field_ else text

        tenants = [found for path in organisation_places(subjects) if (found := value(path)) is not None]
        tenant = tenants[0] if tenants else pl.lit(None, pl.String)
        for kind, path in subjects:
            named = value(path)
            if not self.may_hold(kind) or named is None:
                continue
            pairs = frame.select(named.alias("id"), tenant.alias("of"))
            asked = pairs.unique().drop_nulls("id").rows()
            erased = pl.DataFrame([pair for pair in asked if self.holds(kind, *pair)], pairs.schema, orient="row")
            if not erased.is_empty():
                stay = pairs.with_row_index("at").join(erased, on=["id", "of"], how="anti", nulls_equal=True)
                frame = frame[stay["at"].sort()]
        return frame


def within(organisation: str, kind: str, subject: str) -> tuple[str, str]:
    """The kind and the subject of a tombstone that holds in rows of one organisation."""
    return f"{kind}{WITHIN}", f"{organisation}\n{subject}"


def forms_of(subject: str) -> tuple[str, ...]:
    """The texts by which an id is known: as it is, and in the form in which two e-mail addresses are one."""
    return tuple(dict.fromkeys((subject, normalised(subject)))) if "@" in subject else (subject,)


def organisation_places(subjects: Iterable[Subject]) -> list[str]:
    """Where rows with these subjects say whose organisation's they are."""
    return [place for kind, place in subjects if str(kind) == ORGANISATION]


def subjects_of(identity: Identity) -> list[tuple[str, str]]:
    """The subjects (kind, id) of the tombstones of a person or an organisation, in order."""
    people = [(str(kind), form) for kind, ids in identity.ids.items() for id_ in ids for form in forms_of(id_)]
    if identity.within:
        people = [within(name, *subject) for name in identity.within for subject in people]
    return sorted({*people, *((ORGANISATION, name) for name in identity.organisation)})


def add(connection: Connection, app: str, subjects: Iterable[tuple[str, str]], at: datetime, keys: Keys) -> int:
    """Say that subjects (kind, id) were erased; how many were not said to be before. See `add_hashes`."""
    return add_hashes(connection, app, ((kind, plain_hash(kind, subject)) for kind, subject in subjects), at, keys)


def add_hashes(connection: Connection, app: str, hashes: Iterable[Hashed], at: datetime, keys: Keys) -> int:
    """The same of subjects of which the plain hashes are known.

    It waits until each reader of the app's tombstones has ended. The first call makes the secret, and keys what was
    hashed without one.
    """
    secret = _made(connection, keys)
    for row in connection.execute(read_sql("privacy/unkeyed_tombstones.sql")).fetchall():
        connection.execute(
            read_sql("privacy/key_tombstone.sql"), {**row, "keyed": _keyed(secret, bytes(row["subject_hash"]))}
        )
    rows = [
        {"app": app, "kind": kind, "hash": _keyed(secret, hashed), "at": at} for kind, hashed in sorted(set(hashes))
    ]
    with connection.cursor() as cursor:
        cursor.executemany(read_sql("privacy/add_tombstone.sql"), rows)
        return max(0, cursor.rowcount)


def keyed_hash(connection: Connection, kind: str, subject: str, keys: Keys) -> bytes:
    """What stays of a subject when its ids are dropped: the hash of its tombstone."""
    return _keyed(_made(connection, keys), plain_hash(kind, subject))


def plain_hash(kind: str, subject: str) -> bytes:
    """The SHA-256 of a subject, which the secret keys."""
    return hashlib.sha256(f"{kind}:{subject}".encode()).digest()


def _made(connection: Connection, keys: Keys) -> bytes:
    """The secret, which the first call makes."""
    connection.execute(
        read_sql("privacy/make_secret.sql"),
        {"name": _PLACE["row"], "sealed": keys().seal(secrets.token_bytes(_BYTES), **_PLACE)},
    )
    secret = _stored(connection, keys)
    assert secret is not None
    return secret


def _stored(connection: Connection, keys: Keys) -> bytes | None:
    row = connection.execute(read_sql("privacy/secret.sql"), {"name": _PLACE["row"]}).fetchone()
    return None if row is None else keys().open(bytes(row["sealed"]), **_PLACE)


def _keyed(secret: bytes, hashed: bytes) -> bytes:
    return hmac.digest(secret, hashed, "sha256")
