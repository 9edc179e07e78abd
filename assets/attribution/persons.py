"""Who is signed in with which browser, on a UTC day. Pure.

A person's browsers share their touches: sql/attribution/browsers_of_day.sql. What does not belong here: which events
are refused (assets/consent), and storing sign-ins (build.py).
"""

from collections.abc import Callable, Mapping

import polars as pl

from assets.consent.learning import Collect, may_signal, signals
from assets.sessions.definition import hashed

_BROWSER = ["org_tag", "anonymous_id", "user_id"]
_FLAG = pl.col("consent_marketing")


def sign_ins(
    events: pl.LazyFrame,
    collect: Collect,
    refused: Callable[[pl.DataFrame], pl.Series],
    people_tags: Mapping[str, str],
) -> pl.DataFrame:
    """The first event of each browser and user that is not refused, in the columns of attribution.sign_ins without app.

    events: all of a UTC day. collect: runs a query over them. refused: of events, whether each is refused.
    """
    agreeing = (
        events.filter(pl.col("user_id").fill_null("") != "", _FLAG.fill_null(value=True))
        .select(*_BROWSER, "timestamp", "consent_marketing", may_signal())
        .filter(~signals())
    )
    # An event without a flag may be refused where one that agrees is not.
    first = collect(agreeing.group_by(*_BROWSER, "consent_marketing").agg(pl.col("timestamp").min()))
    first = first.with_columns(event_data=pl.lit(None, pl.String))
    is_refused = refused(first)
    allowed = [first.filter(~is_refused)]
    if is_refused.any():
        # They may have agreed later in the day.
        again = first.filter(is_refused).lazy().select(_BROWSER).unique()
        rest = collect(agreeing.join(again, on=_BROWSER, how="semi"))
        allowed.append(rest.filter(~refused(rest)).select(first.columns))
    seen = pl.concat(allowed).group_by(_BROWSER, maintain_order=True).agg(pl.col("timestamp").min())
    people = seen["org_tag"].replace_strict(people_tags, default=seen["org_tag"], return_dtype=pl.String)
    return (
        seen.select(
            pl.col("timestamp").dt.date().alias("day"),
            people.alias("org_tag"),
            hashed(people, seen["anonymous_id"]).alias("visitor"),
            hashed(people, seen["user_id"]).alias("person"),
            pl.col("timestamp").alias("at"),
        )
        .group_by("day", "org_tag", "visitor", "person")
        .agg(pl.col("at").min())
    )
