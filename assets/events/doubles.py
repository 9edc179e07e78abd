"""Which events are doubles: the same event_id of one organisation on one UTC day. Pure.

Ids are compared with those of the same day and not with the history, so that the work depends on the new events' days.
"""

from dataclasses import dataclass

import polars as pl

from assets.events.record import NAMES

BATCH = "batch_index"
_IDENTITY = ["org_tag", "day", "event_id"]
_DAY = pl.col("timestamp").dt.date().alias("day")


@dataclass(frozen=True)
class Distinct:
    """Events without doubles, and of each batch (by index) how many were doubles, and how many of these conflict.

    A double conflicts where its payload is another one than that of the event that counts.
    """

    events: pl.DataFrame
    doubled: dict[int, int]
    conflicting: dict[int, int]


def drop(events: pl.DataFrame, stored: pl.LazyFrame) -> Distinct:
    """Drop events that are stored already or came earlier in `events` (which is in order of batch and line).

    `events` has the record's columns and `BATCH`; `stored` has at least the record's columns. Of these, only where
    there are doubles more than three are read.
    """
    ids = events.select("org_tag", _DAY, "event_id", BATCH).with_row_index("row")
    first = ids.unique(_IDENTITY, keep="first", maintain_order=True)
    known = (
        stored.select("org_tag", _DAY, "event_id")
        .join(first.lazy().select(_IDENTITY), on=_IDENTITY, how="semi")
        .collect(engine="streaming")
    )
    distinct = first.join(known, on=_IDENTITY, how="anti", maintain_order="left")
    if distinct.height == events.height:
        return Distinct(events, dict.fromkeys(events[BATCH].unique(), 0), {})
    dropped = ids.join(distinct.select("row"), on="row", how="anti", maintain_order="left")
    doubled = {**dict.fromkeys(events[BATCH].unique(), 0), **dict(dropped.group_by(BATCH).len().iter_rows())}
    # Only rows with one of these ids are decoded whole.
    same_id = stored.filter(pl.col("event_id").is_in(known["event_id"].unique().implode()))
    counting = pl.concat(
        [
            _hashed(same_id.with_columns(_DAY).join(known.lazy(), on=_IDENTITY, how="semi")),
            _hashed(events[distinct.join(dropped, on=_IDENTITY, how="semi")["row"]].lazy().with_columns(_DAY)),
        ]
    ).collect(engine="streaming")
    payloads = _hashed(events[dropped["row"]].lazy().with_columns(_DAY), BATCH).collect()
    conflicting = payloads.join(counting, on=[*_IDENTITY, "payload"], how="anti")
    return Distinct(events[distinct["row"]], doubled, dict(conflicting.group_by(BATCH).len().iter_rows()))


def _hashed(events: pl.LazyFrame, *more: str) -> pl.LazyFrame:
    """Identities with a hash of all values of the record."""
    values = [pl.col(name).hash(seed) for seed, name in enumerate(NAMES)]
    return events.select(*_IDENTITY, *more, pl.sum_horizontal(values).hash().alias("payload"))
