"""Single rows put beside those that are there: laid aside in an open load first, where those that are wanted are found.

What belongs here: which of the laid rows are wanted, and their way into the tables. What does not: a load (load.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from psycopg.sql import SQL, Composable, Identifier

from resources.postgres.load import CASCADE, SET_NULL, ForeignKey, Load, LoadRefusedError, refused
from resources.sql_files import read_sql

WANTED = Identifier("clearlift wanted")


class Beside:
    """The rows of some tables, laid aside in the transaction of a load."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._columns: dict[str, Sequence[str]] = {}
        keys = load.connection.execute(read_sql("backups/postgres/primary_keys.sql"), {"tables": list(load.tables)})
        self._keys: dict[str, list[str]] = {row["name"]: row["columns"] for row in keys}

    def key(self, name: str) -> Sequence[str]:
        """The columns of a table's primary key; none where it has none."""
        return self._keys.get(name, ())

    def lay(self, name: str, columns: Sequence[str], chunks: Iterable[bytes], *, wanted: bool) -> None:
        """Lay rows aside, as `Load.fill` takes them, all of them wanted or none yet.

        Raises:
            LoadRefusedError: rows of the table cannot be told apart, or do not fit it.
        """
        if not self.key(name):
            raise LoadRefusedError(
                f"{name} has no primary key, so that its rows cannot be put beside others",
                "restore into a new place with --into, and take the rows from there",
            )
        self._columns[name] = columns
        aside = self._aside(name)
        made = SQL("create temp table {} on commit drop as select {}, {}::boolean as {} from {} with no data").format(
            aside,
            SQL(", ").join(map(Identifier, columns)),
            SQL("false"),
            WANTED,
            self._load.tables[name].identifier,
        )
        self._load.connection.execute(made)
        default = SQL("alter table {} alter {} set default {}").format(aside, WANTED, SQL(str(wanted).lower()))
        self._load.connection.execute(default)
        self._load.fill(name, columns, chunks, aside)

    @property
    def laid(self) -> Load:
        """The rows that were laid aside, as the tables of a load."""
        tables = {
            name: self._load.tables[name]._replace(columns=tuple(columns), identifier=self._aside(name))
            for name, columns in self._columns.items()
        }
        return replace(self._load, tables=tables, foreign_keys=())

    def want(self, name: str, condition: Composable) -> None:
        """Want the laid rows of a table that fulfil a condition."""
        self._load.connection.execute(
            SQL("update {} set {} = true where {}").format(self._aside(name), WANTED, condition)
        )

    def want_children(self) -> None:
        """Want also the rows that refer to a wanted one."""
        more = True
        while more:
            more = False
            for key in self._load.foreign_keys:
                if {key.child, key.parent} <= self._columns.keys():
                    statement = SQL(
                        "update {} child set {wanted} = true from {} parent"
                        " where parent.{wanted} and not child.{wanted} and {}"
                    ).format(self._aside(key.child), self._aside(key.parent), key.same(), wanted=WANTED)
                    more |= self._load.connection.execute(statement).rowcount > 0

    def leave_out(self, name: str, condition: Composable) -> int:
        """Let the laid rows that fulfil a condition go; how many."""
        return self._load.connection.execute(
            SQL("delete from {} where {}").format(self._aside(name), condition)
        ).rowcount

    def leave_out_orphans(self) -> None:
        """Do to laid rows what their foreign keys say, where a row that they refer to is neither laid nor there."""
        changed = True
        while changed:
            changed = False
            for key in self._load.foreign_keys:
                if key.child in self._columns and key.on_delete in (CASCADE, SET_NULL):
                    child, orphaned = self._aside(key.child), self._orphaned(key)
                    emptied = SQL(", ").join(SQL("{} = null").format(Identifier(column)) for column in key.columns)
                    statement = (
                        SQL("delete from {} child where {}").format(child, orphaned)
                        if key.on_delete == CASCADE
                        else SQL("update {} child set {} where {}").format(child, emptied, orphaned)
                    )
                    changed |= self._load.connection.execute(statement).rowcount > 0

    def _orphaned(self, key: ForeignKey) -> Composable:
        parents: list[Composable] = [SQL(key.parent)]
        parents += [self._aside(key.parent)] if key.parent in self._columns else []
        absent = [SQL("not exists (select from {} parent where {})").format(parent, key.same()) for parent in parents]
        return SQL(" and ").join([key.filled(), *absent])

    def put(self, name: str) -> int:
        """Put the wanted rows into the table, in the place of those of the same key; how many came or changed."""
        columns, table = self._columns[name], self._load.tables[name]
        names = SQL(", ").join(map(Identifier, columns))
        others = [Identifier(column) for column in columns if column not in self.key(name)]
        # What is there already is not written again.
        setting: Composable = SQL("nothing")
        if others:
            pairs = SQL(", ").join(SQL("{0} = excluded.{0}").format(column) for column in others)
            was = SQL(", ").join(SQL("present.{}").format(column) for column in others)
            comes = SQL(", ").join(SQL("excluded.{}").format(column) for column in others)
            setting = SQL("update set {} where row({})::text is distinct from row({})::text").format(pairs, was, comes)
        statement = SQL(
            "insert into {} as present ({}) overriding system value select {} from {} where {} on conflict ({}) do {}"
        ).format(
            table.identifier,
            names,
            names,
            self._aside(name),
            WANTED,
            SQL(", ").join(map(Identifier, self.key(name))),
            setting,
        )
        with refused(name):
            return self._load.connection.execute(statement).rowcount

    def _aside(self, name: str) -> Identifier:
        # A temporary table has no schema of ours, and a name has at most 63 bytes.
        return Identifier("pg_temp", f"clearlift_{list(self._load.tables).index(name)}")
