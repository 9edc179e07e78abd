"""Rows of erased people that a restore of Postgres has put back, removed before anybody sees them.

What belongs here: finding and removing them in an open load, with what goes with them. What does not: who was erased
(assets/privacy).
"""

from collections.abc import Mapping, Sequence

from psycopg.sql import SQL, Composable, Literal

from assets.apps.personal import Holding, Subject
from assets.backups.loaded_rows import delete, empty
from assets.backups.postgres_database import DatabaseSchema
from assets.backups.postgres_traces import remove_texts
from assets.privacy.erased_texts import NamedPeople
from assets.privacy.places import in_postgres
from assets.privacy.tombstones import HASH, WITHIN, Tombstones, organisation_places
from resources.postgres import Connection
from resources.postgres.load import CASCADE, SET_NULL, ForeignKey, Load
from resources.postgres.row_checksum import RowChecksum

# HMAC-SHA-256 by its definition, because not every server has pgcrypto. The secret's pads are settings of the
# transaction, so that they are in no text of a statement, which Postgres logs where it fails.
KEYED = SQL(
    "sha256(decode(current_setting('clearlift.outer_pad'), 'hex') || "
    "sha256(decode(current_setting('clearlift.inner_pad'), 'hex') || sha256(convert_to({} || ({}), 'UTF8'))))"
)


def set_secret(connection: Connection, people: Tombstones) -> None:
    """Let the transaction of a connection hash ids as the tombstones are; `erased_rows` needs it."""
    pads = {
        f"{name}_pad": bytes(byte ^ mask for byte in people.secret.ljust(64, b"\0")).hex()
        for name, mask in (("inner", 0x36), ("outer", 0x5C))
    }
    connection.execute(
        "select set_config('clearlift.inner_pad', %(inner_pad)s, true),"
        " set_config('clearlift.outer_pad', %(outer_pad)s, true)",
        pads,
    )


def erased_rows(subjects: Sequence[Subject], people: Tombstones) -> Composable | None:
    """The condition that holds for rows of erased people; None where there can be none."""
    found: list[Composable] = []
    tenant = next(map(in_postgres, organisation_places(subjects)), None)
    for kind, place in subjects:
        asked: dict[str, Composable] = {kind: in_postgres(place)}
        if tenant is not None:
            asked[f"{kind}{WITHIN}"] = SQL("{} || chr(10) || {}").format(tenant, in_postgres(place))
        for one, subject in asked.items():
            if hashes := people.hashes.get(one):
                digest = KEYED.format(Literal(f"{one}:"), subject)
                found.append(SQL("{} = any({})").format(digest, Literal(sorted(hashes))))
    return SQL("({})").format(SQL(" or ").join(found)) if found else None


def remove(load: Load, schema: DatabaseSchema, people: Tombstones, checksums: Mapping[str, RowChecksum]) -> int:
    """Delete the rows of erased people from the tables of a load, and what goes with them; returns how many rows.

    What goes with them is what the foreign keys say, which are down in a load: a row that referred to a deleted one
    goes too, or is emptied there. In rows of others their traces are emptied. checksums: of the rows of each table;
    they follow what is done.
    """
    if not people.hashes:
        return 0
    set_secret(load.connection, people)
    before = sum(checksum.rows for checksum in checksums.values())
    gone: set[str] = set()
    for name, checksum in checksums.items():
        condition = erased_rows(schema.subjects.get(name, ()), people.in_table("app_postgres", name))
        deleted = 0 if condition is None else delete(load, name, condition, checksum)
        if (entry := schema.traces.get(name)) is not None:
            deleted += remove_traces(load, entry, people, checksum)
        if deleted:
            gone.add(name)
    while gone:
        parents, gone = gone, set()
        for key in load.foreign_keys:
            if key.parent in parents and key.child in checksums and key.validated:
                gone |= _followed(load, key, checksums[key.child])
    return before - sum(checksum.rows for checksum in checksums.values())


def remove_traces(load: Load, entry: Holding, people: Tombstones, checksum: RowChecksum) -> int:
    """Take traces of erased people out of rows of others; how many rows went, because a trace was all that they are."""
    hashed: list[Subject] = [(HASH, column) for _, column in entry.hashed] if entry.erasure == "blank" else []  # type: ignore[misc]
    condition = erased_rows(hashed, people)
    if condition is not None:
        empty(load, entry.name, entry.personal.split(), condition, checksum)
    return remove_texts(load, entry, NamedPeople(people), checksum)


def _followed(load: Load, key: ForeignKey, checksum: RowChecksum) -> set[str]:
    """Do what a key says of rows whose parent is gone; the child's name, if others may refer to what went."""
    orphaned = _orphaned(load, key)
    if key.on_delete == CASCADE:
        return {key.child} if delete(load, key.child, orphaned, checksum) else set()
    if key.on_delete == SET_NULL:
        empty(load, key.child, key.columns, orphaned, checksum)
    return set()


def _orphaned(load: Load, key: ForeignKey) -> Composable:
    parent = load.tables[key.parent].identifier
    return SQL("{} and not exists (select from {} parent where {})").format(key.filled(), parent, key.same())
