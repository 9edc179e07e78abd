"""What one store's means of backup are asked for: the Protocol, and what goes in and comes out.

One class a store fulfils it (d1.py, postgres_logical.py, …). What does not belong here: order and rules that hold for
all stores (restore.py, drill.py), and where sets lie.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from assets.backups.manifest import Kind, Manifest, Table
from assets.privacy.tombstones import Tombstones
from resources.declined import DeclinedError
from resources.postgres import Connection

if TYPE_CHECKING:
    from assets.backups.parts import Draft
    from assets.backups.sets import Sets
    from assets.backups.target import StoreName, Target

Chain = tuple[Manifest, ...]
"""The sets that one restore reads: the one that stands alone first."""

At = datetime | str
"""A moment in UTC, or a position of the store's own log as a manifest has it."""


class FullNeededError(DeclinedError):
    """An incremental cannot be made: the schema changed, or the log does not reach back to the base. Make a full."""


class FullOnlyError(FullNeededError):
    """The store has no incrementals, so that each of its sets is a full one and needs no reason for it."""


class NotRestorableError(DeclinedError):
    """What was asked for cannot be restored: no set reaches it, or the store has no such means. Nothing was touched."""


class OccupiedError(DeclinedError):
    """The place to restore into already holds something. Nothing was touched."""


@dataclass(frozen=True)
class Contents:
    """What a method says of the set that it wrote into a draft; the fields are those of `Manifest`."""

    kind: Kind
    until: str
    moment: datetime
    base: str | None = None
    since: str | None = None
    schema: str = ""
    tables: Sequence[Table] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def nobody(_connection: Connection) -> int:
    """Writes nobody down. A function with a name, because tests hand a scope to other processes."""
    return 0


@dataclass(frozen=True)
class Scope:
    """What of a set is wanted.

    at: up to where; None for all of the chain. tables: only these; empty for all. owners: only rows of these
    organisations or people, by their ids; empty for all. erased: people whose rows do not come back. remember: writes
    into our own Postgres who was erased after its backup; how many. live: the place is the store that the application
    works on, so that single rows are put beside what is there. since: a set whose
    files were restored already, so that a drill leaves them out, and the rows of erased people in them; only where a
    store is made of files that never change.
    """

    at: At | None = None
    tables: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    erased: Tombstones = field(default_factory=lambda: Tombstones({}))
    remember: Callable[[Connection], int] = nobody
    live: bool = False
    since: Manifest | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is left out by name."""
        return not (self.tables or self.owners)


@dataclass(frozen=True)
class Restored:
    """What a restore brought back.

    until: the position that was reached. moment: the time of the last change that is in it, or of the reading where
    there is no log. tables: rows and checksum of each restored table as the set's bytes say, without those of erased
    people; `differences` compares the place with them. erased: rows left out because their people were erased. whole:
    whether all of the store came back. beside: whether rows were put beside others, which cannot be told apart later.
    dangling: rows that refer to a row which was not there then either. new_only: whether files of `Scope.since` were
    left out. left_out: what else of the set has no place there, by name. without_place: rows of tables that are not
    there, by table. notes: what to know of it, a sentence each, with a next step.
    """

    until: str
    moment: datetime
    tables: tuple[Table, ...]
    erased: int = 0
    whole: bool = True
    beside: bool = False
    dangling: int = 0
    new_only: bool = False
    left_out: tuple[str, ...] = ()
    without_place: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


Place = TypeVar("Place")


class Method(Protocol[Place]):
    """The means of one store. `Place` is what a restore writes into: a D1, a database, a folder."""

    @property
    def store(self) -> "StoreName":
        """The store that it is for."""

    def full(self, draft: "Draft") -> Contents:
        """Write a set that stands alone. No other writer waits longer than a fifth of a second for it."""

    def incremental(self, draft: "Draft", base: Manifest) -> Contents:
        """Write what changed after `base.until`.

        Raises:
            FullNeededError: it cannot be.
            FullOnlyError: it never can be, because the store has no incrementals.
        """

    def chain(self, sets: "Sets", at: At | None) -> Chain:
        """The sets that a restore of `at` reads (None: the newest).

        Raises:
            NotRestorableError: no set reaches it.
        """

    def live(self) -> Place:
        """The store that the application works on."""

    def stays(self) -> Sequence[str]:
        """What a whole restore over the live store leaves as it is, a phrase each."""

    def place(self, name: str) -> Place:
        """The place that a person names (a file, a database of ours); DeclinedError for none that can be."""

    def scratch(self, folder: Path) -> AbstractContextManager[Place]:
        """An empty place for a drill, below an empty folder; it is gone after the block."""

    def is_empty(self, place: Place) -> bool:
        """Whether a place holds nothing that a restore could overwrite."""

    def preview(self, target: "Target", chain: Chain, scope: Scope) -> Sequence[Table]:
        """What a restore over the live store would write, by table; nothing is written, and no writer waits. Of single
        tables and owners these are the rows that would come, else those of the set that stands alone.

        Raises:
            InTheWayError: what is there now does not let them in.
            DeclinedError: as of `restore`.
        """

    def restore(self, target: "Target", chain: Chain, place: Place, scope: Scope) -> Restored:
        """Bring back what the scope wants. Killed and run again, it ends the same.

        Raises:
            DamagedSetError: a part is not what was written; a whole restore read all of them before it wrote.
            OccupiedError: the place is not empty, and the scope is not for single tables or owners, nor live.
        """

    def differences(self, place: Place, restored: Restored) -> Iterator[str]:
        """What is wrong with a restored place, a sentence each: integrity, foreign keys, counts, checksums, indexes."""
