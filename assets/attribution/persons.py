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
    """The first and last event of each browser and user that is not refused, as in attribution.sign_ins without app.

    events: all of a UTC day. collect: runs a query over them. refused: of events, whether each is refused.
    """
    agreeing = (
        events.filter(pl.col("user_id").fill_null("") != "", _FLAG.fill_null(value=True))
        .select(*_BROWSER, "timestamp", "consent_marketing", may_signal())
        .filter(~signals())
    )
    # An event without a flag may be refused where one that agrees is not.
    group = [*_BROWSER, "consent_marketing"]
    ends = collect(agreeing.group_by(group).agg(first=pl.col("timestamp").min(), last=pl.col("timestamp").max()))
    moments = pl.concat(
        [ends.select(*group, timestamp=end, event_data=pl.lit(None, pl.String)) for end in ("first", "last")]
    )
    is_refused = refused(moments)
    doubtful = moments.filter(is_refused).select(_BROWSER).unique()
    allowed = [moments.join(doubtful, on=_BROWSER, how="anti")]
    if doubtful.height:
        # They may have agreed or refused in the middle of the day.
        rest = collect(agreeing.join(doubtful.lazy(), on=_BROWSER, how="semi")).select(moments.columns)
        allowed.append(rest.filter(~refused(rest)))
    seen = pl.concat(allowed)
    people = seen["org_tag"].replace_strict(people_tags, default=seen["org_tag"], return_dtype=pl.String)
    return (
        seen.select(
            pl.col("timestamp").dt.date().alias("day"),
            people.alias("org_tag"),
            hashed(people, seen["anonymous_id"]).alias("visitor"),
            hashed(people, seen["user_id"]).alias("person"),
            "timestamp",
        )
        .group_by("day", "org_tag", "visitor", "person")
        .agg(first_at=pl.col("timestamp").min(), last_at=pl.col("timestamp").max())
    )
