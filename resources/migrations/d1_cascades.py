"""What a migration of D1 would take from tables that refer to one that it drops.

D1's foreign keys are always on. So DROP TABLE first deletes the rows of the table, and with them, by ON DELETE CASCADE,
those that refer to them; ON DELETE SET NULL empties the references. A script that makes a parent again would lose its
children, without an error. What belongs here: finding these drops on a copy of the schema, and the statements that stop
the batch before them where rows refer. What does not: running a migration (d1.py).
"""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from resources.migrations.d1_losses import copy_of

MAY_DROP = re.compile(r"\bdrop\s+table\b", re.IGNORECASE)
# One row a column of a reference whose rows change when the row that they refer to is deleted.
REFERENCES = """
select tables.name as child, keys.id as number, keys."table" as parent, keys."from" as "column", keys.on_delete as rule
from sqlite_master as tables, pragma_foreign_key_list(tables.name) as keys
where tables.type = 'table' and keys.on_delete in ('CASCADE', 'SET NULL', 'SET DEFAULT')
order by child, number, keys.seq"""


@dataclass(frozen=True)
class Cascade:
    """A statement of a script drops `parent` while rows of `child` may refer to it by `columns`."""

    parent: str
    child: str
    columns: tuple[str, ...]
    rule: str

    def guard(self, ledger: str) -> str:
        """The statement that fails where rows refer, by a NULL that the table of migrations refuses."""
        refers = " and ".join(f'"{column}" is not null' for column in self.columns)
        return (
            f"insert into {ledger} (folder, number, name, checksum, applied_at) "
            f"select '', 0, '', '', null where exists (select 1 from \"{self.child}\" where {refers})"
        )

    def __str__(self) -> str:
        done = "deletes the rows" if self.rule == "CASCADE" else "empties the references"
        return f"dropping {self.parent} {done} of {self.child} (ON DELETE {self.rule})"


def cascades(schema: Sequence[Mapping[str, Any]], script: Sequence[str]) -> list[list[Cascade]]:
    """For each statement of a script, the cascades that it would set off if there were rows.

    schema: rows of sqlite_master (type, name, sql). A statement that does not fit the schema ends the look: it fails in
    the database too.
    """
    found: list[list[Cascade]] = [[] for _ in script]
    dropped: list[str] = []

    def noted(action: int, table: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_DROP_TABLE and table:
            dropped.append(table.lower())
        return sqlite3.SQLITE_OK

    with closing(copy_of(schema)) as copy:
        for position, statement in enumerate(script):
            references = _references(copy)
            dropped.clear()
            copy.set_authorizer(noted)
            try:
                copy.execute(statement)
            except sqlite3.Error:
                break
            finally:
                copy.set_authorizer(None)
            found[position] = [c for c in references if c.parent.lower() in dropped and c.child.lower() not in dropped]
    return found


def _references(copy: sqlite3.Connection) -> list[Cascade]:
    columns: dict[tuple[str, int, str, str], list[str]] = {}
    for child, number, parent, column, rule in copy.execute(REFERENCES):
        columns.setdefault((child, number, parent, rule), []).append(column)
    return [Cascade(parent, child, tuple(names), rule) for (child, _, parent, rule), names in columns.items()]
