"""Migrations: numbered SQL files, up and down, and a ledger of checksums in the store that they changed.

What belongs here: reading the files, comparing them with the ledger, deciding what runs next. What does not: how one
store runs a script together with its ledger row (d1.py, postgres.py), and the migrations themselves (sql/).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from resources.sql_files import list_sql, read_sql

FILE_NAME = re.compile(r"^(\d{3})_([a-z0-9_]+)\.(up|down)\.sql$")
# A migration and its ledger row are one transaction, which the store opens and ends. (`end;` ends triggers too.)
OWN_TRANSACTION = re.compile(
    r"^\s*(begin|commit|rollback|start\s+transaction)(\s+(work|transaction))?\s*;", re.IGNORECASE | re.MULTILINE
)


class MigrationError(RuntimeError):
    """The files and the ledger do not agree, or a file cannot be a migration; one line that names file and store."""


@dataclass(frozen=True)
class Migration:
    """One migration as the files have it. `folder` is its folder under sql/."""

    folder: str
    number: int
    name: str
    up: str
    down: str

    @property
    def checksum(self) -> str:
        """SHA-256 over both files, line ends made equal."""
        text = "\0".join(part.replace("\r\n", "\n") for part in (self.up, self.down))
        return hashlib.sha256(text.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.number:03}_{self.name}"


@dataclass(frozen=True)
class LedgerRow:
    """One migration as the store has it: applied at (ISO 8601, UTC)."""

    number: int
    name: str
    checksum: str
    applied_at: str


class Ledger(Protocol):
    """What a store must offer. `apply` and `revert` are one transaction each: script and ledger row, or neither."""

    @property
    def store(self) -> str:
        """The store's name for messages, without secrets."""

    def rows(self, folder: str) -> Sequence[LedgerRow]:
        """What is applied of a folder, by number; empty where nothing ever was."""

    def apply(self, migration: Migration) -> bool:
        """Run `up` and write the row. False, and nothing done, when another process did it meanwhile."""

    def revert(self, migration: Migration) -> bool:
        """Run `down` and remove the row. False, and nothing done, when another process did it meanwhile."""


class State(StrEnum):
    """Where a migration stands: `edited` and `missing` are drift, which up and down refuse."""

    APPLIED = "applied"
    PENDING = "pending"
    EDITED = "edited"
    MISSING = "missing"


@dataclass(frozen=True)
class Standing:
    """One line of `status`; `applied_at` is None while it is not applied."""

    number: int
    name: str
    state: State
    applied_at: str | None

    def __str__(self) -> str:
        return f"{self.number:03}_{self.name}"

    @property
    def drift(self) -> str | None:
        """What is wrong and what to do about it; None where file and ledger agree."""
        before = "was applied and its" if self.applied_at else "its"
        if self.state is State.EDITED:
            return "was applied and its file is another now; restore it and add a new migration"
        if self.state is State.MISSING:
            return f"{before} up or down file is missing; restore it"
        return None


def load(folder: str) -> list[Migration]:
    """The migrations of a folder under sql/, numbered 001, 002, ... without gaps, each with an up and a down file."""
    names, texts = _files(folder)
    for position, number in enumerate(sorted(names), start=1):
        if number != position:
            raise MigrationError(
                f"sql/{folder}: migration {position:03} is missing, {number:03} is there; restore its files"
            )
        for direction in ("up", "down"):
            if (number, direction) not in texts:
                raise MigrationError(f"sql/{folder}/{number:03}_{names[number]}.{direction}.sql is missing; restore it")
    return [Migration(folder, n, names[n], texts[n, "up"], texts[n, "down"]) for n in sorted(names)]


def _files(folder: str) -> tuple[dict[int, str], dict[tuple[int, str], str]]:
    """Names by number, texts by number and direction; one of a pair, or a number, may be missing."""
    texts: dict[tuple[int, str], str] = {}
    names: dict[int, str] = {}
    for file_name in list_sql(folder):
        match = FILE_NAME.match(file_name)
        if match is None:
            raise MigrationError(f"sql/{folder}/{file_name}: a migration is named NNN_name.up.sql or NNN_name.down.sql")
        number, name, direction = int(match[1]), match[2], match[3]
        if names.setdefault(number, name) != name:
            raise MigrationError(f"sql/{folder}: two migrations have number {number:03}: {names[number]} and {name}")
        text = read_sql(f"{folder}/{file_name}")
        if OWN_TRANSACTION.search(text):
            raise MigrationError(f"sql/{folder}/{file_name}: opens or ends a transaction; it runs in one already")
        texts[number, direction] = text
    return names, texts


def status(ledger: Ledger, folder: str) -> list[Standing]:
    """How every migration of a folder stands, drift included; changes nothing."""
    names, texts = _files(folder)
    whole = (n for n in names if {(n, "up"), (n, "down")} <= texts.keys())
    files = {n: Migration(folder, n, names[n], texts[n, "up"], texts[n, "down"]) for n in whole}
    rows = {row.number: row for row in ledger.rows(folder)}
    standings = []
    for number in sorted(names.keys() | rows):
        file, row = files.get(number), rows.get(number)
        if row is None:
            standings.append(Standing(number, names[number], State.PENDING if file else State.MISSING, None))
            continue
        if file is None:
            state = State.MISSING
        elif (file.name, file.checksum) != (row.name, row.checksum):
            state = State.EDITED
        else:
            state = State.APPLIED
        standings.append(Standing(number, row.name, state, row.applied_at))
    return standings


def up(ledger: Ledger, folder: str, to: int | None = None) -> list[str]:
    """Apply what is pending, up to and including number `to`; returns the names of those that this call applied.

    One whose answer was lost on the way is not named: it may be another process's.
    """
    applied = []
    for migration in load(folder):
        done = _agreed(ledger, folder)
        if migration.number in done or (to is not None and migration.number > to):
            continue
        if ledger.apply(migration):
            applied.append(str(migration))
    _agreed(ledger, folder)
    return applied


def down(ledger: Ledger, folder: str, *, to: int | None = None, steps: int = 1) -> list[str]:
    """Revert the last `steps` migrations, or all above number `to` (0: every one); returns the names, in order run."""
    done = _agreed(ledger, folder)
    target = to if to is not None else max(len(done) - steps, 0)
    return [
        str(migration)
        for migration in reversed(load(folder))
        if migration.number > target and migration.number in _agreed(ledger, folder) and ledger.revert(migration)
    ]


def _agreed(ledger: Ledger, folder: str) -> set[int]:
    """The numbers applied, when they are the first of the files and none has drifted; raises MigrationError."""
    done: set[int] = set()
    for standing in status(ledger, folder):
        where = f"{ledger.store}: migration sql/{folder}/{standing}"
        if standing.drift:
            raise MigrationError(f"{where} {standing.drift}")
        if standing.state is State.APPLIED:
            if standing.number != len(done) + 1:
                raise MigrationError(f"{where} is applied and an earlier one is not")
            done.add(standing.number)
    return done
