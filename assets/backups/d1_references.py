"""The foreign keys of a table of SQLite, by its own word.

What does not belong here: what is done by them (d1_people.py, d1_obstacles.py).
"""

from collections.abc import Iterator, Mapping
from itertools import groupby

from resources.d1.pages import Query
from resources.d1.schema import TableShape

_REFERENCES = (
    'select id, "table" as parent, "from" as child_column, "to" as parent_column, on_delete '
    "from pragma_foreign_key_list(?) order by id, seq"
)


def references(
    query: Query, tables: Mapping[str, TableShape], name: str
) -> Iterator[tuple[str, list[tuple[str, str]], str]]:
    """The parent of each foreign key, its pairs of columns (here, there), and what its ON DELETE says."""
    for _, rows in groupby(query(_REFERENCES, [name]), key=lambda row: row["id"]):
        columns = list(rows)
        # A reference may write the name in other letters.
        parent = next(table for table in tables if table.lower() == columns[0]["parent"].lower())
        pairs = [
            (row["child_column"], row["parent_column"] or tables[parent].key[number])
            for number, row in enumerate(columns)
        ]
        yield parent, pairs, columns[0]["on_delete"]
