"""Changes of personal rows in an app's tables, from its change logs into the audit trail, each counted once.

A log says which row changed and not who changed it. Entries are counts by table, because the keys of rows are ids of
people. What does not belong here: reading a log (assets/changes).

The page that was counted is written down in the transaction of its entries. A run that is killed before it moves its
position reads a page that begins with the same row, and leaves out what was counted. A restore takes the log back, so
that a number alone would not say that a row is the same: its time must be the same too.
"""

from collections import Counter
from collections.abc import Sequence

from assets.apps import App
from assets.audit.entry import Entry
from assets.audit.note import append
from assets.changes import log
from assets.changes.change import Change, ChangeLog, Position
from assets.rooms import Rooms
from resources.postgres import Connection
from resources.sql_files import read_sql

READER = "audit"
PAGE = 1_000


def follow(rooms: Rooms, app: App) -> Counter[tuple[str, str]]:
    """Note what changed since the last time; how many rows by table and kind of change."""
    noted: Counter[tuple[str, str]] = Counter()
    for one in log.of(rooms, app):
        with rooms.postgres.lock(f"{app.name}.audit.{one.store}"):
            for page in one.unread(READER, PAGE):
                noted += _note(rooms, app, one, page)
                one.move(READER, page[-1].position, rooms.clock())
    return noted


def _note(rooms: Rooms, app: App, one: ChangeLog, page: Sequence[Change]) -> Counter[tuple[str, str]]:
    with rooms.postgres.connection() as connection:
        counted = _counted(connection, app, one, page)
        first, last = page[0], page[-1]
        connection.execute(
            read_sql("compliance/note_page.sql"),
            {
                "app": app.name,
                "store": one.store,
                "first_transaction": first.position.transaction,
                "first_id": first.position.id,
                "first_changed_at": first.changed_at,
                "last_transaction": last.position.transaction,
                "last_id": last.position.id,
            },
        )
        entries = [
            Entry(app.name, kind, "changed", one.store, table, rows=rows, actor="the application")
            for (table, kind), rows in sorted(counted.items())
        ]
        append(connection, entries, rooms.clock())
    return counted


def _counted(connection: Connection, app: App, one: ChangeLog, page: Sequence[Change]) -> Counter[tuple[str, str]]:
    """The rows of a page that were not counted before and may be of a person, by table and kind of change."""
    rows = connection.execute(read_sql("compliance/last_page.sql"), {"app": app.name, "store": one.store}).fetchall()
    after = Position(0, 0)
    for last in rows:
        begins = Position(last["first_transaction"], last["first_id"])
        if (page[0].position, page[0].changed_at) == (begins, last["first_changed_at"]):
            after = Position(last["last_transaction"], last["last_id"])
    personal = {entry.name for entry in app.holdings if entry.store == one.store and entry.erasure is not None}
    return Counter(
        (change.table, _kind(change)) for change in page if change.position > after and change.table in personal
    )


def _kind(change: Change) -> str:
    if change.old_keys is None:
        return "insert"
    return "delete" if change.new_keys is None else "update"
