"""Migrations as numbered SQL files, up and down, compared with those that a database has applied.

What belongs here: reading the files, comparing checksums, deciding what runs next. What does not: how one store runs a
script together with its row (d1.py, postgres.py), how it finds what a way down would lose (*_losses.py), and the
migrations themselves (sql/).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from resources.counts import counted, listed
from resources.declined import DeclinedError
from resources.sql_files import list_sql, read_sql

FILE_NAME = re.compile(r"^(\d{3})_([a-z0-9_]+)\.(up|down)\.sql$")
# The store opens and ends the transaction of a migration and its row. (`end;` is allowed, because it ends triggers.)
OWN_TRANSACTION = re.compile(
    r"^\s*(begin|commit|rollback|start\s+transaction)(\s+(work|transaction))?\s*;", re.IGNORECASE | re.MULTILINE
)

NAMED = 8
"""How many losses a refusal names."""


class MigrationError(DeclinedError):
    """Files and applied migrations differ, a file cannot be a migration, or a way down would lose data.

    Nothing was done; the sentence names file or store.
    """


@dataclass(frozen=True)
class Migration:
    """One migration as its files have it. `folder` is the folder under sql/."""

    folder: str
    number: int
    name: str
    up: str
    down: str

    @property
    def checksum(self) -> str:
        """SHA-256 over both files; line ends of Windows count as plain ones."""
        text = "\0".join(part.replace("\r\n", "\n") for part in (self.up, self.down))
        return hashlib.sha256(text.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.number:03}_{self.name}"


@dataclass(frozen=True)
class AppliedMigration:
    """One migration as the database has it; `applied_at` is ISO 8601 in UTC."""

    number: int
    name: str
    checksum: str
    applied_at: str


class AppliedMigrations(Protocol):
    """The table of applied migrations of one database. `apply` and `revert` do script and row in one transaction."""

    @property
    def store(self) -> str:
        """The name of the database for messages, without secrets."""

    def rows(self, folder: str) -> Sequence[AppliedMigration]:
        """The applied migrations of a folder, by number; empty for a database that has none."""

    def apply(self, migration: Migration) -> bool:
        """Run `up` and add the row. False, and nothing done, if another process did it meanwhile.

        Raises:
            FailedMigrationError: a statement failed, and the store is as it was.
        """

    def losses(self, going: Sequence[Migration]) -> list[str]:
        """What would not be as it was if these (the last first) were taken back and applied again.

        One phrase each, such as `12 rows of orders`; empty if nothing would be lost. Those that are not applied count
        as taken back. Nothing is changed.
        """

    def revert(self, migration: Migration) -> bool:
        """Run `down` and remove the row. False, and nothing done, if another process did it meanwhile.

        Raises:
            MigrationError: it would lose data that came since `losses` was asked.
            FailedMigrationError: a statement failed, and the store is as it was.
        """


class State(StrEnum):
    """The state of a migration; `edited` and `missing` are drift, which up and down refuse."""

    APPLIED = "applied"
    PENDING = "pending"
    EDITED = "edited"
    MISSING = "missing"


@dataclass(frozen=True)
class MigrationStatus:
    """One line of `status`; `applied_at` is None if it is not applied."""

    number: int
    name: str
    state: State
    applied_at: str | None

    def __str__(self) -> str:
        return f"{self.number:03}_{self.name}"

    @property
    def drift(self) -> str | None:
        """What is wrong and what to do about it; None if there is no drift."""
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
                f"sql/{folder}: migration {position:03} is missing, {number:03} is there", "restore its files"
            )
        for direction in ("up", "down"):
            if (number, direction) not in texts:
                file = f"sql/{folder}/{number:03}_{names[number]}.{direction}.sql"
                raise MigrationError(f"{file} is missing", "restore it")
    return [Migration(folder, n, names[n], texts[n, "up"], texts[n, "down"]) for n in sorted(names)]


def _files(folder: str) -> tuple[dict[int, str], dict[tuple[int, str], str]]:
    """Names by number, texts by number and direction; a number or one file of a pair may be missing."""
    texts: dict[tuple[int, str], str] = {}
    names: dict[int, str] = {}
    for file_name in list_sql(folder):
        match = FILE_NAME.match(file_name)
        if match is None:
            raise MigrationError(
                f"sql/{folder}/{file_name}: a migration is named NNN_name.up.sql or NNN_name.down.sql", "rename it"
            )
        number, name, direction = int(match[1]), match[2], match[3]
        if names.setdefault(number, name) != name:
            raise MigrationError(
                f"sql/{folder}: two migrations have number {number:03}: {names[number]} and {name}",
                "give the one that is not applied the next number",
            )
        text = read_sql(f"{folder}/{file_name}")
        if OWN_TRANSACTION.search(text):
            raise MigrationError(
                f"sql/{folder}/{file_name} opens or ends a transaction", "remove that, because it runs in one already"
            )
        texts[number, direction] = text
    return names, texts


def status(database: AppliedMigrations, folder: str) -> list[MigrationStatus]:
    """The state of every migration of a folder, drift included; changes nothing."""
    names, texts = _files(folder)
    whole = (n for n in names if {(n, "up"), (n, "down")} <= texts.keys())
    files = {n: Migration(folder, n, names[n], texts[n, "up"], texts[n, "down"]) for n in whole}
    return _compared(database.rows(folder), names, files)


def _compared(
    rows: Sequence[AppliedMigration], names: Mapping[int, str], files: Mapping[int, Migration]
) -> list[MigrationStatus]:
    """The state of every migration that the table or a file has; `names` by the number of each file."""
    applied = {row.number: row for row in rows}
    statuses = []
    for number in sorted(names.keys() | applied):
        file, row = files.get(number), applied.get(number)
        if row is None:
            statuses.append(MigrationStatus(number, names[number], State.PENDING if file else State.MISSING, None))
            continue
        if file is None:
            state = State.MISSING
        elif (file.name, file.checksum) != (row.name, row.checksum):
            state = State.EDITED
        else:
            state = State.APPLIED
        statuses.append(MigrationStatus(number, row.name, state, row.applied_at))
    return statuses


def up(database: AppliedMigrations, folder: str, to: int | None = None, *, done: list[str] | None = None) -> list[str]:
    """Apply the pending migrations up to and including number `to`; returns the names of those that this call applied.

    done: gets these names one by one, also where a later one fails. A migration whose answer was lost is not named,
    because another process may have applied it.
    """
    applied = done if done is not None else []
    files = {migration.number: migration for migration in load(folder)}
    names = {number: migration.name for number, migration in files.items()}

    def numbers() -> set[int]:
        return _agreed(database, folder, _compared(database.rows(folder), names, files))

    there = numbers()
    for migration in files.values():
        if migration.number in there or (to is not None and migration.number > to):
            continue
        if database.apply(migration):
            applied.append(str(migration))
        # Another process may have applied some meanwhile.
        there = numbers()
    return applied


def require(database: AppliedMigrations, folder: str) -> None:
    """Refuse a database that is not at the newest migration of a folder; changes nothing.

    Raises:
        MigrationError: migrations are pending, or there is drift.
    """
    done = _agreed(database, folder, status(database, folder))
    pending = [migration for migration in load(folder) if migration.number not in done]
    if pending:
        said = counted(len(pending), "migration")
        raise MigrationError(f"{database.store}: {said} pending, the first {pending[0]}", "`clearlift migrate up`")


def going_down(database: AppliedMigrations, folder: str, *, to: int | None = None, steps: int = 1) -> list[Migration]:
    """The applied migrations that `down` would revert, in its order; changes nothing."""
    done = _agreed(database, folder, status(database, folder))
    target = to if to is not None else max(len(done) - steps, 0)
    return [migration for migration in reversed(load(folder)) if target < migration.number and migration.number in done]


def down(database: AppliedMigrations, folder: str, *, to: int | None = None, steps: int = 1) -> list[str]:
    """Revert the last `steps` migrations, or all above number `to` (0: every one); returns the names in their order.

    Raises:
        MigrationError: applying them again would not bring all data back. None was reverted.
    """
    going = going_down(database, folder, to=to, steps=steps)
    if lost := database.losses(going):
        raise would_lose(database, going, lost)
    return [
        str(migration)
        for migration in going
        if migration.number in _agreed(database, folder, status(database, folder)) and database.revert(migration)
    ]


def would_lose(database: AppliedMigrations, going: Sequence[Migration], lost: Sequence[str]) -> MigrationError:
    """The refusal of a way down, with what stands in its way."""
    return MigrationError(
        f"{database.store}: {', '.join(map(str, going))} cannot be taken back, because this would lose "
        f"{listed(lost, NAMED)}",
        "write a further migration that changes what is wrong (docs/runbooks/failed-migration.md)",
    )


def _agreed(database: AppliedMigrations, folder: str, statuses: Sequence[MigrationStatus]) -> set[int]:
    """The applied numbers. MigrationError if there is drift, or if one is applied before an earlier one."""
    done: set[int] = set()
    for migration in statuses:
        fault, _, remedy = (migration.drift or "").partition("; ")
        if migration.state is State.APPLIED:
            if migration.number != len(done) + 1:
                fault = "is applied and an earlier one is not"
                remedy = "restore the table of applied migrations from a backup"
            done.add(migration.number)
        if fault:
            raise MigrationError(f"{database.store}: migration sql/{folder}/{migration} {fault}", remedy)
    return done
