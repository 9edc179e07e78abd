"""What a way down would lose in D1, which has no transaction that could be tried and rolled back.

The scripts run on a copy of the schema in memory, which shows what they drop. Then the database is asked whether there
are rows in it. What belongs here: the copy, and what it shows. What does not: running a migration (d1.py).
"""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from resources.counts import counted
from resources.d1 import D1, Statement
from resources.migrations.plan import Migration, MigrationError, load

MADE_FIRST = ("table", "index", "view", "trigger")
COLUMNS = """select tables.name as name, columns.name as column
from sqlite_master as tables, pragma_table_xinfo(tables.name) as columns
where tables.type = 'table' and tables.name not like 'sqlite\\_%' escape '\\'"""
# A full-text index whose content is another table. It holds no row of its own, and the way up makes it again.
INDEX = re.compile(r"create virtual table .* using fts5\b.*\bcontent\s*=\s*['\"\[]?\w", re.IGNORECASE | re.DOTALL)
PARTS = ("", "_data", "_idx", "_docsize", "_config")
Schema = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Loss:
    """What may be lost: a table's rows, or the values of one of its columns. rows: how many of them there are.

    written: how many rows of the table the migrations themselves write, which come back.
    """

    table: str
    column: str | None = None
    rows: int = 0
    written: int = 0

    @property
    def counted(self) -> str:
        """The statement that counts them as `n`."""
        where = f" where {self.column} is not null" if self.column else ""
        return f"select count(*) as n from {self.table}{where}"

    def guard(self, ledger: str) -> str:
        """The statement that fails where there are any, by a NULL that the table of migrations refuses."""
        return (
            f"insert into {ledger} (folder, number, name, checksum, applied_at) "
            f"select '', null, '', '', '' where ({self.counted}) > {self.written}"
        )

    def __str__(self) -> str:
        where = f"{self.table}.{self.column}" if self.column else self.table
        return f"{counted(self.rows, 'value' if self.column else 'row')} of {where}"


@dataclass
class Rehearsal:
    """A way down on a copy of a schema. schema: rows of sqlite_master (type, name, sql). split: cuts a script."""

    d1: D1
    schema: Sequence[Mapping[str, Any]]
    split: Callable[[str], list[str]]
    _changed: set[str] = field(default_factory=set)

    def losses(self, going: Sequence[Migration]) -> list[Loss]:
        """What the database holds of all that would be lost.

        Raises:
            MigrationError: the way down does not fit the schema, or would leave a trigger or view without its table.
        """
        possible = self.possible(going)
        counts = self.d1.batch([Statement(loss.counted) for loss in possible], idempotent=True) if possible else []
        held = [
            Loss(loss.table, loss.column, int(count.rows[0]["n"]), loss.written)
            for loss, count in zip(possible, counts, strict=True)
        ]
        return [
            loss for loss in held if loss.rows > loss.written or (loss.written and not self._is_written(loss, going))
        ]

    def possible(self, going: Sequence[Migration]) -> list[Loss]:
        """What would be lost if there were any rows."""
        with closing(copy_of(self.schema)) as copy:
            whole = _broken(copy) is None
            before = _columns(copy)
            copy.set_authorizer(self._noted)
            for migration in going:
                try:
                    for statement in self.split(migration.down):
                        copy.execute(statement)
                except sqlite3.Error as error:
                    raise MigrationError(
                        f"sql/{migration.folder}/{migration}.down.sql does not fit the database: {error}",
                        "restore what it drops, or write a further migration",
                    ) from None
            copy.set_authorizer(None)
            after = _columns(copy)
            broken = _broken(copy) if whole else None
        if broken is not None:
            raise MigrationError(
                f"{', '.join(map(str, going))} cannot be taken back, because what jobs made since needs it: {broken}",
                "write a further migration that changes what is wrong (docs/runbooks/failed-migration.md)",
            )
        return list(self._possible(before, after, self._written(going)))

    def _possible(self, before: Schema, after: Schema, written: Mapping[str, list[Any]]) -> Iterator[Loss]:
        for table, columns in before.items():
            if table not in after or table in self._changed:
                yield Loss(table, written=len(written.get(table, ())))
            else:
                yield from (Loss(table, column) for column in sorted(columns - after[table]))

    def _is_written(self, loss: Loss, going: Sequence[Migration]) -> bool:
        """Whether the rows of a table are those that the migrations write."""
        if loss.column or loss.rows != loss.written:
            return False
        rows = self.d1.query(f"select * from {loss.table}")
        return _sorted(tuple(row.values()) for row in rows) == _sorted(self._written(going)[loss.table])

    def _written(self, going: Sequence[Migration]) -> dict[str, list[Any]]:
        """The rows of each table after the migrations alone."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
            for migration in load(going[0].folder)[: going[0].number] if going else ():
                for statement in self.split(migration.up):
                    fresh.execute(statement)
            return {table: fresh.execute(f"select * from {table}").fetchall() for table in _columns(fresh)}

    def _noted(self, action: int, table: str | None, *_: object) -> int:
        """Notes which tables the scripts change or delete rows of; a drop is noted too, and shows by itself."""
        if action in (sqlite3.SQLITE_DELETE, sqlite3.SQLITE_UPDATE) and table and not table.startswith("sqlite_"):
            self._changed.add(table)
        return sqlite3.SQLITE_OK


def copy_of(schema: Sequence[Mapping[str, Any]]) -> sqlite3.Connection:
    """A database in memory with a schema (type, name, sql of sqlite_master) and no rows; its foreign keys are off."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    for row in sorted(schema, key=_order):
        # A virtual table makes the tables that it consists of.
        if not copy.execute("select 1 from sqlite_master where name = ?", [row["name"]]).fetchone():
            copy.execute(row["sql"])
    return copy


def _order(row: Mapping[str, Any]) -> tuple[int, bool]:
    return MADE_FIRST.index(row["type"]), not row["sql"].lower().startswith("create virtual")


def _columns(connection: sqlite3.Connection) -> dict[str, frozenset[str]]:
    made = connection.execute("select name, sql from sqlite_master where type = 'table'").fetchall()
    derived = {f"{name}{part}" for name, sql in made if INDEX.match(sql) for part in PARTS}
    found: dict[str, set[str]] = {}
    for table, column in connection.execute(COLUMNS):
        if table not in derived:
            found.setdefault(table, set()).add(column)
    return {table: frozenset(columns) for table, columns in found.items()}


def _broken(connection: sqlite3.Connection) -> str | None:
    """The first trigger or view that names what is not there; SQLite looks at all of them when it renames a table."""
    connection.execute("create table rehearsal_1 (x)")
    try:
        connection.execute("alter table rehearsal_1 rename to rehearsal_2")
    except sqlite3.Error as error:
        connection.execute("drop table rehearsal_1")
        return str(error)
    connection.execute("drop table rehearsal_2")
    return None


def _sorted(rows: Any) -> list[str]:
    return sorted(map(repr, rows))
