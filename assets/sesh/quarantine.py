"""Refused lines of points: their bytes in R2, their reasons in D1, and their way back.

`quarantine/points/{sha256 of the object}.ndjson.gz` holds a JSON object a line: line, reason, field and the bytes as
base64. Replaying lands the lines anew as an object of their own.
"""

import base64
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec

from assets.sesh import point_objects
from assets.sesh.point import Refusal
from resources.d1 import D1
from resources.d1.times import stamp
from resources.r2 import ObjectStore
from resources.sql_files import read_sql

PREFIX = "quarantine/points/"
REPLAYED_BYTES = point_objects.LARGEST_OBJECT // 2


def keep(store: ObjectStore, sha256: str, refusals: Sequence[Refusal]) -> None:
    """Keep the bytes of an object's refused lines; doing it twice keeps the same."""
    if refusals:
        entries = (
            {"line": r.line, "reason": r.reason, "field": r.field, "raw": base64.b64encode(r.raw).decode()}
            for r in refusals
        )
        content = b"\n".join(msgspec.json.encode(entry) for entry in entries)
        store.put(f"{PREFIX}{sha256}.ndjson.gz", gzip.compress(content, mtime=0))


def read(store: ObjectStore, sha256: str) -> dict[int, bytes]:
    """The original bytes of an object's refused lines, by line number."""
    content = gzip.decompress(store.get(f"{PREFIX}{sha256}.ndjson.gz"))
    entries: list[dict[str, Any]] = [msgspec.json.decode(line) for line in content.splitlines()]
    return {entry["line"]: base64.b64decode(entry["raw"]) for entry in entries}


def summary(d1: D1) -> list[dict[str, Any]]:
    """Open refusals by reason and field, with one object's key as an example."""
    return d1.query(read_sql("sesh/points/quarantine_summary.sql"))


def replay(store: ObjectStore, d1: D1, clock: Callable[[], datetime], reason: str | None = None) -> int:
    """Land open lines again, of one reason or all, as their cause may be gone; how many.

    An object lands first and its lines are marked after it: a kill between the two lands the same bytes again, which
    the ingest knows by their checksum. Whole refused objects (line 0) have no lines and stay open.
    """
    lines = d1.query(read_sql("sesh/points/quarantine_open.sql"), [reason])
    for portion in _portions(store, lines):
        _land(store, d1, clock(), portion)
    return len(lines)


_Line = tuple[str, int, bytes]


def _portions(store: ObjectStore, lines: Sequence[dict[str, Any]]) -> Iterator[list[_Line]]:
    """Open lines with their bytes, as many at once as an object may hold."""
    portion: list[_Line] = []
    size = 0
    for sha256, of_object in groupby(lines, key=lambda row: str(row["sha256"])):
        kept = read(store, sha256)
        for number in (row["line"] for row in of_object):
            if portion and size + len(kept[number]) > REPLAYED_BYTES:
                yield portion
                portion, size = [], 0
            portion.append((sha256, number, kept[number]))
            size += len(kept[number]) + 1
    if portion:
        yield portion


def _land(store: ObjectStore, d1: D1, now: datetime, portion: Sequence[_Line]) -> None:
    names = [[sha256, number] for sha256, number, _ in portion]
    source = hashlib.sha256(json.dumps(names).encode()).hexdigest()
    content = _pack([raw for *_, raw in portion], source)
    store.put(f"{point_objects.hour_prefix(now)}replay-{source[:16]}.ndjson.gz", content)
    d1.execute(read_sql("sesh/points/quarantine_replayed.sql"), [stamp(now), json.dumps(names)], idempotent=True)


def _pack(content: Sequence[bytes], source: str) -> bytes:
    # The source stands in gzip's file name: the same lines replayed from another refusal are another object.
    buffer = io.BytesIO()
    with gzip.GzipFile(filename=source, mode="wb", fileobj=buffer, mtime=0) as packed:
        packed.write(b"\n".join(content) + b"\n")
    return buffer.getvalue()
