"""What is rolled up: the grains, the cuts, and how events become rows. Pure.

A cut is a set of dimensions with one table a grain. One wide key has nearly as many groups as there are events, and
distinct counts do not add up over dimensions. So totals, pages, sources and campaigns are cuts of their own. What
belongs here: these as data and polars expressions. What does not: which source a session has (landing.py), reading
events and writing rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import polars as pl

from assets.rollups import landing
from assets.windows import DAY, HOUR

# Raise it when the meaning of a roll-up changes: windows built by another version are stale.
VERSION = 2


class Grain(StrEnum):
    """A length of window that is counted from events, by the name of its table."""

    HOURLY = "hourly"
    DAILY = "daily"

    @property
    def column(self) -> str:
        """The column of the window in the tables of the grain."""
        return {"hourly": "hour", "daily": "day"}[self.value]

    @property
    def every(self) -> str:
        """The length of a window in the notation of polars."""
        return {"hourly": "1h", "daily": "1d"}[self.value]

    @property
    def step(self) -> timedelta:
        """The length of a window."""
        return {"hourly": HOUR, "daily": DAY}[self.value]


@dataclass(frozen=True, eq=False)
class Cut:
    """One way to cut the events.

    name: the suffix of its tables. dimensions: expressions by column. where: which events take part. sketched: whether
    its rows have mergeable sketches of their distinct ids.
    """

    name: str
    dimensions: Mapping[str, pl.Expr]
    where: pl.Expr | None = None
    sketched: bool = False
    of_landing: bool = False

    def table(self, length: StrEnum) -> str:
        """The table of a grain or period."""
        return f"rollups.{length.value}{'_' + self.name if self.name else ''}"


def _as_is(*names: str) -> dict[str, pl.Expr]:
    # A missing dimension is the empty string, because a primary key takes no null.
    return {name: pl.col(name).fill_null("") for name in names}


CUTS: tuple[Cut, ...] = (
    Cut("", _as_is("event_type", "utm_source", "utm_medium", "utm_campaign", "device_type", "geo_country")),
    Cut("totals", {}, sketched=True),
    Cut("pages", _as_is("page_hostname", "page_path"), where=pl.col("event_type") == "page_view"),
    Cut("sources", landing.DIMENSIONS, of_landing=True),
    Cut(
        "campaigns",
        _as_is("utm_campaign", "utm_source", "utm_medium"),
        where=pl.col("utm_campaign").fill_null("") != "",
    ),
)

# The columns of an event that roll-ups read: 15 of 51.
COLUMNS: tuple[str, ...] = (
    *("org_tag", "timestamp", "event_id", "event_type", "anonymous_id", "session_id", "event_value"),
    *("utm_source", "utm_medium", "utm_campaign", "device_type", "geo_country"),
    *("page_hostname", "page_path", "referrer_domain"),
)

# A larger amount, or one that is not finite, counts as none: no column could hold the sum of a million of them, and one
# event must not keep a whole day from being rolled up.
LARGEST_VALUE = 1e15
_HAS_VALUE = pl.col("event_value").abs() < LARGEST_VALUE
_VALUE = pl.when(_HAS_VALUE).then(pl.col("event_value"))
# How many events have an amount that counts as none.
NOT_SUMMED = (~_HAS_VALUE).sum()

# Decimal, because then a sum does not depend on the order of its rows.
_DECIMAL = _VALUE.cast(pl.Decimal(38, 6))

_MEASURES = (
    pl.len().cast(pl.Int64).alias("events"),
    pl.col("anonymous_id").n_unique().cast(pl.Int64).alias("visitors"),
    pl.col("session_id").n_unique().cast(pl.Int64).alias("sessions"),
    _DECIMAL.sum().alias("value"),
)


def window_of(grain: Grain) -> pl.Expr:
    """The start of the window that an event lies in, named as the column of the grain."""
    start = pl.col("timestamp").dt.truncate(grain.every)
    return (start.dt.date() if grain is Grain.DAILY else start).alias(grain.column)


def aggregate(events: pl.DataFrame, grain: Grain, cut: Cut) -> pl.DataFrame:
    """Rows of one cut: org_tag, the window, the dimensions, events, visitors, sessions, value."""
    if cut.of_landing:
        return landing.aggregate(events.with_columns(window_of(grain), value=_DECIMAL), grain.column)
    counted = events.lazy() if cut.where is None else events.lazy().filter(cut.where)
    dimensions = [expr.alias(name) for name, expr in cut.dimensions.items()]
    return counted.group_by("org_tag", window_of(grain), *dimensions).agg(_MEASURES).collect(engine="streaming")
