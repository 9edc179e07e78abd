"""Which data files may hold an event of a batch already, by kept hashes of the ids in each.

A batch falls on many partitions and, but for what was sent twice, on no stored event. So a file is read only where one
of its ids has the hash of a new one, or where its hashes are not known yet, because each file costs requests of a far
store. What does not belong here: what is a double (doubles.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from resources.chunks import chunked_by_size
from resources.lake import DataFile, Hashes, KeptHashes, LakeTable, PartitionKey, Source, hash_mark, raw

_DAY = pl.col("timestamp").dt.date().alias("day")
_ID = "event_id"
# Ids of files that are read at once: 36 bytes each, and 8 for the hash.
_ROWS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class StoredIds:
    """The ids of one table's files."""

    events: LakeTable
    kept: KeptHashes

    @classmethod
    def of(cls, events: LakeTable, file: Path, clock: Callable[[], datetime]) -> Self:
        """The ids of a table, with hashes in a file of this machine."""
        return cls(events, KeptHashes(file, hash_mark(_ID), lambda: clock().date()))

    def may_hold(self, batch: pl.DataFrame, sources: Sequence[Source]) -> list[Source]:
        """Those of `sources` that may hold an event of `batch`, in their order.

        Raises:
            DamagedFilesError: a file whose ids are not known cannot be read.
        """
        new = _by_partition(batch)
        files = {raw(source).file_path: source for source in sources}
        found = {path: _has(ids, new, files[path]) for path, ids in self.kept.of(files)}
        unknown = [raw(source) for path, source in files.items() if path not in found]
        for some in chunked_by_size(unknown, lambda file: file.record_count, most_size=_ROWS_AT_ONCE):
            hashes = dict(self._read(some))
            self.kept.keep(hashes)
            found |= {path: _has(ids, new, files[path]) for path, ids in hashes.items()}
        return [source for path, source in files.items() if found[path]]

    def add(self, written: Iterable[tuple[DataFile, pl.DataFrame]]) -> None:
        """Know the ids of files that were just written, by their rows."""
        self.kept.keep({file.file_path: _sorted(rows) for file, rows in written})

    def _read(self, files: Sequence[DataFile]) -> Iterator[tuple[str, Hashes]]:
        """The hashes of files with all their rows."""
        with self.events.named(files):
            ids = self.events.read(files).select(_ID).collect(engine="streaming")
        start = 0
        for file in files:
            yield file.file_path, _sorted(ids.slice(start, file.record_count))
            start += file.record_count


def _sorted(rows: pl.DataFrame) -> Hashes:
    return np.sort(rows[_ID].hash().to_numpy())


def _by_partition(batch: pl.DataFrame) -> Mapping[PartitionKey, Hashes]:
    parts = batch.group_by("org_tag", _DAY).agg(pl.col(_ID).hash())
    keys = map(PartitionKey, parts["org_tag"], parts["day"])
    return {key: ids.to_numpy() for key, ids in zip(keys, parts[_ID], strict=True)}


def _has(ids: Hashes, new: Mapping[PartitionKey, Hashes], source: Source) -> bool:
    """Whether one of the new ids of a file's partition, or of any where it has none, is among the file's sorted ids."""
    if ids.size == 0:
        return False
    partition = PartitionKey.of(source) if isinstance(source, DataFile) else source.partition
    for asked in new.values() if partition is None else [new[partition]]:
        at = np.searchsorted(ids, asked)
        if (ids[np.minimum(at, ids.size - 1)] == asked).any():
            return True
    return False
