"""The section of the run history: runs, their seconds, and how large the history is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from assets.page import figures
from assets.page.blocks import Block, Chart, Charts, Figure, Figures, Line, Section, Standing
from assets.page.source import DAYS, History, Source
from assets.windows import midnight

NAME, TITLE = "runs", "Runs and their history"
SAYS = f"Runs by the day on which they were created, the last {DAYS} days; older ones are purged from the history."


@dataclass(frozen=True)
class Runs:
    """The history, and the days that are shown."""

    days: Sequence[date]
    history: History


def read(source: Source) -> Runs:
    """What Dagster's tables say."""
    return Runs(source.days, source.history(source.since))


def section(runs: Runs) -> Section:
    """How it is shown."""
    history = runs.history
    by_day = {one.day: one for one in history.days}
    last = history.days[-1] if history.days else None
    failed = sum(one.failed for one in history.days)
    shown = Figures(
        [
            Figure(
                "runs", figures.count(sum(one.runs for one in history.days) if by_day else None, "run"), f"{DAYS} days"
            ),
            Figure(
                "failed",
                figures.count(failed if by_day else None, "run"),
                "",
                Standing.WARNING if failed else Standing.PLAIN,
            ),
            Figure("newest day", figures.count(last.runs if last else None, "run"), f"{last.day}" if last else ""),
            Figure(
                "its runs' time",
                figures.duration(timedelta(seconds=last.seconds) if last else None),
                "all runs together",
            ),
            Figure("history", figures.size(history.bytes or None), f"{figures.count(history.runs, 'run')} kept"),
            Figure(
                "rows of events",
                figures.count(history.events, "row"),
                "" if history.events is not None else "SQLite keeps a file a run",
            ),
        ]
    )
    moments = [midnight(day) for day in runs.days]
    first = min(by_day, default=None)

    def of(day: date, value: float) -> float | None:
        return value if day in by_day else 0.0 if first is not None and day > first else None

    good = [of(day, float(by_day[day].runs - by_day[day].failed) if day in by_day else 0.0) for day in runs.days]
    bad = [of(day, float(by_day[day].failed) if day in by_day else 0.0) for day in runs.days]
    minutes = [of(day, round(by_day[day].seconds / 60, 2) if day in by_day else 0.0) for day in runs.days]
    charts = Charts(
        [
            Chart("Runs", "runs a day", moments, [Line("others", good), Line("failed", bad)], bars=True),
            Chart("Time of all runs", "minutes a day", moments, [Line("minutes", minutes)], bars=True),
        ]
    )
    blocks: list[Block] = [shown, charts]
    return Section(NAME, TITLE, SAYS, blocks)
