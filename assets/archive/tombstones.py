"""People who were erased: whose rows no restore brings back.

What belongs here: finding the rows of a frame that are theirs. What does not: erasing anything that is there.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from assets.apps.personal import Subject
from assets.archive.lines import Column
from assets.archive.sources import text_of
from resources.postgres import Connection
from resources.sql_files import read_sql


@dataclass(frozen=True)
class Tombstones:
    """Hashes of erased subjects by their kind."""

    hashes: Mapping[str, frozenset[bytes]]

    @classmethod
    def held(cls, connection: Connection, app: str) -> "Tombstones":
        """Those of an application; none can be added before the connection's transaction ends."""
        connection.execute("lock table archive.tombstones in share mode")
        found: dict[str, set[bytes]] = {}
        for row in connection.execute(read_sql("archive/tombstones.sql"), {"app": app}):
            found.setdefault(row["subject_kind"], set()).add(bytes(row["subject_hash"]))
        return cls({kind: frozenset(hashes) for kind, hashes in found.items()})

    def kept(self, frame: pl.DataFrame, columns: Sequence[Column], subjects: Sequence[Subject]) -> pl.DataFrame:
        """The rows that are nobody's who was erased; `subjects` are (kind, column) pairs, or
        (kind, column.field) where the column holds JSON.
        """
        by_name = {column.name: column for column in columns}
        for kind, place in subjects:
            hashes = self.hashes.get(kind)
            name, _, path = place.partition(".")
            if not hashes or name not in by_name:
                continue
            value = text_of(by_name[name])
            values = frame.select(value.str.json_path_match(f"$.{path}") if path else value).to_series()
            erased = [v for v in values.unique().drop_nulls() if subject_hash(kind, v) in hashes]
            frame = frame.filter(~values.is_in(erased).fill_null(value=False)) if erased else frame
        return frame


def subject_hash(kind: str, subject: str) -> bytes:
    """What a tombstone knows a subject by."""
    return hashlib.sha256(f"{kind}:{subject}".encode()).digest()
