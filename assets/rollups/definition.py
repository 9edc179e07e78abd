"""What is rolled up: the grains, the cuts, and how events become rows. Pure polars expressions, no store.

A cut is a set of dimensions with a table a grain. One wide key makes nearly as many groups as events, and distinct
counts do not add up over dimensions, so totals, pages, sources and campaigns are cuts of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

# Raised when a roll-up comes to mean something else: windows built under another version are stale.
VERSION = 1


class Grain(StrEnum):
    """A length of window, by its table's name."""

    HOURLY = "hourly"
    DAILY = "daily"

    @property
    def column(self) -> str:
        """The window's column in the grain's tables."""
        return {"hourly": "hour", "daily": "day"}[self.value]

    @property
    def every(self) -> str:
        """The window's length as polars says it."""
        return {"hourly": "1h", "daily": "1d"}[self.value]


@dataclass(frozen=True, eq=False)
class Cut:
    """One way to cut the events: its table's suffix, its dimensions by name, which events take part."""

    name: str
    dimensions: Mapping[str, pl.Expr]
    where: pl.Expr | None = None
    sketched: bool = False

    def table(self, grain: Grain) -> str:
        return f"rollups.{grain.value}{'_' + self.name if self.name else ''}"


def _as_is(*names: str) -> dict[str, pl.Expr]:
    # A missing dimension is the empty string: null would not take part in a primary key.
    return {name: pl.col(name).fill_null("") for name in names}


_SOURCE = pl.coalesce(
    pl.col("utm_source").replace("", None), pl.col("referrer_domain").replace("", None), pl.lit("direct")
)

CUTS: tuple[Cut, ...] = (
    Cut("", _as_is("event_type", "utm_source", "utm_medium", "utm_campaign", "device_type", "geo_country")),
    Cut("totals", {}, sketched=True),
    Cut("pages", _as_is("page_hostname", "page_path"), where=pl.col("event_type") == "page_view"),
    Cut("sources", {"source": _SOURCE, **_as_is("utm_medium")}),
    Cut(
        "campaigns",
        _as_is("utm_campaign", "utm_source", "utm_medium"),
        where=pl.col("utm_campaign").fill_null("") != "",
    ),
)

# What of an event the roll-ups read: 14 of 51 columns.
COLUMNS: tuple[str, ...] = (
    *("org_tag", "timestamp", "event_id", "event_type", "anonymous_id", "session_id", "event_value"),
    *("utm_source", "utm_medium", "utm_campaign", "device_type", "geo_country"),
    *("page_hostname", "page_path", "referrer_domain"),
)

# An amount that is not finite, or that no sum of a table's width could take a million of, counts as none: one line must
# not keep a whole day from being rolled up.
LARGEST_VALUE = 1e15
_VALUE = pl.when(pl.col("event_value").abs() < LARGEST_VALUE).then(pl.col("event_value"))

_MEASURES = (
    pl.len().cast(pl.Int64).alias("events"),
    pl.col("anonymous_id").n_unique().cast(pl.Int64).alias("visitors"),
    pl.col("session_id").n_unique().cast(pl.Int64).alias("sessions"),
    # Decimal, so that a sum does not depend on the order of its rows.
    _VALUE.cast(pl.Decimal(38, 6)).sum().alias("value"),
)


def window_of(grain: Grain) -> pl.Expr:
    """The start of the window that an event falls in, named as the grain's column."""
    start = pl.col("timestamp").dt.truncate(grain.every)
    return (start.dt.date() if grain is Grain.DAILY else start).alias(grain.column)


def aggregate(events: pl.LazyFrame, grain: Grain, cut: Cut) -> pl.LazyFrame:
    """Rows of one cut's table: org_tag, the window, the dimensions, events, visitors, sessions, value."""
    if cut.where is not None:
        events = events.filter(cut.where)
    dimensions = [expr.alias(name) for name, expr in cut.dimensions.items()]
    return events.group_by("org_tag", window_of(grain), *dimensions).agg(_MEASURES)
