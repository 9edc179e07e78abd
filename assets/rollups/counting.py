"""Counting: the rows of every cut of some windows, and their sketches, from events as they lie in the lake. Pure.

Another engine runs it too, on a part of the organisations and windows at a time (deploy/spark), so that both count
alike. What does not belong here: reading events, and writing rows.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import polars as pl

from assets.rollups import sketch
from assets.rollups.coded import Coded
from assets.rollups.definition import CUTS, NOT_SUMMED, Cut, Grain, aggregate, window_of


@dataclass(frozen=True)
class Counted:
    """The rows of every cut; the events in them, doubles that were left out, and events whose amount counts as none.

    The rows of a cut stand in any order.
    """

    rows: Mapping[Cut, pl.DataFrame]
    events: int
    doubles: int
    not_summed: int

    def by_window(self, grain: Grain) -> dict[datetime, int]:
        """The number of events of each window that has some."""
        events = self._totals.group_by(grain.column).agg(pl.col("events").sum())
        return {_moment(window): n for window, n in events.iter_rows()}

    @property
    def organisations(self) -> frozenset[str]:
        """The organisations that have events."""
        return frozenset(self._totals["org_tag"])

    @property
    def _totals(self) -> pl.DataFrame:
        return next(rows for cut, rows in self.rows.items() if cut.sketched)


def single(rows: pl.DataFrame, grain: Grain) -> pl.DataFrame:
    """Events without doubles within a window of the grain; the earliest of them stays."""
    # As many hashes as rows are as many ids. Only where there are fewer, the ids themselves are compared.
    if rows["event_id"].hash().n_unique() == rows.height:
        return rows
    # Ingest stores no doubles, and compaction drops those of other writers: this is for the time between. Doubles are
    # dropped within each window, so that an hour is the same in any range that is built.
    return (
        rows.sort("timestamp")
        .with_columns(window_of(grain))
        .unique(["org_tag", grain.column, "event_id"], keep="first", maintain_order=True)
        .select(rows.columns)
    )


def count(rows: pl.DataFrame, grain: Grain) -> Counted:
    """The rows of every cut, from events with the columns that roll-ups read; doubles are left out."""
    events = single(rows, grain)
    with ThreadPoolExecutor(2) as workers:
        ids = list(workers.map(Coded.of, (events["anonymous_id"], events["session_id"])))
        coded = events.with_columns(column.codes for column in ids)
        # On a core of its own, because the counting leaves one free.
        sketching = workers.submit(_sketches, coded, grain, *ids)
        cuts = {cut: aggregate(coded, grain, cut) for cut in CUTS}
        sketches = sketching.result()
    rows_of = {
        cut: found.join(sketches, on=["org_tag", grain.column]) if cut.sketched else found
        for cut, found in cuts.items()
    }
    return Counted(rows_of, events.height, rows.height - events.height, int(events.select(NOT_SUMMED).item()))


def _sketches(events: pl.DataFrame, grain: Grain, visitors: Coded, sessions: Coded) -> pl.DataFrame:
    hashed = events.select(
        "org_tag",
        window_of(grain),
        visitor_sketch=sketch.hashes(visitors),
        session_sketch=sketch.hashes(sessions),
    )
    grouped = hashed.group_by("org_tag", grain.column).agg("visitor_sketch", "session_sketch")
    return grouped.with_columns(
        pl.Series(name, map(sketch.of_hashes, grouped[name]), pl.Binary)
        for name in ("visitor_sketch", "session_sketch")
    )


def _moment(window: date | datetime) -> datetime:
    return window if isinstance(window, datetime) else datetime.combine(window, time(), UTC)
