"""Columns that replace fields of JSON: filling them in rows that are older than the column.

The migration that adds a column also adds triggers, which copy the field as long as the application writes it. Here are
the older rows: page by page in the order of the key, each page with the job's place in one transaction. Only a column
that is null is filled, so that a value of the application stays.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

from assets import job_places
from assets.apps import App, Extraction
from assets.progress import Progress, silent
from assets.rooms import Rooms
from resources.d1 import D1, Statement
from resources.d1.pace import Pace
from resources.sql_files import read_sql

PAGE = 1_000
DONE = "done"


@dataclass(frozen=True)
class Filled:
    """How many rows a run looked at, and how many it filled."""

    seen: int
    filled: int


def job(extraction: Extraction) -> str:
    """The name under which the place is recorded."""
    return f"column.{extraction.table}.{extraction.column}"


def fill(d1: D1, extraction: Extraction, pace: Pace, *, page: int = PAGE, progress: Progress = silent) -> Filled:
    """Fill a column from where the last run stopped; does nothing once every row was looked at."""
    seen = filled = 0
    place = job_places.job_place(d1, job(extraction))
    (counted,) = d1.query(f"select count(*) as n from {extraction.table}")
    while place != DONE:
        after = json.loads(place) if place else None
        upper = _end(d1, extraction, after, page)
        if upper is None:
            d1.batch([job_places.moved(job(extraction), DONE)], idempotent=True)
            break
        place = json.dumps(upper, ensure_ascii=False)
        batch = _statements(extraction, after, upper, place)
        looked_at, empty, *_ = pace.step(lambda batch=batch: d1.batch(batch, idempotent=True))  # type: ignore[misc]
        seen += looked_at.rows[0]["n"]
        filled += empty.rows[0]["n"]
        progress(seen, max(seen, counted["n"]))
    return Filled(seen, filled)


def of(rooms: Rooms, app: App, extraction: Extraction) -> Filled:
    """Fill a column of an app's D1."""
    return fill(rooms.d1(app), extraction, Pace(), progress=rooms.progress("rows looked at"))


def unfilled(d1: D1, extraction: Extraction) -> int:
    """How many rows have a null although the JSON has a value."""
    (row,) = d1.query(_statement("unfilled", extraction))
    return int(row["n"])


def _end(d1: D1, extraction: Extraction, after: str | None, page: int) -> str | None:
    (row,) = d1.query(_statement("page_end", extraction), [after, page])
    upper: str | None = row["upper"]
    return upper


def _statements(extraction: Extraction, after: str | None, upper: str, place: str) -> Sequence[Statement]:
    names = ("page_rows", "page_empty", "page_fill")
    statements = [Statement(_statement(name, extraction), [after, upper]) for name in names]
    return [*statements, job_places.moved(job(extraction), place)]


def _statement(name: str, extraction: Extraction) -> str:
    return Template(read_sql(f"columns/{name}.sql")).substitute(
        table=extraction.table,
        key=extraction.key,
        column=extraction.column,
        source=extraction.source,
        path=extraction.path,
    )
