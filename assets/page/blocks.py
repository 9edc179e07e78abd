"""What a page is made of, as data: sections, tables, charts, figures. Pure.

What belongs here: the vocabulary. What does not: how a value is written (figures.py), and HTML (document.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

NO_DATA = "no data"


class Standing(StrEnum):
    """How a thing stands. PLAIN: it is neither good nor bad. UNKNOWN: nobody knows, which is never shown as good."""

    PLAIN = "plain"
    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Figure:
    """One number that is read first. value: with its unit, or NO_DATA. note: what it is of."""

    label: str
    value: str
    note: str = ""
    standing: Standing = Standing.PLAIN


@dataclass(frozen=True)
class Figures:
    """Numbers beside each other."""

    figures: Sequence[Figure]


@dataclass(frozen=True)
class Note:
    """A sentence."""

    text: str
    standing: Standing = Standing.PLAIN


@dataclass(frozen=True)
class Cell:
    """A cell with a standing, or of words that people type."""

    text: str
    standing: Standing = Standing.PLAIN
    code: bool = False


@dataclass(frozen=True)
class Column:
    """A column. number: its cells stand to the right."""

    title: str
    number: bool = False


Row: TypeAlias = Sequence[str | Cell]


@dataclass(frozen=True)
class Table:
    """A table. caption: what one row is. empty: what is said where it has no row. folded: shown when it is opened.

    left_out: how many rows of it are not shown. stacked: on a phone each cell has a line of its own.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    empty: str = NO_DATA
    folded: bool = False
    left_out: int = 0
    stacked: bool = False


@dataclass(frozen=True)
class Line:
    """The values of a chart under one name, one for each of its moments; None where nobody knows.

    column: its name in a table beside lines of other charts, where that must be another one.
    """

    name: str
    values: Sequence[float | None]
    column: str = ""


@dataclass(frozen=True)
class Chart:
    """A picture of values over time. unit: of all values. step: what a moment stands for: `day` or `hour`.

    bars: the lines are parts of a whole and are stacked; else they are drawn as lines.
    """

    title: str
    unit: str
    moments: Sequence[datetime]
    lines: Sequence[Line]
    step: Literal["day", "hour"] = "day"
    bars: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no value is known."""
        return not any(value is not None for line in self.lines for value in line.values)


@dataclass(frozen=True)
class Charts:
    """Charts beside each other. title: of the one table of figures that they have; their moments are the same then.
    Without it each has one of its own.
    """

    charts: Sequence[Chart]
    title: str = ""


Block: TypeAlias = Figures | Note | Table | Chart | Charts


@dataclass(frozen=True)
class Section:
    """A part of a page. name: its anchor, one word. says: a sentence on what it shows, and of which time."""

    name: str
    title: str
    says: str
    blocks: Sequence[Block]
    standing: Standing = Standing.PLAIN


@dataclass(frozen=True)
class Link:
    """A way to another page."""

    text: str
    address: str
    current: bool = False


@dataclass(frozen=True)
class Page:
    """A whole page. made_at: the moment (UTC) that it is of. links: rows of ways to other pages, each with a name."""

    title: str
    says: str
    made_at: datetime
    sections: Sequence[Section]
    standing: Standing = Standing.PLAIN
    links: Sequence[tuple[str, Sequence[Link]]] = ()
