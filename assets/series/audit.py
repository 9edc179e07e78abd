"""What proves the partitions: the registry beside the tables and the view."""

import re
from datetime import datetime, timedelta

from assets.series import registry
from assets.series.family import Family
from assets.series.layout import view
from assets.windows import Window, month_of
from resources.d1 import D1


def faults(d1: D1, family: Family) -> list[str]:
    """What the registry, the tables and the view of a family do not agree on, in words."""
    found = registry.load(d1, family)
    pattern = re.compile(rf"{family.name}_\d{{4}}(_\d{{2}})?")
    rows = d1.query("select type, name, sql from sqlite_master where type in ('table', 'view')")
    tables = {row["name"] for row in rows if row["type"] == "table" and pattern.fullmatch(row["name"])}
    named = {p.name for p in found.partitions if p.stands}
    said = [f"{name} is a table and no partition" for name in sorted(tables - named)]
    said += [f"{name} is a partition and no table" for name in sorted(named - tables)]
    written = next((row["sql"] for row in rows if row["type"] == "view" and row["name"] == family.name), "")
    if found.answering and not written.endswith(f" as {view(family, found.partitions)}"):
        said.append(f"the view {family.name} is not over the partitions")
    for before, after in zip(found.answering, found.answering[1:], strict=False):
        if before.window.end != after.window.start:
            said.append(f"{after.name} does not begin where {before.name} ends")
    return said


def has_next_month(d1: D1, family: Family, now: datetime) -> bool:
    """Whether rows of this month and the next have a partition."""
    this = month_of(now.date())
    both = Window(this.start, month_of(this.end.date()).end)
    return sum((part.end - part.start for _, part in registry.load(d1, family).over(both)), timedelta()) == (
        both.end - both.start
    )
