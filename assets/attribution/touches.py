"""The touches of a day's events, and which of its events name a campaign or convert. Pure.

A touch is the first event of a visitor's session, on a UTC day, that names a campaign: by a click id or by
utm_campaign. Events that are refused make no touch. What does not belong here: conversions (conversions.py), which
events are refused (assets/consent), reading the lake and writing rows (build.py).
"""

import hashlib
from collections.abc import Collection, Mapping

import polars as pl

from assets.consent.learning import may_signal
from assets.rollups.definition import LARGEST_VALUE
from assets.sessions.definition import hashed

# Increase it when the meaning of a touch or conversion changes: days made under another version are made again.
VERSION = 4

# The platform by the parameter of its click id, the most reliable first: Facebook adds its own to unpaid links too.
CLICK_IDS: Mapping[str, str] = {"gclid": "google", "msclkid": "microsoft", "ttclid": "tiktok", "fbclid": "facebook"}
SOURCES: Mapping[str, str] = {
    **dict.fromkeys(("google", "google_ads", "googleads", "adwords"), "google"),
    **dict.fromkeys(("facebook", "fb", "instagram", "ig", "meta"), "facebook"),
    **dict.fromkeys(("tiktok", "tiktok_ads"), "tiktok"),
    **dict.fromkeys(("bing", "microsoft", "microsoft_ads", "msn"), "microsoft"),
}
_LONGEST_CLICK_ID = 512
_RECORDED = ("gclid", "fbclid")
_IDENTITY = ("org_tag", "timestamp", "event_id", "anonymous_id", "session_id")
_NOT_REFUSED = pl.col("consent_marketing").fill_null(value=True)


def relevant(
    events: pl.LazyFrame,
    conversion_types: Mapping[str, Collection[str]],
    default: Collection[str],
    refund_types: Mapping[str, Collection[str]],
) -> pl.LazyFrame:
    """The raw events that name a campaign or convert, doubles among them, in the columns that `single` and others read.

    Those that name one and refuse by their own flag are left out here already.

    conversion_types: by organisation's tag; `default` for the others. refund_types: by tag. Their events, and those with a
    negative value, reduce the revenue of another conversion.
    """
    query = pl.coalesce(pl.col("page_search").replace("", None), pl.col("page_url"))
    clicks = {name: _click_id(name, query) for name in CLICK_IDS}
    click = pl.coalesce(clicks.values())
    by_click = pl.coalesce(
        pl.when(clicks[name].is_not_null()).then(pl.lit(platform)) for name, platform in CLICK_IDS.items()
    )
    by_source = pl.col("utm_source").str.to_lowercase().replace_strict(SOURCES, default=None, return_dtype=pl.String)
    refunds = _of_own_types(refund_types)
    converts = _of_own_types(conversion_types) | (
        pl.col("event_type").is_in(list(default)) & ~pl.col("org_tag").is_in(list(conversion_types))
    )
    return (
        events.select(
            *_IDENTITY,
            pl.when(pl.col("event_value").abs() < LARGEST_VALUE).then(pl.col("event_value")).alias("value"),
            pl.col("utm_campaign").fill_null(""),
            pl.col("utm_content").fill_null(""),
            *("user_id", "consent_marketing", "user_agent"),
            pl.when(converts | refunds).then(pl.col("event_data")).otherwise(may_signal()).alias("event_data"),
            click.alias("click"),
            pl.coalesce(by_click, by_source, pl.lit("")).alias("named_platform"),
            (converts | refunds).alias("converts"),
            (refunds | (pl.col("event_value") < 0)).fill_null(value=False).alias("refund"),
        )
        .with_columns(names=_NOT_REFUSED & (pl.col("click").is_not_null() | (pl.col("utm_campaign") != "")))
        .filter(pl.col("converts") | pl.col("names"))
    )


def _of_own_types(types: Mapping[str, Collection[str]]) -> pl.Expr:
    # One list for all organisations, because a condition for each would be evaluated for every event.
    own = [f"{org}\0{event_type}" for org, own_types in types.items() for event_type in own_types]
    return pl.concat_str("org_tag", "event_type", separator="\0").is_in(own)


def single(events: pl.DataFrame) -> pl.DataFrame:
    """One day's events without another writer's doubles: of events with the same id the earliest stays."""
    return events.sort("org_tag", "timestamp", "event_id").unique(
        ["org_tag", "event_id"], keep="first", maintain_order=True
    )


def judged(events: pl.DataFrame, refused: pl.Series) -> pl.DataFrame:
    """The events, of which those that are refused name no campaign; `consented` says so of their conversions too."""
    return events.with_columns(names=pl.col("names") & ~refused, consented=~refused)


def touches(events: pl.DataFrame) -> pl.DataFrame:
    """The touches of one day, in the columns of attribution.touches without app; events: from `judged`."""
    first = events.filter("names").unique(["org_tag", "anonymous_id", "session_id"], keep="first", maintain_order=True)
    return first.select(
        pl.col("timestamp").dt.date().alias("day"),
        "org_tag",
        hashed(first["org_tag"], first["anonymous_id"]).alias("visitor"),
        hashed(first["org_tag"], first["session_id"]).alias("session"),
        pl.col("timestamp").alias("at"),
        "named_platform",
        pl.Series(
            "click", [None if click_id is None else click_hash(click_id) for click_id in first["click"]], pl.Binary
        ),
        "utm_campaign",
        "utm_content",
    )


def click_hash(click_id: str) -> bytes:
    """A click id as 16 bytes that cannot be read back; the same id gives the same bytes, so that both sides join."""
    return hashlib.blake2b(click_id.encode(), digest_size=16).digest()


def _click_id(name: str, query: pl.Expr) -> pl.Expr:
    value = query.str.extract(rf"(?:^|[?&]){name}=([^&#]+)")
    if name in _RECORDED:
        value = pl.coalesce(pl.col(name).replace("", None), value)
    return pl.when(value.str.len_chars() <= _LONGEST_CLICK_ID).then(value)
