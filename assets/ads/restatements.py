"""The restatement ledger as people see it: how much of which age was restated, as a plot and as a table.

What does not belong here: writing the ledger (merge.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 40


def plot(by_age: Sequence[Mapping[str, Any]]) -> str:
    """Bars in Markdown: rows restated by the days that lie between a day and its restatement.

    `by_age`: `days_later`, `rows` and `conversions_change` of each age.
    """
    if not by_age:
        return "No final day has been restated."
    most = max(row["rows"] for row in by_age)
    lines = [f"{'days later':>10}  {'rows':>7}  {'conversions':>14}"]
    for row in by_age:
        bar = "█" * max(1, round(WIDTH * row["rows"] / most))
        lines.append(f"{row['days_later']:>10}  {row['rows']:>7,}  {row['conversions_change']:>+14,.2f}  {bar}")
    return "\n".join(["```", *lines, "```"])
