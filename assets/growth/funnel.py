"""The funnel of leads: how many of those that came in a time got how far, by where they came from. Pure.

A lead has a status, not a history: who is qualified was contacted too. Of a lost one nobody knows how far it had got.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from resources.redaction import CUT, redact

STAGES = ("captured", "contacted", "qualified", "converted")
_REACHED = {
    "captured": ("new", "contacted", "qualified", "converted", "lost"),
    "contacted": ("contacted", "qualified", "converted"),
    "qualified": ("qualified", "converted"),
    "converted": ("converted",),
    "lost": ("lost",),
}
COLUMNS = ["source", *STAGES, "lost", "conversion_percent"]
ALL, OTHER, EMPTY = "all", "other sources", "empty"
MOST_SOURCES = 20
LONGEST_SOURCE = 40
# 7 to 15 digits with a few signs between them, and no date: what looks like a phone number.
PHONE = re.compile(r"(?<!\w)(?!(?:19|20)\d\d[-/.]?\d\d[-/.]?\d\d(?!\d))[+(]*\d(?:[\s().\-/]{0,2}\d){6,14}(?!\w)")


def frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a source, the largest first, and one of all, from rows of source, status and leads; empty without any.

    The sources beyond MOST_SOURCES are one. A source is a text that anybody may send, and is shown as one that may hold
    anything.
    """
    leads = pd.DataFrame(list(rows), columns=["source", "status", "leads"])
    if leads.empty:
        return pd.DataFrame(columns=COLUMNS)
    leads["source"] = leads["source"].map(_shown)
    sizes = leads.groupby("source")["leads"].sum().sort_values(ascending=False, kind="stable")
    leads.loc[~leads["source"].isin(sizes.index[:MOST_SOURCES]), "source"] = OTHER
    by_status = leads.pivot_table(index="source", columns="status", values="leads", aggfunc="sum", fill_value=0)
    stages = pd.DataFrame(
        {
            stage: by_status.reindex(columns=list(statuses), fill_value=0).sum(axis=1)
            for stage, statuses in _REACHED.items()
        }
    ).sort_values("captured", ascending=False, kind="stable")
    stages.loc[ALL] = stages.sum()
    stages = stages.astype(int)
    stages["conversion_percent"] = (100 * stages["converted"] / stages["captured"]).round(1)
    return stages.rename_axis("source").reset_index()[COLUMNS]


def bars(funnel: pd.DataFrame) -> list[tuple[str, int]]:
    """What the plot shows: each stage with its leads of all sources."""
    if funnel.empty:
        return []
    whole = funnel[funnel["source"] == ALL].iloc[-1]
    return [(stage, int(whole[stage])) for stage in STAGES]


def total(funnel: pd.DataFrame) -> int:
    """How many leads the sources have together."""
    return int(funnel.loc[funnel["source"] != ALL, "captured"].sum())


def _shown(source: str) -> str:
    shown = PHONE.sub(CUT, redact(" ".join(source.split())))[:LONGEST_SOURCE] or EMPTY
    # A source that is one of the report's own words must not end in the report's own rows.
    return f'"{shown}"' if shown in (ALL, OTHER) or (shown == EMPTY and source.strip()) else shown
