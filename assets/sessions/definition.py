"""What a session is, by either origin, and which columns it has. Pure.

A recomputed session is the events of a visitor without a pause of 30 minutes. A session of the tracker is the events of
one session id and one visitor without such a pause, because some trackers' session ids recur for days, and some give
one id to several visitors. Attribution has the same sessions. Either belongs to the UTC day that it started on, and
lasts to the end of the next day at most. If it goes on (a robot), it is cut at each further midnight. So the sessions
of a day follow from the events of the two days before it, of the day and of the next day, however long a session goes
on. What does not belong here: reading events, and storing sessions (build.py).
"""

import hashlib
from datetime import date, timedelta
from enum import StrEnum

import polars as pl

from assets.windows import DAY, Window

# Raise it when the meaning of a session changes: days built by another version are stale.
VERSION = 2
PAUSE = timedelta(minutes=30)
# How far around a day its sessions reach: what is read to build it.
BEFORE, AFTER = 2 * DAY, DAY


class Origin(StrEnum):
    """How events become sessions."""

    TRACKER = "tracker"
    RECOMPUTED = "recomputed"

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns whose equal values may belong to one session; the first one names it."""
        return {"tracker": ("session_id", "anonymous_id"), "recomputed": ("anonymous_id",)}[self.value]


_VIEW = pl.col("event_type") == "page_view"
_REFERRER = pl.when(pl.col("referrer_domain") != pl.col("page_hostname")).then(pl.col("referrer_domain"))
_SOURCE = pl.coalesce(pl.col("utm_source").replace("", None), _REFERRER.replace("", None))
# The columns that say where a visit comes from: a campaign, or a referrer that is not the site itself.
_TOUCH = pl.coalesce(
    _SOURCE, *(pl.col(name).replace("", None) for name in ("utm_medium", "utm_campaign"))
).is_not_null()


def read_for(day: Window) -> Window:
    """The window of events from which the sessions of a day, or of a range of days, are made."""
    return Window(day.start - BEFORE, day.end + AFTER)


def begins(origin: Origin) -> pl.Expr:
    """Whether an event begins a session; null for the first row. The events are in order of org_tag, keys and time.

    Each row is compared with the row above, because windows over a million groups take ten times as long.
    """
    keys = ("org_tag", *origin.keys)
    return pl.any_horizontal(pl.col(name) != pl.col(name).shift() for name in keys) | (
        pl.col("timestamp").diff() >= PAUSE
    )


def sessions(events: pl.DataFrame, origin: Origin, day: date) -> pl.DataFrame:
    """The sessions that start on a day, in the columns of sessions.daily but `app`, from the events of `read_for`."""
    ordered = (
        events.lazy()
        .sort("org_tag", *origin.keys, "timestamp", "event_id")
        .with_columns(date=pl.col("timestamp").dt.date())
    )
    chained = ordered.with_columns(chain=begins(origin).fill_null(value=True).cum_sum()).with_columns(
        begun=pl.col("date").first().over("chain")
    )
    return _described(
        chained.with_columns(
            day=pl.when(pl.col("date") <= pl.col("begun") + DAY).then(pl.col("begun")).otherwise(pl.col("date"))
        )
        .filter(pl.col("day") == day)
        .collect(),
        origin,
    )


def _described(events: pl.DataFrame, origin: Origin) -> pl.DataFrame:
    moment = pl.col("timestamp")
    grouped = events.group_by("org_tag", "day", "chain", maintain_order=True).agg(
        key=pl.col(origin.keys[0]).first(),
        visitor=pl.col("anonymous_id").first(),
        started_at=moment.first(),
        ended_at=moment.last(),
        # Rounded, because polars multiplies by the inverse of a constant: the last digit of a third of results is off.
        duration_seconds=((moment.last() - moment.first()).dt.total_microseconds() / 1e6).round(6),
        events=pl.len().cast(pl.Int64),
        page_views=_VIEW.sum().cast(pl.Int64),
        bounced=_VIEW.sum() <= 1,
        **{
            f"{end}_{name}": pl.coalesce(
                _end(pl.col(f"page_{name}").filter(_VIEW), end), _end(pl.col(f"page_{name}"), end)
            ).fill_null("")
            for end in ("landing", "exit")
            for name in ("hostname", "path")
        },
        **{
            f"{end}_{name}": _end(expr.filter(_TOUCH), end).fill_null("direct" if name == "source" else "")
            for end in ("first", "last")
            for name, expr in {
                "source": _SOURCE,
                "medium": pl.col("utm_medium"),
                "campaign": pl.col("utm_campaign"),
            }.items()
        },
    )
    return grouped.select(
        "org_tag",
        "day",
        pl.lit(origin.value).alias("origin"),
        hashed(grouped["org_tag"], grouped["key"]).alias("session"),
        hashed(grouped["org_tag"], grouped["visitor"]).alias("visitor"),
        pl.exclude("org_tag", "day", "chain", "key", "visitor"),
    )


def _end(values: pl.Expr, end: str) -> pl.Expr:
    return values.first() if end in ("landing", "first") else values.last()


def hashed(orgs: pl.Series, ids: pl.Series) -> pl.Series:
    """Ids as 16 bytes from which the id cannot be read back; different bytes for each organisation."""
    pairs = zip(orgs, ids, strict=True)
    return pl.Series(
        [hashlib.blake2b(f"{org}\0{name}".encode(), digest_size=16).digest() for org, name in pairs], dtype=pl.Binary
    )
