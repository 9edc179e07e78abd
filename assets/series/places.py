"""How far a job got, in D1 beside what it works on: a place goes back together with the rows when they are restored."""

from resources.d1 import D1, Statement
from resources.sql_files import read_sql

KEPT = "metrics.kept"
# The same within a statement.
KEPT_BEFORE = f"coalesce((select place from job_places where job = '{KEPT}'), '')"


def place(d1: D1, job: str) -> str | None:
    """Where a job stopped, None where it never ran."""
    rows = d1.query("select place from job_places where job = ?", [job])
    return str(rows[0]["place"]) if rows else None


def kept_before(d1: D1) -> str | None:
    """Hours before this time keep the metrics that they have, whatever becomes of their sessions and points."""
    return place(d1, KEPT)


def placed(job: str, at: str) -> Statement:
    """What writes a job's place down."""
    return Statement(read_sql("series/place.sql"), [job, at])
