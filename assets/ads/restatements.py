"""The restatement ledger as people see it: how much of which age was restated, as a plot and as a table.

What does not belong here: writing the ledger (merge.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 40
COLUMNS = (
    ("org_id", "text", "Organisation", False),
    ("platform", "text", "google, facebook, tiktok or microsoft", False),
    ("account_id", "text", "The platform's id of the account", False),
    ("campaign_id", "text", "Campaign, as ads.campaigns has it", False),
    ("campaign_name", "text", "Its name as it is now", True),
    ("date", "date", "A day of the account: its own calendar, in ads.ad_accounts.time_zone, no UTC day", False),
    ("seen_at", "timestamptz", "When a sync saw the change", False),
    ("days_later", "integer", "From the account's day to the UTC day on which the change was seen", False),
    ("kind", "text", "appeared, vanished or changed", False),
    ("currency", "text", "The account's, of every amount", False),
    ("spend_change", "numeric", "After less before", False),
    ("clicks_change", "bigint", "After less before", False),
    ("impressions_change", "bigint", "After less before", False),
    ("conversions_change", "numeric", "After less before", False),
    ("conversions_value_change", "numeric", "After less before", False),
    ("spend_before", "numeric", "Null where the row appeared", True),
    ("spend_after", "numeric", "Null where it vanished", True),
    ("conversions_before", "numeric", "Null where the row appeared", True),
    ("conversions_after", "numeric", "Null where it vanished", True),
    ("sync_run_id", "uuid", "The sync that saw it", False),
)


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
