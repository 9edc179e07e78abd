"""How much the platforms give in one answer, so that a test can meet a limit without a large world.

What does not belong here: the pages of lists, whose size a request names.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """google_page_rows: of a page. meta_rows, meta_job_rows: of insights at once and of a job. tiktok_entities: of a
    report, which ends after them without a word. microsoft_rows: of a report."""

    google_page_rows: int = 10_000
    meta_rows: int = 1_000_000
    meta_job_rows: int = 10_000_000
    tiktok_entities: int = 20_000
    microsoft_rows: int = 10_000_000
