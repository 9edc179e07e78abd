"""Which events are doubles: the same event_id of one organisation on one UTC day.

A day's ids are compared, not the history's, so that the work is bounded by the days that new events fall on.
"""

from dataclasses import dataclass

import polars as pl

BATCH = "batch_index"
_IDENTITY = ["org_tag", "day", "event_id"]


@dataclass(frozen=True)
class Distinct:
    """Events without doubles, and how many doubles each batch (by index) held."""

    events: pl.DataFrame
    doubled: dict[int, int]


def drop(events: pl.DataFrame, stored: pl.LazyFrame) -> Distinct:
    """Drop events that are stored already or came earlier in `events` (which is in order of batch and line).

    `events` has the record's columns and `BATCH`; `stored` has at least org_tag, timestamp and event_id.
    """
    dated = events.with_columns(day=pl.col("timestamp").dt.date())
    first = dated.unique(_IDENTITY, keep="first", maintain_order=True)
    ids = first.lazy().select(_IDENTITY)
    known = (
        stored.select("org_tag", pl.col("timestamp").dt.date().alias("day"), "event_id")
        .join(ids, on=_IDENTITY, how="semi")
        .collect(engine="streaming")
    )
    distinct = first.join(known, on=_IDENTITY, how="anti", maintain_order="left").drop("day")
    before = dict(events.group_by(BATCH).len().iter_rows())
    after = dict(distinct.group_by(BATCH).len().iter_rows())
    return Distinct(distinct, {batch: n - after.get(batch, 0) for batch, n in before.items()})
