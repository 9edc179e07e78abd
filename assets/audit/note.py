"""Noting an act on personal data: what every command and job calls.

What does not belong here: what an entry says (entry.py).
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from assets.audit.entry import Entry
from assets.rooms import Rooms
from resources.postgres import Connection


def note(rooms: Rooms, *entries: Entry) -> None:
    """Append entries in a transaction of their own.

    Note what is read before it is shown, so that nothing is seen that is not noted. Note a change when it is done, with
    its count; who needs both notes both.
    """
    with rooms.postgres.connection() as connection:
        append(connection, entries, rooms.clock())


def append(connection: Connection, entries: Iterable[Entry], at: datetime) -> None:
    """Append entries at the end of an open transaction, because others wait for its end."""
    rows = [{**asdict(entry), "columns": list(entry.columns), "at": at.isoformat()} for entry in entries]
    if rows:
        connection.execute("select audit.append(%s::jsonb)", (json.dumps(rows),))
