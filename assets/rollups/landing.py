"""The sources of sessions: an event counts for the source by which its session landed, in the window at hand. Pure.

A source is utm_source, else the host of the referrer, in lower case and without `www.` and the like. `google` stands
for Google's hosts of all countries. A session that came from a host on which another one of its organisation landed, or
from nowhere, is `direct`. What does not belong here: the hosts that an organisation names besides, because those count
where values are made (sql/clearlift/cache/top_sources.sql, which folds them as it is done here).
"""

from collections.abc import Mapping

import polars as pl

# Sites for mobiles, and the hosts by which Facebook and Instagram lead out.
_PREFIX = r"^(?:www|m|l|lm)\."
_GOOGLE = r"^google\.(?:com?\.)?[a-z]{2,3}$"


# What says where a session came from, as its first event has it.
_RAW = ("utm_source", "utm_medium", "referrer_domain", "page_hostname")
_RAW_COLUMNS = [f"raw_{name}" for name in _RAW]

# The first event of a session lands. Of events at the same moment a page view does, else the one with the smallest id,
# so that it does not depend on the order of rows.
_ORDER = pl.struct("timestamp", pl.col("event_type") != "page_view", "event_id")


def _text(name: str) -> pl.Expr:
    return pl.col(f"raw_{name}").fill_null("").str.strip_chars().str.to_lowercase()


def _host(name: str) -> pl.Expr:
    return _text(name).str.replace(_PREFIX, "")


DIMENSIONS: Mapping[str, pl.Expr] = {
    "source": pl.when(pl.col("named") != "")
    .then(pl.col("named"))
    .when(pl.col("own").fill_null(value=False) | (pl.col("referrer") == ""))
    .then(pl.lit("direct"))
    .otherwise(pl.col("referrer").str.replace(_GOOGLE, "google")),
    "utm_medium": _text("utm_medium"),
}


def aggregate(events: pl.DataFrame, window: str) -> pl.DataFrame:
    """Rows of the cut: org_tag, the window, the dimensions, events, visitors, sessions, value.

    events: with the column `window`, and the amount that counts as `value`.
    """
    place = ["org_tag", window]
    session = [*place, "session_id"]
    # Only the number of a row goes through the groups, because texts there cost three times as much.
    numbered = events.lazy().with_row_index("row").with_columns(order=_ORDER)
    first = numbered.group_by(session).agg(pl.col("row").min_by("order")).collect(engine="streaming")
    raw = events.select(pl.col(_RAW).name.prefix("raw_"))[first["row"]]
    landed = first.drop("row").hstack(raw).lazy()
    sources = landed.join(_named(landed, place), on=[*place, *_RAW_COLUMNS], nulls_equal=True)
    # Few rows stand for all events: a session has one visitor, nearly always.
    visits = events.lazy().group_by(*session, "anonymous_id").agg(pl.len().alias("events"), pl.col("value").sum())
    return (
        visits.join(sources, on=session)
        .group_by(*place, *DIMENSIONS)
        .agg(
            pl.col("events").sum().cast(pl.Int64),
            pl.col("anonymous_id").n_unique().cast(pl.Int64).alias("visitors"),
            pl.col("session_id").n_unique().cast(pl.Int64).alias("sessions"),
            pl.col("value").sum(),
        )
        .collect(engine="streaming")
    )


def _named(landed: pl.LazyFrame, place: list[str]) -> pl.LazyFrame:
    # Made once for each combination of raw texts: thousands of sessions share one.
    kinds = (
        landed.select(*place, *_RAW_COLUMNS)
        .unique()
        .with_columns(named=_text("utm_source"), referrer=_host("referrer_domain"), host=_host("page_hostname"))
    )
    own = kinds.select(*place, pl.col("host").alias("referrer"), own=pl.lit(value=True)).unique()
    return kinds.join(own, on=[*place, "referrer"], how="left").select(
        *place, *_RAW_COLUMNS, *(expr.alias(name) for name, expr in DIMENSIONS.items())
    )
