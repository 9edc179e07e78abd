"""Reports: small frames of the last days, shown in an asset's metadata and stored as CSV in R2 for other tools.

What belongs here: how a report is made, looks and where it lies. What does not: what it says (funnel.py, drop_off.py).
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import ModuleType
from typing import Any, Literal

import pandas as pd
from dagster import MetadataValue

from assets.apps import Growth
from assets.description import table
from assets.growth import drop_off, funnel, plot
from assets.markdown import in_markdown
from resources.postgres import Postgres
from resources.r2 import ObjectStore
from resources.sql_files import read_sql

Name = Literal["funnel", "drop_off"]
# What a spreadsheet takes as the beginning of a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_RULES: dict[Name, tuple[ModuleType, str, str]] = {
    "funnel": (funnel, "lead_funnel", "count_leads"),
    "drop_off": (drop_off, "drop_off", "count_onboardings"),
}


@dataclass(frozen=True)
class Report:
    """A frame, what its plot shows (labels with numbers), what the frame says in all, and what the table holds."""

    frame: pd.DataFrame
    bars: Sequence[tuple[str, int]]
    said: int
    held: int

    def metadata(self, title: str) -> dict[str, MetadataValue[Any]]:
        """The frame as a table, and with the plot as Markdown."""
        image = base64.b64encode(plot.bars(self.bars)).decode()
        numbers = ", ".join(f"{label} {number}" for label, number in self.bars)
        shown = self.frame.map(lambda value: in_markdown(value) if isinstance(value, str) else value)
        text = f"### {title}\n\n{shown.to_markdown(index=False)}\n\n"
        rows = [{str(name): value for name, value in row.items()} for row in self.frame.to_dict("records")]
        return {
            "table": table(rows),
            "report": MetadataValue.md(f"{text}![{numbers}](data:image/png;base64,{image})"),
        }


def make(name: Name, postgres: Postgres, growth: Growth, since: datetime, until: datetime) -> Report:
    """The report of the rows of [since, until), in one moment of the database."""
    rules, statement, counting = _RULES[name]
    bounds = {"since": since, "until": until}
    with postgres.connection(one_moment=True) as connection:
        rows = connection.execute(read_sql(f"{growth.statements}/{statement}.sql"), bounds).fetchall()
        held = connection.execute(read_sql(f"{growth.statements}/{counting}.sql"), bounds).fetchall()
    frame: pd.DataFrame = rules.frame(rows)
    return Report(frame, rules.bars(frame), rules.total(frame), held[0]["rows"])


def store(report: Report, objects: ObjectStore, growth: Growth, name: Name, day: date) -> str:
    """Store the frame as CSV, in the place of the same day's; returns its key."""
    key = f"{growth.reports}{name}/{day:%Y-%m-%d}.csv"
    objects.put(key, report.frame.map(_without_formula).to_csv(index=False).encode())
    return key


def _without_formula(value: Any) -> Any:
    """A text that a spreadsheet shows, where it would compute it: strangers send some of these texts."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
