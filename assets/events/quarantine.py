"""The quarantine: the original bytes of refused lines in R2, their reasons in the ledger, and their way back.

`quarantine/events/{sha256 of the batch}.ndjson.gz` holds a JSON object a line: line, reason, field and the bytes, as
base64 so that any bytes survive. Replaying lands the lines anew as a batch of their own.
"""

import base64
import gzip
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from assets.events import landing
from assets.events.ledger import BatchOutcome
from resources.postgres import Postgres
from resources.r2 import ObjectStore
from resources.sql_files import read_sql

PREFIX = "quarantine/events/"


@dataclass(frozen=True)
class Replayed:
    """What a replay landed: the key of the new batch (None where there was nothing) and its lines."""

    object_key: str | None
    lines: int


def object_key(sha256: str) -> str:
    return f"{PREFIX}{sha256}.ndjson.gz"


def keep(store: ObjectStore, batch: BatchOutcome) -> None:
    """Keep the bytes of a batch's refused lines; doing it twice keeps the same."""
    if not batch.refusals:
        return
    lines = (
        msgspec.json.encode(
            {"line": r.line, "reason": r.reason, "field": r.field, "raw": base64.b64encode(r.raw).decode()}
        )
        for r in batch.refusals
    )
    store.put(object_key(batch.sha256), gzip.compress(b"\n".join(lines), mtime=0))


def read(store: ObjectStore, sha256: str) -> dict[int, bytes]:
    """The original bytes of a batch's refused lines, by line number."""
    content = gzip.decompress(store.get(object_key(sha256)))
    entries: list[dict[str, Any]] = [msgspec.json.decode(line) for line in content.splitlines()]
    return {e["line"]: base64.b64decode(e["raw"]) for e in entries}


def summary(postgres: Postgres) -> list[dict[str, Any]]:
    """Open refusals by reason and field: lines, batches and one batch's key as an example."""
    return postgres.fetch(read_sql("events/quarantine_summary.sql"))


def open_lines(postgres: Postgres, reason: str | None = None, batch: str | None = None) -> list[dict[str, Any]]:
    """Open refusals of one reason or one batch (its key, or the start of its checksum), or all."""
    return postgres.fetch(read_sql("events/quarantine_open.sql"), {"reason": reason, "batch": batch})


def replay(
    store: ObjectStore,
    postgres: Postgres,
    clock: Callable[[], datetime],
    reason: str | None = None,
    batch: str | None = None,
    mended: Sequence[bytes] | None = None,
) -> Replayed:
    """Land open lines again, as they are (their cause may be gone), or as `mended` in their stead.

    The batch lands first and the lines are marked after it. A kill between the two lands the same bytes again, which
    ingest knows by their checksum. Whole refused batches (line 0) have no lines: they stay open until mended.
    """
    lines = [row for row in open_lines(postgres, reason, batch) if row["line"] > 0 or mended is not None]
    if not lines:
        return Replayed(None, 0)
    if mended is None:
        kept = {sha256: read(store, sha256) for sha256 in {row["sha256"] for row in lines}}
        content = [kept[row["sha256"]][row["line"]] for row in lines]
    else:
        content = [line for line in mended if line.strip()]
    now = clock()
    source = _source(lines)
    key = f"{landing.hour_prefix(now)}replay-{source[:16]}.ndjson.gz"
    store.put(key, _pack(content, source))
    postgres.execute(
        read_sql("events/quarantine_replayed.sql"),
        {"at": now, "checksums": [row["sha256"] for row in lines], "lines": [row["line"] for row in lines]},
    )
    return Replayed(key, len(content))


def _source(lines: Sequence[dict[str, Any]]) -> str:
    return hashlib.sha256("\n".join(f"{row['sha256']}:{row['line']}" for row in lines).encode()).hexdigest()


def _pack(content: Sequence[bytes], source: str) -> bytes:
    # The source stands in gzip's file name: the same lines refused again and replayed again are another batch, while
    # one replay repeated is the same batch to the byte.
    buffer = io.BytesIO()
    with gzip.GzipFile(filename=source, mode="wb", fileobj=buffer, mtime=0) as packed:
        packed.write(b"\n".join(content) + b"\n")
    return buffer.getvalue()
