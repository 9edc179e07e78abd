"""The boundary before which hourly metrics are kept as they are, because their details may be gone."""

from assets.job_places import job_place
from resources.d1 import D1

JOB = "metrics.kept"
# The boundary as an expression in a statement; an empty text if nothing is kept.
KEPT_BEFORE = f"coalesce((select place from job_places where job = '{JOB}'), '')"


def kept_before(d1: D1) -> str | None:
    """The start of the first hour whose metrics may still change; None if no metrics are kept."""
    return job_place(d1, JOB)
