"""The change log of a D1: its triggers, made from a template, and its readers."""

import json
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from string import Template

from assets.apps import App, LoggedTable
from assets.apps.lifecycle import Store
from assets.changes.change import Change, Newest, Position
from resources.d1 import D1, Statement
from resources.d1.times import moment, stamp
from resources.migrations.d1 import split
from resources.sql_files import read_sql

_TRIGGER = re.compile(r"create trigger (\w+_(?:inserted|updated|deleted|replaced|pushed_out)) ", re.IGNORECASE)


class D1ChangeLog:
    """The log of one database: a `ChangeLog`."""

    store: Store = "d1"

    def __init__(self, d1: D1) -> None:
        self._d1 = d1

    def unread(self, reader: str, page: int) -> Iterator[list[Change]]:
        """See ChangeLog.unread."""
        (position,) = self._d1.query(read_sql("changes/d1/position.sql"), [reader])
        statement, end, last = read_sql("changes/d1/rows.sql"), [position["end_id"]], [position["last_id"]]
        for rows in self._d1.stream(statement, "id", page=page, params=end, after=last):
            yield [
                Change(
                    Position(0, row["id"]),
                    row["table_name"],
                    json.loads(row["old_keys"]) if row["old_keys"] else None,
                    json.loads(row["new_keys"]) if row["new_keys"] else None,
                    moment(row["changed_at"]),
                )
                for row in rows
            ]

    def move(self, reader: str, position: Position, at: datetime) -> None:
        """See ChangeLog.move."""
        self._d1.execute(read_sql("changes/d1/move.sql"), [reader, position.id, stamp(at)], idempotent=True)

    def newest(self, tables: Collection[str]) -> dict[str, Newest]:
        """See ChangeLog.newest."""
        rows = self._d1.query(read_sql("changes/d1/newest.sql"), [json.dumps(sorted(tables))])
        return {row["table_name"]: Newest(row["id"], moment(row["changed_at"])) for row in rows}


def install(d1: D1, app: App) -> list[str]:
    """Make the log and the triggers of an app's logged tables agree with its data, in one transaction.

    Returns the names of the triggers that were made, replaced or removed; nothing is written if all agree.
    """
    expected = {name: text for table in app.changes if table.store == "d1" for name, text in triggers(table).items()}
    rows = d1.query("select name, sql from sqlite_master where type = 'trigger'")
    existing = {row["name"]: plain(row["sql"]) for row in rows}
    ours = {name for name, text in existing.items() if "insert into change_log (" in text and _TRIGGER.match(text)}
    wrong = [name for name, text in expected.items() if existing.get(name) != plain(text)]
    surplus = sorted(ours - expected.keys())
    if wrong or surplus:
        log = [Statement(text) for text in split(read_sql("changes/d1/log.sql"))] if expected else []
        drops = [Statement(f"drop trigger if exists {name}") for name in (*wrong, *surplus)]
        d1.batch([*log, *drops, *(Statement(expected[name]) for name in wrong)], idempotent=True)
    return [*wrong, *surplus]


def triggers(table: LoggedTable) -> dict[str, str]:
    """The statements that make a table's triggers, by the triggers' names."""
    others = [key for key in table.keys if key != table.row_id]
    names = ["triggers", *(["replaced"] if others or table.unique else [])]
    variables = {
        "table": table.name,
        "row_id": table.row_id,
        **{name: _pairs(table, prefix) for name, prefix in (("keys", ""), ("old_keys", "old."), ("new_keys", "new."))},
        "columns": ", ".join((table.row_id, *table.unique)),
        "replaced": _replaced(table, others),
        "pushed_out": _pushed_out(table),
    }
    texts = [
        text for name in names for text in split(Template(read_sql(f"changes/d1/{name}.sql")).substitute(variables))
    ]
    return {match[1]: text[match.start() :] for text in texts if (match := _TRIGGER.search(text))}


def _pairs(table: LoggedTable, prefix: str) -> str:
    return ", ".join(f"'{key}', {prefix}{key}" for key in table.keys)


def _replaced(table: LoggedTable, others: list[str]) -> str:
    """Which rows an insert may delete whose keys the row that comes in does not show."""
    key = table.row_id
    same_id = [f"{key} = new.{key} and {other} is not new.{other}" for other in others]
    same_value = [f"{name} = new.{name} and {key} <> new.{key}" for name in table.unique]
    return " or ".join([*same_id, *same_value])


def _pushed_out(table: LoggedTable) -> str:
    """Which other rows an update may delete."""
    key = table.row_id
    if not table.unique:
        return f"{key} = new.{key} and {key} <> old.{key}"
    return f"{key} <> old.{key} and ({' or '.join(f'{name} = new.{name}' for name in (*table.unique, key))})"


def plain(text: str) -> str:
    """A statement without what SQLite and a formatter may change: white space, the case of its start, its semicolon."""
    return re.sub(r"(?i)^create trigger", "create trigger", " ".join(text.split()).rstrip(";").strip())
