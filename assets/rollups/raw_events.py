"""The raw events of a window for the audit: from the files of the lake, or through R2 SQL.

Roll-ups read in neither way. What belongs here: reading, and whether both ways would read the same. What does not:
counting.
"""

from datetime import UTC, datetime

import pyarrow as pa

from assets.rollups.definition import COLUMNS
from assets.windows import Window
from resources.lake import LakeTable, PartitionKey, data_file
from resources.r2 import R2Sql, literal

# Unique even where a writer repeats an event with another time.
_KEY = ("org_tag", "event_id", "timestamp")


def from_files(events: LakeTable, window: Window, snapshot_id: int | None) -> pa.Table:
    """The rows of the window as a snapshot has them, with the columns that roll-ups read."""
    # pyiceberg reads every store and applies row deletes of other writers, and roll-ups are not made with it.
    inside = f"{events.spec.time} >= '{window.start.isoformat()}' and {events.spec.time} < '{window.end.isoformat()}'"
    return events.load().scan(inside, COLUMNS, snapshot_id=snapshot_id).to_arrow()


def from_r2_sql(r2_sql: R2Sql, events: LakeTable, window: Window) -> pa.Table:
    """The same rows as the table has them now, because the service knows no snapshots.

    Raises:
        R2SqlError: two rows have the same organisation, event id and time, so that pages cannot separate them.
        HttpError: the service refused or could not be reached.
    """
    time, table = events.spec.time, ".".join(events.spec.identifier)
    where = f'"{time}" >= {literal(window.start)} and "{time}" < {literal(window.end)}'
    rows = [{**row, time: _moment(row[time])} for page in r2_sql.pages(table, COLUMNS, _KEY, where) for row in page]
    schema = events.spec.arrow_schema()
    return pa.Table.from_pylist(rows, schema=pa.schema([schema.field(name) for name in COLUMNS]))


def is_as_it_was(events: LakeTable, window: Window, snapshot_id: int | None) -> bool:
    """Whether the window has the rows of a snapshot still: no commit after it can have changed them."""
    time_id = events.load().schema().find_field(events.spec.time).field_id
    for commit in events.changes(snapshot_id):
        if commit.operation == "replace":  # the same rows in other files
            continue
        if commit.operation != "append":
            return False
        for file in commit.added:
            lowest, highest = data_file.bounds(file, time_id)
            if lowest is None or highest is None:
                if PartitionKey.of(file).day == window.start.date():
                    return False
            elif lowest < window.end and highest >= window.start:
                return False
    return True


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
