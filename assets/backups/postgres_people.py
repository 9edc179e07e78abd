"""Rows of erased people that a restore of Postgres has put back, removed before anybody sees them.

What belongs here: finding and removing them in an open load, with what goes with them. What does not: who was erased
(assets/privacy).
"""

from collections.abc import Callable, Mapping, Sequence

from psycopg.sql import SQL, Composable, Identifier, Literal

from assets.apps.personal import Subject
from assets.privacy.places import in_postgres
from assets.privacy.tombstones import WITHIN, Tombstones, organisation_places
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


def remove(
    load: Load,
    subjects: Mapping[str, Sequence[Subject]],
    people: Tombstones,
    checksums: Mapping[str, RowChecksum],
) -> int:
    """Delete the rows of erased people from the tables of a load, and what goes with them; returns how many rows.

    What goes with them is what the foreign keys say, which are down in a load: a row that referred to a deleted one
    goes too, or is emptied there. checksums: of the rows of each table; they follow what is done.
    """
    set_secret(load.connection, people)
    before = sum(checksum.rows for checksum in checksums.values())
    gone: set[str] = set()
    for name, checksum in checksums.items():
        condition = erased_rows(subjects.get(name, ()), people.in_table("app_postgres", name))
        if condition is not None and _deleted(load, name, condition, checksum):
            gone.add(name)
    while gone:
        parents, gone = gone, set()
        for key in load.foreign_keys:
            if key.parent in parents and key.child in checksums and key.validated:
                gone |= _followed(load, key, checksums[key.child])
    return before - sum(checksum.rows for checksum in checksums.values())


def _followed(load: Load, key: ForeignKey, checksum: RowChecksum) -> set[str]:
    """Do what a key says of rows whose parent is gone; the child's name, if others may refer to what went."""
    orphaned = _orphaned(load, key)
    if key.on_delete == CASCADE:
        return {key.child} if _deleted(load, key.child, orphaned, checksum) else set()
    if key.on_delete == SET_NULL:
        table = load.tables[key.child]
        columns = _columns(table.columns)
        emptied = SQL(", ").join(SQL("{} = null").format(Identifier(column)) for column in key.columns)
        was = SQL("select {} from {} child where {}").format(columns, table.identifier, orphaned)
        _each(load, was, checksum.remove)
        now = SQL("update {} child set {} where {} returning {}").format(table.identifier, emptied, orphaned, columns)
        _each(load, now, checksum.add)
    return set()


def _orphaned(load: Load, key: ForeignKey) -> Composable:
    parent = load.tables[key.parent].identifier
    return SQL("{} and not exists (select from {} parent where {})").format(key.filled(), parent, key.same())


def _deleted(load: Load, name: str, condition: Composable, checksum: RowChecksum) -> int:
    table = load.tables[name]
    statement = SQL("delete from {} child where {} returning {}").format(
        table.identifier, condition, _columns(table.columns)
    )
    return _each(load, statement, checksum.remove)


def _each(load: Load, statement: Composable, take: Callable[[bytes], None]) -> int:
    """Hand each row that a statement returns on, in the form in which checksums count it."""
    rows = 0
    with load.connection.cursor() as cursor, cursor.copy(SQL("copy ({}) to stdout").format(statement)) as copy:
        for row in copy:
            take(bytes(row))
            rows += 1
    return rows


def _columns(names: Sequence[str]) -> Composable:
    return SQL(", ").join(map(Identifier, names))
