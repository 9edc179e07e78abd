"""The change log of an application's D1: reading it from where a reader stands, and asking how far it goes.

Triggers write it. What is done about a changed row is not known here.
"""

import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from resources.d1 import D1
from resources.d1.database import Row
from resources.sql_files import read_sql


def unread(d1: D1, reader: str, page: int) -> Iterator[list[Row]]:
    """Pages of the rows behind a reader's place, by id, up to the end that the log has when the first is read."""
    (place,) = d1.query(read_sql("cache/change_log_place.sql"), [reader])
    return d1.stream(
        read_sql("cache/change_log_rows.sql"), "id", page=page, params=[place["end_id"]], after=[place["last_id"]]
    )


def move(d1: D1, reader: str, last_id: int, at: datetime) -> None:
    """Set a reader's place to the last row that it is done with; a place never goes back."""
    read_at = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    d1.execute(read_sql("cache/change_log_move.sql"), [reader, last_id, read_at], idempotent=True)


def newest(d1: D1, tables: Collection[str]) -> dict[str, int]:
    """The id of the newest row of each of these tables; those without any are left out."""
    rows = d1.query(read_sql("cache/change_log_newest.sql"), [json.dumps(sorted(tables))])
    return {row["table_name"]: row["id"] for row in rows if row["id"] is not None}
