"""The proof of the partitions: the registry compared with the tables and the view."""

import re
from datetime import datetime, timedelta

from assets.apps import Series
from assets.series import registry
from assets.series.layout import view
from assets.windows import Window, month_of
from resources.d1 import D1


def faults(d1: D1, series: Series) -> list[str]:
    """Where the registry, the tables and the view of a series differ, one sentence for each difference."""
    current = registry.load(d1, series)
    pattern = re.compile(rf"{series.name}_\d{{4}}(_\d{{2}})?")
    rows = d1.query("select type, name, sql from sqlite_master where type in ('table', 'view')")
    tables = {row["name"] for row in rows if row["type"] == "table" and pattern.fullmatch(row["name"])}
    registered = {p.name for p in current.partitions if p.stands}
    differences = [f"{name} is a table and no partition" for name in sorted(tables - registered)]
    differences += [f"{name} is a partition and no table" for name in sorted(registered - tables)]
    view_text = next((row["sql"] for row in rows if row["type"] == "view" and row["name"] == series.name), "")
    if current.answering and not view_text.endswith(f" as {view(series, current.partitions)}"):
        differences.append(f"the view {series.name} is not over the partitions")
    for before, after in zip(current.answering, current.answering[1:], strict=False):
        if before.window.end != after.window.start:
            differences.append(f"{after.name} does not begin where {before.name} ends")
    return differences


def has_next_month(d1: D1, series: Series, now: datetime) -> bool:
    """Whether rows of this month and the next have a partition."""
    this = month_of(now.date())
    both = Window(this.start, month_of(this.end.date()).end)
    return sum((part.end - part.start for _, part in registry.load(d1, series).over(both)), timedelta()) == (
        both.end - both.start
    )
