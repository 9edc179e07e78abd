"""A compliance report as data, and as Markdown and one HTML file of it. Pure.

The HTML has no script and loads nothing. Every text is escaped, because names of tables, paths and reasons come from
others. What does not belong here: what a report says (sections.py, requests.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Literal

from assets.markdown import in_markdown
from resources.counts import counted

Verdict = Literal["met", "not met", "unknown", ""]
MOST_ROWS = 200
LONGEST_CELL = 300
"""200 rows of a table and 300 characters of a cell: beyond, the report says how many are left out."""

STYLE = """
:root { color-scheme: light dark; --line: #d5d9e0; --soft: #f4f6f9; --met: #1a7f37; --not: #b42318; --grey: #626b7a }
@media (prefers-color-scheme: dark) {
  :root { --line: #39414e; --soft: #1d222b; --met: #4cc26a; --not: #ff8a7a; --grey: #9aa4b3 }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem }
p { margin: .3rem 0 } .grey { color: var(--grey) } .wide { overflow-x: auto }
table { border-collapse: collapse; margin: .7rem 0; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line) }
th { font-weight: 600; white-space: nowrap } td { overflow-wrap: anywhere; min-width: 4rem; max-width: 28rem }
td.number, th.number { text-align: right } tbody tr:hover { background: var(--soft) }
.verdict { border: 1px solid; border-radius: 1rem; padding: .05rem .6rem; font-size: .8rem; margin-left: .5rem }
.met { color: var(--met) } .not-met, .unknown { color: var(--not) }
"""


@dataclass(frozen=True)
class Section:
    """A part of a report. verdict: whether what it is about is as it must be; empty where it only tells.

    says: a sentence or two. columns and rows: its table, with numbers as numbers; nothing where there are no rows.
    """

    title: str
    verdict: Verdict
    says: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str | int | float | None]] = ()


@dataclass(frozen=True)
class Report:
    """The report of an app and a month. made_at: what is not of the month but of a moment is of this one."""

    title: str
    month: datetime
    made_at: datetime
    sections: Sequence[Section]

    @property
    def wanting(self) -> list[Section]:
        """The sections that are not as they must be, or of which nobody knows."""
        return [section for section in self.sections if section.verdict in ("not met", "unknown")]

    @property
    def heading(self) -> str:
        return f"Personal data of {self.title}, {self.month:%B %Y}"

    @property
    def made(self) -> str:
        wanting = ", ".join(section.title for section in self.wanting) or "nothing"
        return f"Made on {self.made_at:%Y-%m-%d %H:%M} UTC. Not as it must be: {wanting}."


def markdown(report: Report) -> str:
    """The report as Markdown."""
    return "\n\n".join([f"# {in_markdown(report.heading)}", in_markdown(report.made), *_markdown(report)]) + "\n"


def _markdown(report: Report) -> Iterator[str]:
    for section in report.sections:
        verdict = f" ({section.verdict})" if section.verdict else ""
        yield f"## {in_markdown(section.title)}{verdict}"
        yield in_markdown(section.says)
        if section.rows:
            lines = [_row(section.columns), _row(["---"] * len(section.columns))]
            lines += [_row([in_markdown(_text(cell)) for cell in row]) for row in section.rows[:MOST_ROWS]]
            yield "\n".join(lines)
        if left := _left_out(section):
            yield left


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def html(report: Report) -> str:
    """The report as one HTML file."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(report.heading)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(report.heading)}</h1>
<p class="grey">{escape(report.made)}</p>
{"".join(map(_html, report.sections))}</body>
</html>
"""


def _html(section: Section) -> str:
    verdict = section.verdict
    shown = f'<span class="verdict {verdict.replace(" ", "-")}">{verdict}</span>' if verdict else ""
    left = _left_out(section)
    return f"""<section>
<h2>{escape(section.title)}{shown}</h2>
<p>{escape(section.says)}</p>
{_table(section) if section.rows else ""}{f'<p class="grey">{escape(left)}</p>' if left else ""}
</section>
"""


def _table(section: Section) -> str:
    numbers = [
        all(isinstance(row[place], int | float | None) for row in section.rows) for place in range(len(section.columns))
    ]

    def cells(tag: str, texts: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=number' if is_number else ''}>{escape(text)}</{tag}>"
            for text, is_number in zip(texts, numbers, strict=True)
        )

    rows = "".join(f"<tr>{cells('td', [_text(cell) for cell in row])}</tr>\n" for row in section.rows[:MOST_ROWS])
    head = f"<thead><tr>{cells('th', section.columns)}</tr></thead>"
    return f'<div class="wide"><table>{head}\n<tbody>\n{rows}</tbody></table></div>'


def _text(cell: str | float | None) -> str:
    if cell is None:
        return ""
    text = f"{cell:,}" if isinstance(cell, int | float) else cell
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]} …"


def _left_out(section: Section) -> str:
    left = len(section.rows) - MOST_ROWS
    return f"{counted(left, 'more row is', 'more rows are')} left out." if left > 0 else ""
