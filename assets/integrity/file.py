"""The file of a D1: whether SQLite itself finds it whole, and what SQLite does for its indexes.

What does not belong here: the rows in it (rules.py). D1 allows the quick check alone; each drill makes the whole one
of the copy that it restored (assets/backups).
"""

from string import Template

from assets.apps import SearchIndex
from resources.d1 import D1
from resources.sql_files import read_sql


def damage(d1: D1) -> list[str]:
    """What SQLite finds wrong: places of the file, and no values."""
    found = [str(row["quick_check"]) for row in d1.query(read_sql("integrity/quick_check.sql"))]
    return [] if found == ["ok"] else found


def keep(d1: D1, merged: tuple[SearchIndex, ...]) -> None:
    """Count again what the planner goes by, where much changed; write the parts of some full-text indexes as one."""
    d1.query(read_sql("integrity/optimize.sql"))
    for index in merged:
        statement = Template(read_sql("integrity/merge_index.sql")).substitute(index=index.name)
        d1.execute(statement, idempotent=True)
