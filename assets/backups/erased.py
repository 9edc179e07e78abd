"""Who was erased, as a restore of a store asks: the tombstones of its apps.

What belongs here: where they are read, and when they can be relied on. What does not: finding the rows of these people
in a set (a method).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from assets.apps import App
from assets.backups import noted
from assets.backups.method import nobody
from assets.backups.sets import find
from assets.backups.target import StoreName, Target
from assets.privacy.tombstones import Tombstones
from resources.declined import DeclinedError
from resources.keyring import Keyring, SealError
from resources.postgres import Connection, Postgres, PostgresUnreachableError
from resources.sql_files import read_sql

KEPT_IN = StoreName("pipelines", "postgres")
TABLE = "archive.tombstones"
MISSING = (PostgresUnreachableError, psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)
KEY_SET = "bring back the key set that sealed it; docs/recovery.md says how"
FIRST = f"`clearlift backup restore {KEPT_IN}` first, because it knows them"


class TombstonesMissingError(DeclinedError):
    """Nobody knows who was erased, so that a restore could bring them back. Nothing was touched."""


@dataclass(frozen=True)
class ErasedSince:
    """Who was erased. remember: writes into a restored Postgres of ours whom its backup cannot know; how many."""

    tombstones: Tombstones = field(repr=False)
    remember: Callable[[Connection], int] = nobody


@contextmanager
def erased(
    postgres: Postgres | None, target: Target, store: StoreName, apps: Sequence[App], moment: datetime
) -> Iterator[ErasedSince]:
    """The tombstones of apps whose data a store holds, of which a backup of a moment comes back. While the block lasts,
    no further person can be erased, and no other restore of the store begins. postgres: ours; None where there is none
    yet.

    Our own Postgres, which keeps them, is restored with those that it still has, and with those that were noted beside
    the backups: who was erased before its set was made is not in the set.

    Raises:
        TombstonesMissingError: they cannot be read, or are fewer than a backup says.
    """
    lock = f"clearlift.backups.restore.{store}"
    if store == KEPT_IN:
        with ExitStack() as held:
            found = Tombstones({})
            if postgres is not None:
                with suppress(*MISSING):
                    held.enter_context(postgres.lock(lock))
                    found = _still_known(postgres, apps, target.keyring)
            with opened():
                notes = noted.since(target, moment)
            found = found.with_hashes(one for note in notes for one in note.people)
            yield ErasedSince(found, lambda connection: noted.add(connection, notes, lambda: target.keyring))
        return
    if postgres is None:
        raise TombstonesMissingError("there is no Postgres of ours that says who was erased", FIRST)
    recorded = _recorded(target)
    with ExitStack() as held:
        try:
            remember(postgres, target)
            connection = held.enter_context(postgres.lock(lock))
            known, found = _count(connection), _locked(connection, apps, target.keyring)
        except MISSING:
            raise TombstonesMissingError("who was erased cannot be read from our Postgres", FIRST) from None
        except SealError:
            raise TombstonesMissingError("the secret of who was erased does not open", KEY_SET) from None
        if known < recorded:
            raise TombstonesMissingError(f"our Postgres knows {known} erased people, and its backup {recorded}", FIRST)
        yield ErasedSince(found)


def remember(postgres: Postgres, target: Target) -> int:
    """Add the tombstones that were noted beside the backups and that our Postgres, restored or new, does not have; how
    many.

    Raises:
        TombstonesMissingError: a note does not open.
    """
    known = {(row["app"], row["erased_at"]) for row in postgres.fetch(read_sql("privacy/erasure_times.sql"))}
    with opened():
        notes = noted.unknown(target, known)
    if not notes:
        return 0
    with postgres.connection() as connection:
        return noted.add(connection, notes, lambda: target.keyring)


@contextmanager
def opened() -> Iterator[None]:
    """What reads notes beside the backups.

    Raises:
        TombstonesMissingError: one does not open.
    """
    try:
        yield
    except SealError:
        raise TombstonesMissingError("a note of who was erased, or is to be, does not open", KEY_SET) from None


def _still_known(postgres: Postgres, apps: Sequence[App], keyring: Keyring) -> Tombstones:
    # In a transaction of its own: the restore writes to their table.
    with postgres.connection() as connection:
        return _locked(connection, apps, keyring, hashed=True)


def _locked(connection: Connection, apps: Sequence[App], keyring: Keyring, *, hashed: bool = False) -> Tombstones:
    return Tombstones.together(Tombstones.locked(connection, app.name, lambda: keyring, hashed=hashed) for app in apps)


def _count(connection: Connection) -> int:
    (row,) = connection.execute(read_sql("privacy/tombstone_count.sql"))
    return int(row["n"])


def _recorded(target: Target) -> int:
    """Tombstones that the newest backup of our Postgres holds."""
    sets = find(target, KEPT_IN).complete
    return next((table.rows for table in sets[-1].tables if table.name == TABLE), 0) if sets else 0
