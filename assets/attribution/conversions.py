"""The conversions of a day's events. Pure.

A conversion of an event that is refused has no visitor. What does not belong here: which events convert, and touches
(touches.py).
"""

import polars as pl

from assets.sessions.definition import hashed


def conversions(events: pl.DataFrame) -> pl.DataFrame:
    """The conversions of one day, in the columns of attribution.conversions without app.

    events: with `converts`, `refused` and `people_tag`.
    """
    converted = events.filter("converts")
    return converted.select(
        pl.col("timestamp").dt.date().alias("day"),
        "org_tag",
        hashed(converted["org_tag"], converted["event_id"]).alias("event"),
        pl.when(~pl.col("refused")).then(hashed(converted["org_tag"], converted["anonymous_id"])).alias("visitor"),
        pl.when(~pl.col("refused")).then(hashed(converted["people_tag"], converted["anonymous_id"])).alias("browser"),
        pl.col("timestamp").alias("at"),
        pl.col("value").cast(pl.Decimal(38, 6)).fill_null(0),
    )
