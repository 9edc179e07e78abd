"""The table of an app's D1 into which the application puts requests to be erased.

What belongs here: making it. What does not: taking requests over (erasure).
"""

from resources.d1 import D1, Statement
from resources.migrations.d1 import split
from resources.sql_files import read_sql

TABLE = "erasure_requests"


def install(d1: D1) -> list[str]:
    """Make the table where it is missing; its name if it was."""
    if d1.query("select 1 as one from sqlite_master where type = 'table' and name = ?", [TABLE]):
        return []
    d1.batch([Statement(text) for text in split(read_sql("erasure/d1/requests.sql"))], idempotent=True)
    return [TABLE]
