"""The search through an app's D1: all rows as text, the words of full-text indexes, and the file where it is ours.

What belongs here: reading a D1 whole. What does not: rows by their meaning (rows/).
"""

from assets.search.files import search_file
from assets.search.look import Look
from resources.d1 import D1, EmbeddedD1
from resources.d1.names import column_list, quoted
from resources.d1.pages import table_pages
from resources.d1.schema import OBJECTS, Schema

PLACE = "d1"


def search_d1(look: Look) -> None:
    """Every table of the app's D1."""
    d1 = look.rooms.d1(look.app)
    schema = Schema.of(d1.query(OBJECTS))
    for name, shape in sorted(schema.tables.items()):
        with look.text(PLACE, name, kept=look.kept("d1", name)) as feed:
            for lines in table_pages(d1.query, shape):
                feed(b"\n".join(lines) + b"\n")
    for name in sorted(schema.shadows):
        _search_words(look, d1, name)
    if isinstance(d1, EmbeddedD1):
        search_file(look, PLACE, d1.path)


def _search_words(look: Look, d1: D1, name: str) -> None:
    """A table in which a full-text index keeps its words, which lie one behind the other."""
    columns = d1.query(f"pragma table_info({quoted(name)})")
    key = [row["name"] for row in sorted(columns, key=lambda row: int(row["pk"])) if row["pk"]]
    source = f"select {column_list([row['name'] for row in columns])} from {quoted(name)}"
    with look.text(PLACE, name, exact=False) as feed:
        for rows in d1.stream(source, key):
            feed(b"".join(_bytes(value) + b"\0" for row in rows for value in row.values()))


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape")
