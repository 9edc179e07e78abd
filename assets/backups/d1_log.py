"""The backup log of a D1: new images of its rows, written by triggers in the transaction of the change.

A copy that was read page by page is exact once the log of that time is replayed over it. What belongs here: the log's
triggers, reading and pruning it. What does not: a set made of it (d1.py); the change log that readers follow (changes).
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from string import Template

from assets.changes.d1 import plain
from resources.d1 import D1, Statement
from resources.d1.images import image, key_image
from resources.d1.names import column_list, quoted
from resources.d1.pace import Pace
from resources.d1.pages import FIRST_ROWS, read_lines
from resources.d1.schema import OBJECTS, Schema, SchemaError, SchemaObject, TableShape
from resources.d1.times import moment, stamp
from resources.declined import DeclinedError
from resources.migrations.d1 import split
from resources.sql_files import read_sql

LOG = "backup_log"
NOTED = "backup_noted"
NOT_BACKED_UP = frozenset({LOG, NOTED, "change_log"})
"""Logs: their rows say what was, and those who follow them begin again after a restore."""

MOST_KEYS = 8  # columns of backup_noted
PRUNED_ROWS = 1_000
_TRIGGER = re.compile(r'create trigger "backup_of_', re.IGNORECASE)
_MADE = re.compile(r"/\* made \S+ \*/")
_MADE_AT = "$made"


@dataclass(frozen=True)
class Position:
    """The end of a log, and all that was read in the same transaction.

    end and first: the ids of the newest entry there ever was and of the oldest that is there. anchor: a hash of the
    newest entry. sequences: up to which number each table with AUTOINCREMENT has counted.
    """

    end: int
    first: int | None
    moment: datetime
    anchor: str
    sequences: dict[str, int]
    schema: Schema


def is_ours(o: SchemaObject) -> bool:
    """Whether an object belongs to the log, so that a restored database is without it."""
    return o.table in (LOG, NOTED) or (o.type == "trigger" and bool(_TRIGGER.match(o.sql)))


def logged(schema: Schema) -> list[TableShape]:
    """The tables whose rows are backed up.

    Raises:
        DeclinedError: the rows of one cannot be followed; it says what to change.
    """
    try:
        tables = [table for name, table in schema.tables.items() if name not in NOT_BACKED_UP]
        assert schema.indexes_of_text is not None  # a virtual table with rows of its own is refused here
    except SchemaError as error:
        raise DeclinedError(str(error), "change it by a migration, then back up again") from None
    for table in tables:
        problem = table.problem or (f"has a key of more than {MOST_KEYS} columns" if len(table.key) > MOST_KEYS else "")
        if problem or re.search(r"[\t\n]", table.name):
            raise DeclinedError(
                f"table {table.name!r} cannot be backed up: it {problem or 'has a name with a tab or a newline'}",
                "change it by a migration, then back up again",
            )
    return tables


def install(d1: D1, at: datetime) -> list[str]:
    """Make the log, and the triggers of each table; returns the tables whose triggers were made.

    Triggers that are made again say when. So a comparison of two schemas shows a time without triggers between them.
    """
    schema = Schema.of(d1.query(OBJECTS))
    existing: dict[str, dict[str, str]] = {}
    for o in schema.objects:
        if o.type == "trigger" and is_ours(o):
            existing.setdefault(o.table, {})[o.name] = _unmade(o.sql)
    statements: list[Statement] = []
    made: list[str] = []
    for table in logged(schema):
        expected = triggers(table)
        found = existing.pop(table.name, {})
        if found == {name: _unmade(text) for name, text in expected.items()}:
            continue
        made.append(table.name)
        statements += [Statement(f"drop trigger if exists {quoted(name)}") for name in {**found, **expected}]
        statements += [Statement(text.replace(_MADE_AT, stamp(at))) for text in expected.values()]
    surplus = [name for triggers_of in existing.values() for name in triggers_of]
    statements += [Statement(f"drop trigger if exists {quoted(name)}") for name in surplus]
    if statements or LOG not in schema.tables:
        d1.batch([*map(Statement, split(read_sql("backups/d1/log.sql"))), *statements], idempotent=True)
    return made


def triggers(table: TableShape) -> dict[str, str]:
    """The statements that make a table's triggers, by the triggers' names; `$made` stands for the time."""
    in_the_way = [
        " and ".join(f"t.{quoted(name)} collate {collation} = new.{quoted(name)}" for name, collation in index)
        for index in table.unique
    ]
    if not table.plain_key:
        in_the_way.append(" and ".join(f"t.{quoted(name)} = new.{quoted(name)}" for name in table.key))
    watched = [name for index in table.unique for name, _ in index] + ([] if table.plain_key else list(table.key))
    places = [f"k{number}" for number, _ in enumerate(table.key, start=1)]
    variables = {
        "inner": quoted(table.name)[1:-1],
        "quoted": quoted(table.name),
        "name": "'" + table.name.replace("'", "''") + "'",
        "image": image(table.key, table.others, "t"),
        **{f"{row}_key": key_image(table.key, row) for row in ("old", "new")},
        **{f"is_{row}": _same(table, f"{row}.", table.key, key_image(table.key, row)) for row in ("old", "new")},
        "places": ", ".join(places),
        "values": ", ".join(f"t.{quoted(name)}" for name in table.key),
        "noted_key": key_image(places, "n"),
        "is_noted": _same(table, "n.", places, key_image(places, "n")),
        "made": _MADE_AT,
    }
    texts = split(Template(read_sql("backups/d1/triggers.sql")).substitute(variables))
    if in_the_way:
        any_of_them = " or ".join(f"({condition})" for condition in in_the_way)
        changes = {
            "insert": ("insert", any_of_them),
            "update": (
                f"update of {column_list(dict.fromkeys(watched))}",
                f"({any_of_them}) and not ({variables['is_old']})",
            ),
        }
        replaced = Template(read_sql("backups/d1/replaced.sql"))
        for event, (change, noted) in changes.items():
            texts += split(replaced.substitute(variables, event=event, change=change, noted=noted))
    statements = [text[match.start() :] for text in texts if (match := _TRIGGER.search(text))]
    return {_name(text): text for text in statements}


def _same(table: TableShape, row: str, names: Sequence[str], key: str) -> str:
    """The condition that `t` is the row with these key values; where several values are equal, with exactly these."""
    equal = [f"t.{quoted(name)} = {row}{quoted(other)}" for name, other in zip(table.key, names, strict=True)]
    return " and ".join([*equal, *([] if table.plain_key else [f"{key_image(table.key, 't')} = {key}"])])


def _name(text: str) -> str:
    match = re.match(r'create trigger "((?:[^"]|"")+)"', text)
    assert match
    return match[1].replace('""', '"')


def _unmade(text: str) -> str:
    return plain(_MADE.sub("", text).replace(f"/* made {_MADE_AT} */", ""))


def position(d1: D1) -> Position:
    """Where the log ends now."""
    objects, ends, anchors, sequences = d1.batch(
        [
            Statement(OBJECTS),
            Statement(read_sql("backups/d1/position.sql")),
            Statement(read_sql("backups/d1/anchor.sql"), [None]),
            Statement(read_sql("backups/d1/sequences.sql")),
        ]
    )
    (end,) = ends.rows
    return Position(
        end["end_id"],
        end["first_id"],
        moment(end["moment"]),
        _hash(anchors.rows),
        {row["name"]: row["number"] for row in sequences.rows if row["name"] != LOG},
        Schema.of(objects.rows),
    )


def anchor(d1: D1, entry: int) -> str:
    """A hash of an entry; empty where the log does not have it."""
    return _hash(d1.query(read_sql("backups/d1/anchor.sql"), [entry]))


def _hash(rows: Sequence[dict[str, str]]) -> str:
    return hashlib.sha256(rows[0]["entry"].encode()).hexdigest() if rows else ""


@dataclass(frozen=True)
class Entry:
    """One line of the log: what the row of a key was after a change, None where it was gone."""

    id: int
    at: datetime
    table: str
    key: bytes
    image: bytes | None

    @classmethod
    def parse(cls, line: bytes) -> "Entry":
        number, at, table, key, image_ = line.split(b"\t", 4)
        return cls(int(number), moment(at.decode()), table.decode(), key, image_ or None)


def entries(d1: D1, since: int, until: int) -> Iterator[list[bytes]]:
    """Pages of the lines with an id above `since`, up to `until`."""
    select, rows, last = read_sql("backups/d1/entries.sql"), FIRST_ROWS, since >= until
    while not last:
        lines, last, rows = read_lines(d1.query, select, [since, until], rows)
        if lines:
            since = Entry.parse(lines[-1]).id
            yield lines


def prune(d1: D1, up_to: int, pace: Pace) -> int:
    """Delete the entries before `up_to`, which stays as the anchor of what follows it; how many were deleted."""
    deleted = 0
    while changes := pace.step(
        lambda: d1.execute(read_sql("backups/d1/prune.sql"), [up_to, PRUNED_ROWS], idempotent=True)
    ):
        deleted += changes
    return deleted
