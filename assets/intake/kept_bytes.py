"""The bytes of what was refused, in R2: lines of an object, or an object as a whole.

`{prefix}{sha256 of the object}.ndjson.gz` holds one JSON object per refused line: line, reason, field, and the bytes as
base64, so that any bytes survive. `{prefix}{sha256}.whole` is a copy of an object of which no line could be read. What
does not belong here: which lines are open (refused_lines.py), and their way back (quarantine.py).
"""

import base64
import gzip
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from assets.intake.objects import Landed
from assets.intake.refusal import Refusal
from resources.r2 import ObjectNotFoundError, ObjectStore

# S3 copies objects of up to 5 GiB in one request.
LARGEST_COPY = 4 * 2**30


def keep(store: ObjectStore, prefix: str, sha256: str, refusals: Sequence[Refusal]) -> None:
    """Keep the bytes of an object's refused lines, if there are any. Doing it twice keeps the same."""
    refused_lines = [refusal for refusal in refusals if refusal.line]
    if not refused_lines:
        return
    lines = (
        msgspec.json.encode(
            {"line": r.line, "reason": r.reason, "field": r.field, "raw": base64.b64encode(r.raw).decode()}
        )
        for r in refused_lines
    )
    store.put(f"{prefix}{sha256}.ndjson.gz", gzip.compress(b"\n".join(lines), mtime=0))


def read(store: ObjectStore, prefix: str, sha256: str) -> dict[int, bytes]:
    """The original bytes of an object's refused lines, by line number."""
    content = gzip.decompress(store.get(f"{prefix}{sha256}.ndjson.gz"))
    entries: list[dict[str, Any]] = [msgspec.json.decode(line) for line in content.splitlines()]
    return {entry["line"]: base64.b64decode(entry["raw"]) for entry in entries}


def keep_whole(store: ObjectStore, prefix: str, landed: Landed) -> bool:
    """Copy a landed object, inside the store because it may be large.

    False, and nothing is kept, where another object or none is under its key now: it is not what was read.
    """
    # First to a place of its own: under the checksum may lie the copy of another object with the same bytes.
    staged = f"{prefix}copies/{landed.sha256}.whole"
    try:
        _copy(store, landed.key, staged, landed.size)
        is_the_same = (store.head(landed.key).etag or "") == landed.etag
    except ObjectNotFoundError:
        is_the_same = False
    if is_the_same:
        _copy(store, staged, f"{prefix}{landed.sha256}.whole", landed.size)
    store.delete(staged)
    return is_the_same


def read_whole(store: ObjectStore, prefix: str, sha256: str, object_key: str) -> Iterator[bytes]:
    """The bytes of an object that was refused as a whole, in chunks.

    From its landing place where there is no copy: before copies were kept, retention left it there.

    Raises:
        ObjectNotFoundError: it is in neither place.
    """
    copy = f"{prefix}{sha256}.whole"
    return store.stream(copy if store.exists(copy) else object_key)


def _copy(store: ObjectStore, source: str, target: str, size: int) -> None:
    if size > LARGEST_COPY:
        store.put(target, store.stream(source))
    else:
        store.copy(source, target)
