"""Full-text indexes of a D1: each is compared with its table, and made again where the two differ."""

from dataclasses import dataclass
from string import Template

from assets.apps import SearchIndex
from resources.d1 import D1, D1Error
from resources.sql_files import read_sql

# What SQLite says of an index that differs from its table, in words and by its code.
DIFFERS = ("malformed", "SQLITE_CORRUPT")


@dataclass(frozen=True)
class Compared:
    """The indexes that agreed with their tables, and those that did not and were made again."""

    agreed: tuple[str, ...]
    made_again: tuple[str, ...]


def compare(d1: D1, indexes: tuple[SearchIndex, ...]) -> Compared:
    """Compare each index, word by word, with its table; make those again that differ.

    Raises:
        D1Error: an index is not there, or still differs after it was made again.
    """
    differing = tuple(index.name for index in indexes if not _agrees(d1, index))
    for name in differing:
        d1.execute(_statement("make_index_again", name), idempotent=True)
        d1.execute(_statement("compare_index", name), idempotent=True)
    return Compared(tuple(index.name for index in indexes if index.name not in differing), differing)


def _agrees(d1: D1, index: SearchIndex) -> bool:
    try:
        d1.execute(_statement("compare_index", index.name), idempotent=True)
    except D1Error as error:
        if not any(words in error.message for words in DIFFERS):
            raise
        return False
    return True


def _statement(name: str, index: str) -> str:
    return Template(read_sql(f"integrity/{name}.sql")).substitute(index=index)
