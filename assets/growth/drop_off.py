"""Where people leave the onboarding: of the sessions that started in a time, how many reached each step. Pure.

A session is in one step; it reached that one and all before it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

STATUSES = ("in_progress", "completed", "abandoned")
COLUMNS = ["step", "reached", *STATUSES, "drop_off_percent", "average_progress"]


def frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a step, in their order, from rows of step, position, status (None: no session), sessions and progress.

    reached: sessions that are in this step or a later one. The other numbers are of those that are in it now.
    drop_off_percent: the abandoned ones, of those that reached it. A share or an average of nobody is empty.
    """
    found = pd.DataFrame(list(rows), columns=["step", "position", "status", "sessions", "progress"])
    if found.empty:
        return pd.DataFrame(columns=COLUMNS)
    steps = found.drop_duplicates("position").sort_values("position").set_index("position")[["step"]]
    within = (
        found.dropna(subset="status")
        .pivot_table(index="position", columns="status", values="sessions", aggfunc="sum", fill_value=0)
        .reindex(index=steps.index, columns=list(STATUSES), fill_value=0)
        .astype(int)
    )
    here = within.sum(axis=1)
    weighted = (found["sessions"] * found["progress"]).groupby(found["position"]).sum()
    steps["reached"] = here[::-1].cumsum()[::-1]
    steps[list(STATUSES)] = within
    steps["drop_off_percent"] = _share(100 * within["abandoned"], steps["reached"])
    steps["average_progress"] = _share(weighted, here)
    return steps.reset_index(drop=True)[COLUMNS]


def _share(values: "pd.Series[Any]", of: "pd.Series[int]") -> "pd.Series[Any]":
    """Rounded; an empty text where it is of nobody, because 0 would be an answer."""
    return (values / of.where(of > 0)).round(1).astype(object).where(of > 0, "")


def bars(drop_off: pd.DataFrame) -> list[tuple[str, int]]:
    """What the plot shows: each step with the sessions that reached it."""
    return [(str(step), int(reached)) for step, reached in zip(drop_off["step"], drop_off["reached"], strict=True)]


def total(drop_off: pd.DataFrame) -> int:
    """How many sessions the steps have together."""
    return int(drop_off[list(STATUSES)].to_numpy().sum())
