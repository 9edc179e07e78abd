"""The first page of an export, which a person can read without any tool. Pure.

What belongs here: its HTML. Everything in it is escaped, because people write what they like. What does not: the files
beside it (package.py).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape

from assets.export.portion import Row

FILE = "file"
"""The field of a row with the name of a further file of the ZIP."""
SHOWN_ROWS = 20
SHOWN_CHARACTERS = 300
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>Your data</title>
<style>
body { font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em; }
table { border-collapse: collapse; margin: 0.5em 0 1.5em; width: 100%; }
th, td { border: 1px solid #bbb; overflow-wrap: anywhere; padding: 0.2em 0.5em; text-align: left; vertical-align: top; }
th { background: #f3f3f3; width: 12em; }
</style>
</head>
<body>
"""


@dataclass
class Chapter:
    """A portion as the page shows it: its file, its number of rows, and the first of them."""

    name: str
    doc: str
    rows: int = 0
    files: int = 0
    first: list[Row] = field(default_factory=list)


def page(title: str, at: datetime, chapters: Sequence[Chapter]) -> str:
    """The page. title: of the application."""
    return "\n".join([_HEAD, *_body(title, at, chapters), "</body>\n</html>\n"])


def _body(title: str, at: datetime, chapters: Sequence[Chapter]) -> Iterator[str]:
    yield f"<h1>Your data at {escape(title)}</h1>"
    yield (
        f"<p>All that was held of you on {at:%Y-%m-%d %H:%M} UTC. Each file is JSON, which other programs can read. "
        f"This page shows the first {SHOWN_ROWS} entries of each, without empty fields. Backups hold copies until they "
        "are replaced. Counts of many people together are not here.</p>"
    )
    filled = [chapter for chapter in chapters if chapter.rows]
    if not filled:
        yield "<p>Nothing is held of you.</p>"
        return
    yield "<table><tr><th>File</th><th>Entries</th><th>What an entry is</th></tr>"
    for chapter in filled:
        link = f'<a href="{escape(chapter.name)}.json">{escape(chapter.name)}.json</a>'
        yield f"<tr><th>{link}</th><td>{chapter.rows:,}</td><td>{escape(chapter.doc)}</td></tr>"
    yield "</table>"
    for chapter in filled:
        yield f"<h2>{escape(chapter.doc or chapter.name)}</h2>"
        yield f"<p>{chapter.rows:,} in {escape(chapter.name)}.json</p>"
        for row in chapter.first:
            yield "<table>"
            # An empty field says nothing, and a table of events has thirty of them.
            filled_in = [(name, text) for name, value in row.items() if (text := _text(value))]
            yield from (
                f"<tr><th>{escape(name)}</th><td>{_cell(chapter, name, text)}</td></tr>" for name, text in filled_in
            )
            yield "</table>"
        if chapter.rows > len(chapter.first):
            yield f"<p>The file has {chapter.rows - len(chapter.first):,} more.</p>"


def _cell(chapter: Chapter, name: str, text: str) -> str:
    """A value; the name of a further file of the ZIP leads to it."""
    shown = escape(text)
    return f'<a href="{shown}">{shown}</a>' if chapter.files and name == FILE else shown


def _text(value: object) -> str:
    """A value as text; empty for none."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
