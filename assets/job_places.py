"""The places of jobs: how far each has got in an app's D1, so that its next run continues there.

What belongs here: reading and writing such a place (table `job_places`). It lies in the database that the job works on,
so that a restore brings both back to the same time. What does not: what a place means to its job.
"""

from resources.d1 import D1, Statement
from resources.sql_files import read_sql


def job_place(d1: D1, job: str) -> str | None:
    """Where a job stopped; None if it has never run."""
    rows = d1.query("select place from job_places where job = ?", [job])
    return str(rows[0]["place"]) if rows else None


def moved(job: str, place: str) -> Statement:
    """The statement that records a job's place."""
    return Statement(read_sql("job_places/move.sql"), [job, place])
