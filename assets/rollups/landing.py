"""The sources of sessions: an event counts for the source by which its session landed, in the window at hand. Pure.

A source is utm_source, else the host of the referrer, in lower case and without `www.` and the like. `google` stands
for Google's hosts of all countries. A session that came from a host on which another one of its organisation landed, or
from nowhere, is `direct`. What does not belong here: the hosts that an organisation names besides, because those count
where values are made (sql/clearlift/cache/top_sources.sql).
"""

from collections.abc import Mapping

import polars as pl

# Sites for mobiles, and the hosts by which Facebook and Instagram lead out.
_PREFIX = r"^(?:www|m|l|lm)\."
_GOOGLE = r"^google\.(?:com?\.)?[a-z]{2,3}$"


def _text(name: str) -> pl.Expr:
    return pl.col(name).fill_null("").str.strip_chars().str.to_lowercase()


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


def aggregate(events: pl.LazyFrame, window: str) -> pl.LazyFrame:
    """Rows of the cut: org_tag, the window, the dimensions, events, visitors, sessions, value.

    events: with the column `window`, and the amount that counts as `value`.
    """
    place = ["org_tag", window]
    session = [*place, "session_id"]
    # Few rows stand for all events: a session has one visitor, nearly always.
    visits = events.group_by(*session, "anonymous_id").agg(
        pl.len().cast(pl.Int64).alias("events"), pl.col("value").sum(), pl.col("timestamp").min()
    )
    landed = (
        events.join(visits.group_by(session).agg(pl.col("timestamp").min()), on=[*session, "timestamp"])
        # Of events at the same moment a page view, else the smallest id: so it does not depend on the order of rows.
        .sort(pl.col("event_type") != "page_view", "event_id")
        .unique(session, keep="first", maintain_order=True)
        .with_columns(named=_text("utm_source"), referrer=_host("referrer_domain"), host=_host("page_hostname"))
    )
    own = landed.select(*place, pl.col("host").alias("referrer"), own=pl.lit(value=True)).unique()
    sources = landed.join(own, on=[*place, "referrer"], how="left").select(
        *session, *(expr.alias(name) for name, expr in DIMENSIONS.items())
    )
    return (
        visits.join(sources, on=session)
        .group_by(*place, *DIMENSIONS)
        .agg(
            pl.col("events").sum(),
            pl.col("anonymous_id").n_unique().cast(pl.Int64).alias("visitors"),
            pl.col("session_id").n_unique().cast(pl.Int64).alias("sessions"),
            pl.col("value").sum(),
        )
    )
