"""Restatements as people see them in the UI: the columns of their view, and a plot by age. Pure.

What does not belong here: recording restatements (merge.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 40
COLUMNS = (
    ("app", "text", "The app whose organisation it is", False),
    ("org_id", "text", "Organisation", False),
    ("platform", "text", "google, facebook, tiktok or microsoft", False),
    ("account_id", "text", "The platform's id of the account", False),
    ("campaign_id", "text", "The campaign's id in ads.campaigns", False),
    ("campaign_name", "text", "Its present name", True),
    ("date", "date", "A day of the account, in ads.ad_accounts.time_zone; it is no UTC day", False),
    ("seen_at", "timestamptz", "When a sync saw the change", False),
    ("days_later", "integer", "Days between the account's day and the UTC day on which the change was seen", False),
    ("kind", "text", "appeared, vanished or changed", False),
    ("currency", "text", "The account's currency, in which every amount is", False),
    ("spend_change", "numeric", "After minus before", False),
    ("clicks_change", "bigint", "After minus before", False),
    ("impressions_change", "bigint", "After minus before", False),
    ("conversions_change", "numeric", "After minus before", False),
    ("conversions_value_change", "numeric", "After minus before", False),
    ("spend_before", "numeric", "Null where the row appeared", True),
    ("spend_after", "numeric", "Null where it vanished", True),
    ("conversions_before", "numeric", "Null where the row appeared", True),
    ("conversions_after", "numeric", "Null where it vanished", True),
    ("sync_run_id", "uuid", "The sync that saw the change", False),
)


def plot(by_age: Sequence[Mapping[str, Any]]) -> str:
    """Bars in Markdown: restated rows by the number of days between a day and its restatement.

    by_age: `days_later`, `rows` and `conversions_change` of each age, the youngest first.
    """
    if not by_age:
        return "No final day has been restated."
    most = max(row["rows"] for row in by_age)
    lines = [f"{'days later':>10}  {'rows':>7}  {'conversions':>14}"]
    for row in by_age:
        bar = "█" * max(1, round(WIDTH * row["rows"] / most))
        lines.append(f"{row['days_later']:>10}  {row['rows']:>7,}  {row['conversions_change']:>+14,.2f}  {bar}")
    return "\n".join(["```", *lines, "```"])
