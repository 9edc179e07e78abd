"""Fields that moved out of JSON: filling their columns in rows that were there before the column was.

The migration that adds a column also adds triggers, which follow an application that still writes the JSON. Here are
the rows before it: a page at a time by key, page and place in one transaction. Only what is null is filled, so that a
value which the application wrote stays.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

from assets.progress import Progress, silent
from assets.sesh import places
from resources.d1 import D1, Statement
from resources.d1.pace import Pace
from resources.sql_files import read_sql

PAGE = 1_000
DONE = "done"


@dataclass(frozen=True)
class Extraction:
    """A column, and where in the JSON of another its value was. `key` is the table's, one column."""

    table: str
    key: str
    column: str
    source: str
    path: str

    @property
    def job(self) -> str:
        """The name that its place is kept under."""
        return f"column.{self.table}.{self.column}"


EXTRACTIONS = (Extraction("products", "id", "unit", "attributes", "$.unit"),)


@dataclass(frozen=True)
class Filled:
    """Rows that a run looked at and filled."""

    seen: int
    filled: int


def fill(d1: D1, extraction: Extraction, pace: Pace, *, page: int = PAGE, progress: Progress = silent) -> Filled:
    """Fill a column from where the last run stopped; once it is done, there is nothing to do."""
    seen = filled = 0
    at = places.place(d1, extraction.job)
    (counted,) = d1.query(f"select count(*) as n from {extraction.table}")
    while at != DONE:
        after = json.loads(at) if at else None
        upper = _end(d1, extraction, after, page)
        if upper is None:
            d1.batch([places.placed(extraction.job, DONE)], idempotent=True)
            break
        at = json.dumps(upper, ensure_ascii=False)
        batch = _statements(extraction, after, upper, at)
        looked_at, empty, *_ = pace.step(lambda batch=batch: d1.batch(batch, idempotent=True))  # type: ignore[misc]
        seen += looked_at.rows[0]["n"]
        filled += empty.rows[0]["n"]
        progress(seen, max(seen, counted["n"]))
    return Filled(seen, filled)


def unfilled(d1: D1, extraction: Extraction) -> int:
    """Rows whose column is null although the JSON has a value."""
    (row,) = d1.query(_of(extraction, "sesh/columns/unfilled.sql"))
    return int(row["n"])


def _end(d1: D1, extraction: Extraction, after: str | None, page: int) -> str | None:
    rows = d1.query(_of(extraction, "sesh/columns/page_end.sql"), [after, page])
    found: str | None = rows[0]["upper"]
    return found


def _statements(extraction: Extraction, after: str | None, upper: str, place: str) -> Sequence[Statement]:
    files = ("page_rows", "page_empty", "page_fill")
    statements = [Statement(_of(extraction, f"sesh/columns/{name}.sql"), [after, upper]) for name in files]
    return [*statements, places.placed(extraction.job, place)]


def _of(extraction: Extraction, path: str) -> str:
    return Template(read_sql(path)).substitute(
        table=extraction.table,
        key=extraction.key,
        column=extraction.column,
        source=extraction.source,
        path=extraction.path,
    )
