"""Mergeable distinct counts: the k smallest 64-bit hashes of the distinct ids (a KMV or bottom-k sketch). Pure.

A count is exact below k distinct ids. Above, its relative standard error is 1/sqrt(k-2): 1.1 % for k = 8,192. Sketches
merge by union, cut to k, so that any range of windows can be counted from what its windows stored. The hash is
MurmurHash3, because it does not change over versions. What does not belong here: which ids are counted.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl

from assets.rollups.coded import Coded
from assets.rollups.murmur import Hashes, hash64

K = 8192
_DTYPE = np.dtype("<u8")


def sketch(ids: Iterable[str]) -> bytes:
    """The sketch of ids, which may repeat: at most K little-endian 64-bit hashes, ascending."""
    return _cut(hash64(pl.Series(list(ids), dtype=pl.String)))


def hashes(ids: Coded) -> pl.Series:
    """The hash of each id, as UInt64; each text is hashed once."""
    return pl.Series(ids.codes.name, hash64(ids.texts)[ids.codes.to_numpy()], pl.UInt64)


def of_hashes(hashes: pl.Series) -> bytes:
    """The sketch of hashes that `hashes` returned."""
    return _cut(hashes.to_numpy())


def merge(sketches: Iterable[bytes]) -> bytes:
    """The sketch of all ids of some sketches."""
    parts = [np.frombuffer(s, dtype=_DTYPE) for s in sketches]
    return _cut(np.concatenate(parts)) if parts else b""


def count(sketch: bytes) -> int:
    """The number of distinct ids of a sketch: exact below K, from there on an estimate."""
    hashes = np.frombuffer(sketch, dtype=_DTYPE)
    if len(hashes) < K:
        return len(hashes)
    return round((K - 1) / (float(hashes[-1]) / 2.0**64))


def is_exact(sketch: bytes) -> bool:
    """Whether the count of a sketch is exact."""
    return len(sketch) < K * _DTYPE.itemsize


def _cut(hashes: Hashes) -> bytes:
    # numpy's unique uses a hash table, which takes three times as long.
    ascending = np.sort(hashes)
    first = np.ones(len(ascending), dtype=np.bool_)
    first[1:] = ascending[1:] != ascending[:-1]
    return ascending[first][:K].astype(_DTYPE).tobytes()
