"""The section of lines: what was received of events, what became of it, and refused lines by reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from assets.page import figures
from assets.page.blocks import Block, Chart, Column, Figure, Figures, Line, Note, Section, Standing, Table
from assets.page.source import DAYS, Source
from assets.windows import midnight

NAME, TITLE = "lines", "Lines received"
KINDS = ("stored", "doubled", "quarantined", "without_consent")
SAYS = (
    f"received = stored + doubled + quarantined + without consent. The last {DAYS} days, by the day on which"
    " a batch was taken."
)


@dataclass(frozen=True)
class OfDay:
    """What an app received on a day, by what became of it (KINDS). conflicting: doubled with another payload."""

    app: str
    day: date
    received: int
    kinds: tuple[int, ...]
    conflicting: int


@dataclass(frozen=True)
class Refused:
    """Lines that wait in a quarantine: the app, what the lines are of, the reason, since when."""

    app: str
    kind: str
    reason: str
    lines: int
    since: datetime | None


@dataclass(frozen=True)
class Received:
    """All of it, with the days that are shown."""

    days: Sequence[date]
    apps: Sequence[str]
    by_day: Sequence[OfDay]
    refused: Sequence[Refused]


def read(source: Source) -> Received:
    """What the ledgers of intakes say."""
    by_day = [
        OfDay(row["app"], row["day"], row["received"], tuple(row[kind] for kind in KINDS), row["conflicting"])
        for row in source.fetch("lines_by_day", since=source.since)
    ]
    refused = [Refused(**row) for row in source.fetch("refused_by_reason")]
    return Received(source.days, [app.name for app in source.collecting()], by_day, refused)


def section(received: Received) -> Section:
    """How it is shown."""
    blocks: list[Block] = []
    for app in received.apps:
        blocks += _of_app(received, app)
    columns = [Column("app"), Column("lines of"), Column("reason"), Column("lines", number=True), Column("since")]
    rows = [
        [one.app, one.kind, one.reason, figures.count(one.lines), figures.moment(one.since)] for one in received.refused
    ]
    blocks.append(Table("Refused lines that wait, by reason", columns, rows, empty="no refused line waits"))
    return Section(NAME, TITLE, SAYS, blocks or [Note("No app collects events.")])


def _of_app(received: Received, app: str) -> list[Block]:
    of_days = {one.day: one for one in received.by_day if one.app == app}
    if not of_days:
        return [Note(f"{app}: no data. No batch was taken in {DAYS} days.", Standing.UNKNOWN)]
    totals = [sum(one.kinds[place] for one in of_days.values()) for place in range(len(KINDS))]
    conflicting = sum(one.conflicting for one in of_days.values())
    all_lines = sum(one.received for one in of_days.values())
    balanced = all_lines == sum(totals)
    shown = Figures(
        [
            Figure(f"{app}: received", figures.count(all_lines, "line"), "all are accounted for" if balanced else ""),
            *(
                Figure(
                    f"{app}: {kind.replace('_', ' ')}",
                    figures.count(total, "line"),
                    figures.share(total / all_lines if all_lines else None),
                )
                for kind, total in zip(KINDS, totals, strict=True)
            ),
            Figure(f"{app}: doubled otherwise", figures.count(conflicting, "line"), "with another payload"),
        ]
    )
    lost = [] if balanced else [Note(f"{app}: the counts do not add up. Next: clearlift status", Standing.CRITICAL)]
    lines = [
        Line(
            kind.replace("_", " "),
            [float(of_days[day].kinds[place]) if day in of_days else None for day in received.days],
        )
        for place, kind in enumerate(KINDS)
    ]
    moments = [midnight(day) for day in received.days]
    return [shown, *lost, Chart(f"{app}: lines by what became of them", "lines a day", moments, lines, bars=True)]
