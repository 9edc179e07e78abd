"""People who were erased, whose rows no restore brings back.

What belongs here: finding their rows in a frame. What does not: erasing what is live.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from assets.apps.personal import Subject
from assets.rows.columns import RowColumn, text_of
from resources.postgres import Connection
from resources.sql_files import read_sql


@dataclass(frozen=True)
class Tombstones:
    """Hashes of erased subjects by their kind."""

    hashes: Mapping[str, frozenset[bytes]]

    @classmethod
    def locked(cls, connection: Connection, app: str) -> "Tombstones":
        """Those of an app. None can be added before the connection's transaction ends."""
        connection.execute("lock table archive.tombstones in share mode")
        hashes: dict[str, set[bytes]] = {}
        for row in connection.execute(read_sql("privacy/tombstones.sql"), {"app": app}):
            hashes.setdefault(row["subject_kind"], set()).add(bytes(row["subject_hash"]))
        return cls({kind: frozenset(of_kind) for kind, of_kind in hashes.items()})

    @staticmethod
    def together(several: "Iterable[Tombstones]") -> "Tombstones":
        """Those of several apps, for a store that holds data of all of them."""
        hashes: dict[str, frozenset[bytes]] = {}
        for one in several:
            for kind, of_kind in one.hashes.items():
                hashes[kind] = hashes.get(kind, frozenset()) | of_kind
        return Tombstones(hashes)

    def kept(self, frame: pl.DataFrame, columns: Sequence[RowColumn], subjects: Sequence[Subject]) -> pl.DataFrame:
        """The rows without those of people who were erased. `subjects` are (kind, column) pairs, or
        (kind, column.field) where the column holds JSON.
        """
        by_name = {column.name: column for column in columns}
        for kind, path in subjects:
            hashes = self.hashes.get(kind)
            name, _, field = path.partition(".")
            if not hashes or name not in by_name:
                continue
            value = text_of(by_name[name])
            values = frame.select(value.str.json_path_match(f"$.{field}") if field else value).to_series()
            erased = [v for v in values.unique().drop_nulls() if subject_hash(kind, v) in hashes]
            frame = frame.filter(~values.is_in(erased).fill_null(value=False)) if erased else frame
        return frame


def subject_hash(kind: str, subject: str) -> bytes:
    """The hash by which a tombstone knows a subject."""
    return hashlib.sha256(f"{kind}:{subject}".encode()).digest()
