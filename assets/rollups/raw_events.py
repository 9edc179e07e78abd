"""The raw events of a window for the audit: from the files of the lake, or through R2 SQL.

Roll-ups read in neither way. What belongs here: reading, and whether both ways would read the same. What does not:
counting.
"""

from datetime import UTC, datetime

import pyarrow as pa

from assets.rollups.definition import COLUMNS
from assets.windows import Window
from resources.lake import LakeTable
from resources.r2 import R2Sql, literal

# Unique even where a writer repeats an event with another time.
_KEY = ("org_tag", "event_id", "timestamp")


def from_files(events: LakeTable, window: Window, snapshot_id: int | None) -> pa.Table:
    """The rows of the window as a snapshot has them, with the columns that roll-ups read."""
    # pyiceberg reads every store and applies row deletes of other writers, and roll-ups are not made with it.
    table, names = events.load(), events.layout.live_names
    time = names[events.spec.time]
    inside = f"{time} >= '{window.start.isoformat()}' and {time} < '{window.end.isoformat()}'"
    if snapshot_id is not None:
        # The snapshot with today's schema: with `snapshot_id`, pyiceberg would look for the names of that time.
        table.metadata = table.metadata.model_copy(update={"current_snapshot_id": snapshot_id})
    read = table.scan(inside, tuple(names[name] for name in COLUMNS)).to_arrow()
    return read.select([names[name] for name in COLUMNS]).rename_columns(list(COLUMNS))


def from_r2_sql(r2_sql: R2Sql, events: LakeTable, window: Window) -> pa.Table:
    """The same rows as the table has them now, because the service knows no snapshots.

    Raises:
        R2SqlError: two rows have the same organisation, event id and time, so that pages cannot separate them.
        HttpError: the service refused or could not be reached.
    """
    names, table = events.layout.live_names, ".".join(events.spec.identifier)
    time = names[events.spec.time]
    where = f'"{time}" >= {literal(window.start)} and "{time}" < {literal(window.end)}'
    pages = r2_sql.pages(table, [names[name] for name in COLUMNS], [names[name] for name in _KEY], where)
    rows = [{name: row[names[name]] for name in COLUMNS} for page in pages for row in page]
    moments = [{**row, events.spec.time: _moment(row[events.spec.time])} for row in rows]
    schema = events.spec.arrow_schema()
    return pa.Table.from_pylist(moments, schema=pa.schema([schema.field(name) for name in COLUMNS]))


def is_as_it_was(events: LakeTable, window: Window, snapshot_id: int | None) -> bool:
    """Whether the window has the rows of a snapshot still: no commit after it can have changed them."""
    for commit in events.changes(snapshot_id):
        if commit.operation == "replace":  # the same rows in other files
            continue
        if commit.operation != "append" or commit.deletes:
            return False
        for info in map(events.info, commit.added):
            if info.lowest is None or info.highest is None:
                if info.partition is None or info.partition.day == window.start.date():
                    return False
            elif info.lowest < window.end and info.highest >= window.start:
                return False
    return True


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
