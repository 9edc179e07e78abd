"""Single rows put beside those that are there: laid aside in an open load first, where those that are wanted are found.

What belongs here: which of the laid rows are wanted, what stands in their way, and their way into the tables. What does
not: a load (load.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from psycopg.sql import SQL, Composable, Composed, Identifier

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
        return SQL(" and ").join([key.filled(), *(_none(parent, key) for parent in parents)])

    def orphans(self) -> Iterator[tuple[ForeignKey, int]]:
        """The foreign keys that wanted rows break, and how many: their parent is neither there nor wanted."""
        for key in self._load.foreign_keys:
            if key.child in self._columns:
                where = [SQL("child.{}").format(WANTED), key.filled(), _none(SQL(key.parent), key)]
                if key.parent in self._columns:
                    wanted = SQL("(select * from {} where {})").format(self._aside(key.parent), WANTED)
                    where.append(_none(wanted, key))
                statement = SQL("select count(*) as n from {} child where {}").format(
                    self._aside(key.child), SQL(" and ").join(where)
                )
                if n := self._count(statement):
                    yield key, n

    def taken(self) -> Iterator[tuple[str, str, int]]:
        """The unique keys (table, name) of which another row that is there has the value of wanted rows; how many."""
        found = self._load.connection.execute(
            read_sql("backups/postgres/unique_keys.sql"), {"tables": list(self._columns)}
        )
        for row in found.fetchall():
            if n := self._count(self._sharing(row["name"], row)):
                yield row["name"], row["key"], n

    def coming(self, name: str) -> int:
        """How many of the wanted rows of a table would come or change."""
        columns = self._columns[name]
        mine = SQL(", ").join(SQL("mine.{}").format(Identifier(column)) for column in columns)
        there = SQL(", ").join(SQL("there.{}").format(Identifier(column)) for column in columns)
        same = SQL(" and ").join(SQL("there.{0} = mine.{0}").format(Identifier(column)) for column in self.key(name))
        return self._count(
            SQL(
                "select count(*) as n from {} mine where mine.{}"
                " and not exists (select from {} there where {} and row({})::text = row({})::text)"
            ).format(self._aside(name), WANTED, self._load.tables[name].identifier, same, there, mine)
        )

    def _sharing(self, name: str, unique: Mapping[str, Any]) -> Composed:
        """How many wanted rows have the value of a unique key that a row with another primary key has there."""
        table, key = self._load.tables[name], self.key(name)
        values = [SQL(f"({expression})") for expression in unique["expressions"]]
        numbers = [Identifier(f"value {number}") for number in range(len(values))]
        named = [SQL("{} as {}").format(value, number) for value, number in zip(values, numbers, strict=True)]
        named += [SQL("{} as {}").format(Identifier(column), Identifier(f"key {column}")) for column in key]
        # What no set has, the database makes; a column that came since is empty for who comes back.
        made: list[Composable] = [SQL(computed) for computed in unique["computed"]]
        since = [column for column in table.columns if column not in self._columns[name]]
        made += [SQL("null as {}").format(Identifier(column)) for column in since]
        laid = SQL("(select {} from {} where {}) laid").format(
            SQL(", ").join([SQL("*"), *made]), self._aside(name), WANTED
        )
        condition = SQL(unique["condition"] or "true")
        side = SQL("(select {} from {} where {})")
        sides = [side.format(SQL(", ").join(named), source, condition) for source in (laid, table.identifier)]
        compared = "mine.{0} is not distinct from there.{0}" if unique["takes_null"] else "mine.{0} = there.{0}"
        same = SQL(" and ").join(SQL(compared).format(number) for number in numbers)
        keys = [
            SQL(", ").join(SQL("{}.{}").format(SQL(of), Identifier(f"key {column}")) for column in key)
            for of in ("mine", "there")
        ]
        return SQL(
            "select count(*) as n from {} mine join {} there on {} where row({}) is distinct from row({})"
        ).format(*sides, same, *keys)

    def _count(self, statement: Composed) -> int:
        (row,) = self._load.connection.execute(statement).fetchall()
        return int(row["n"])

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


def _none(parents: Composable, key: ForeignKey) -> Composable:
    """The condition that none of some parents is that of a row `child`."""
    return SQL("not exists (select from {} parent where {})").format(parents, key.same())
