"""Which events are doubles: the same event_id of one organisation on one UTC day. Pure.

Ids are compared with those of the same day and not with the history, so that the work depends on the new events' days.
"""

from dataclasses import dataclass

import polars as pl

BATCH = "batch_index"
_IDENTITY = ["org_tag", "day", "event_id"]


@dataclass(frozen=True)
class Distinct:
    """Events without doubles, and how many doubles each batch (by index) had."""

    events: pl.DataFrame
    doubled: dict[int, int]


def drop(events: pl.DataFrame, stored: pl.LazyFrame) -> Distinct:
    """Drop events that are stored already or came earlier in `events` (which is in order of batch and line).

    `events` has the record's columns and `BATCH`; `stored` has at least org_tag, timestamp and event_id.
    """
    day = pl.col("timestamp").dt.date().alias("day")
    ids = events.select("org_tag", day, "event_id", BATCH).with_row_index("row")
    first = ids.unique(_IDENTITY, keep="first", maintain_order=True)
    known = (
        stored.select("org_tag", day, "event_id")
        .join(first.lazy().select(_IDENTITY), on=_IDENTITY, how="semi")
        .collect(engine="streaming")
    )
    distinct = first.join(known, on=_IDENTITY, how="anti", maintain_order="left")
    before = dict(ids.group_by(BATCH).len().iter_rows())
    after = dict(distinct.group_by(BATCH).len().iter_rows())
    return Distinct(
        events if distinct.height == events.height else events[distinct["row"]],
        {batch: n - after.get(batch, 0) for batch, n in before.items()},
    )
