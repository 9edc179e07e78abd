"""The conversions of a day's events, with the orders and currencies that they name. Pure.

A conversion of an event that is refused has no visitor. What does not belong here: which events convert (touches.py),
and on which day a refund counts (sql/attribution/settle_orders.sql).
"""

import hashlib

import polars as pl

from assets.attribution.text import plain
from assets.sessions.definition import hashed

_LONGEST_ORDER = 512
# A field that the record does not know is kept there.
_PLACES = ("$", "$.unknown_fields")


def conversions(events: pl.DataFrame) -> pl.DataFrame:
    """The conversions of one day, in the columns of attribution.conversions without app.

    events: with `converts`, `refund`, `bot`, `refused` and `people_tag`.
    """
    converted = events.filter("converts").with_columns(
        order=_named("order_id", "transaction_id"),
        currency=_named("currency").str.strip_chars().str.to_uppercase(),
    )
    known = converted.filter(pl.col("order").str.len_chars() <= _LONGEST_ORDER)["order"].unique()
    return converted.select(
        pl.col("timestamp").dt.date().alias("day"),
        "org_tag",
        hashed(converted["org_tag"], converted["event_id"]).alias("event"),
        pl.when(~pl.col("refused")).then(hashed(converted["org_tag"], converted["anonymous_id"])).alias("visitor"),
        pl.when(~pl.col("refused")).then(hashed(converted["people_tag"], converted["anonymous_id"])).alias("browser"),
        pl.col("timestamp").alias("at"),
        pl.col("value").cast(pl.Decimal(38, 6)).fill_null(0),
        pl.col("order")
        .replace_strict(known, pl.Series(map(_hashed, known), dtype=pl.Binary), default=None, return_dtype=pl.Binary)
        .alias("order_id"),
        "refund",
        pl.when(pl.col("currency").str.contains("^[A-Z]{3}$")).then("currency").otherwise(pl.lit("")).alias("currency"),
        "bot",
    )


def _hashed(order: str) -> bytes | None:
    # A placeholder would make one order of all that have it.
    text = plain(order)
    return hashlib.blake2b(text.encode(), digest_size=16).digest() if text else None


def _named(*names: str) -> pl.Expr:
    """The first of these fields that an event's data has."""
    return pl.coalesce(
        pl.col("event_data").str.json_path_match(f"{place}.{name}") for name in names for place in _PLACES
    )
