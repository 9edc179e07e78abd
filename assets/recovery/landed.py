"""The events of one organisation and day as the ledger's batches hold them, read from the landing zone once more.

The lines are judged again, and the ledger says which were refused: so what was stored comes out, in the order in which
it was taken. What does not belong here: whether that is all that is missing (rebuild.py).
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from assets.apps import App
from assets.events import landing
from assets.events.record import NAMES
from assets.events.validation import Admission, sift
from assets.intake import objects
from assets.intake.zone import numbered
from assets.windows import day_window
from resources.lake import PartitionKey
from resources.postgres import Postgres
from resources.r2 import ObjectNotFoundError, ObjectStore
from resources.sql_files import read_sql

CHUNK_LINES = 20_000
_EVER = (datetime(1, 1, 2, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class LandedEvents:
    """Events without doubles, in the record's columns, and the keys of batches that are gone from the landing zone."""

    events: pl.DataFrame
    gone: tuple[str, ...]


def landed(app: App, store: ObjectStore, postgres: Postgres, key: PartitionKey) -> LandedEvents:
    """What landed of a partition. Memory: one batch, and the events."""
    day = day_window(key.day)
    names = {"app": app.name, "start": day.start, "end": day.end}
    batches = postgres.fetch(read_sql("recovery/batches_of_day.sql"), names)
    refused = defaultdict[str, set[int]](set)
    checksums = [batch["sha256"] for batch in batches]
    for row in postgres.fetch(read_sql("recovery/refused_lines.sql"), {"app": app.name, "checksums": checksums}):
        refused[row["sha256"]].add(row["line"])
    frames = [sift(b"", _admission(key)).frame()]
    gone = []
    for batch in batches:
        text = _text(app, store, batch["object_key"], batch["sha256"])
        if text is None:
            gone.append(batch["object_key"])
        else:
            frames += _events(text, refused[batch["sha256"]], key)
    inside = pl.col("timestamp").is_between(day.start, day.end, closed="left")
    events = pl.concat(frames).filter(inside).unique("event_id", keep="first", maintain_order=True)
    return LandedEvents(events.select(NAMES), tuple(gone))


def _text(app: App, store: ObjectStore, object_key: str, sha256: str) -> bytes | None:
    try:
        found = objects.read(store, landing.zone(app), store.head(object_key))
    except ObjectNotFoundError:
        return None
    return found.text if found.sha256 == sha256 else None


def _events(text: bytes, refused: set[int], key: PartitionKey) -> Iterator[pl.DataFrame]:
    """The events of the partition's organisation. Only lines that may name it are decoded."""
    tag = key.tenant.encode()
    lines = []
    for number, line in numbered(text):
        if number not in refused and (tag in line or b"\\u" in line):
            lines.append(line)
        if len(lines) == CHUNK_LINES:
            yield sift(b"\n".join(lines), _admission(key)).frame()
            lines = []
    if lines:
        yield sift(b"\n".join(lines), _admission(key)).frame()


def _admission(key: PartitionKey) -> Admission:
    """What was admitted is not judged once more: an organisation may have become inactive since."""
    earliest, latest = _EVER
    return Admission({key.tenant: True}, earliest, latest)
