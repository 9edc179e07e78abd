"""The landing zone: where batches lie, and how the bytes of one become lines.

A landed object is known by its key and etag, a batch by the SHA-256 of its bytes. What a line says is not judged here.
"""

import codecs
import gzip
import io
import re
import zlib
from datetime import datetime, timedelta

PREFIX = "landing/events/"
LARGEST_OBJECT = 256 * 2**20
LARGEST_BATCH = 1024 * 2**20
# Batches that arrive late or under a lagging clock; three days of 5-minute batches are 864 keys, one page of a listing.
LISTING_OVERLAP = timedelta(days=3)

_HOUR = re.compile(r"^landing/events/(\d{4})/(\d{2})/(\d{2})/(\d{2})/")


class UnreadableBatchError(ValueError):
    """The bytes of a batch cannot be turned into lines; the message says why, without quoting them."""


def hour_prefix(at: datetime) -> str:
    """The prefix under which a batch that arrives at `at` (UTC) lies."""
    return f"{PREFIX}{at:%Y/%m/%d/%H}/"


def listing_start(last_run: datetime | None) -> str | None:
    """The key after which to list for new objects; None lists all.

    Keys sort by arrival hour, so listing costs what arrived since the last run, not the history.
    """
    if last_run is None:
        return None
    return hour_prefix(last_run - LISTING_OVERLAP).rstrip("/")


def is_batch(key: str) -> bool:
    """Whether a key is a landed batch, by its hour folder and its ending."""
    return bool(_HOUR.match(key)) and key.endswith((".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz", ".json"))


def lines(data: bytes) -> list[bytes]:
    """The lines of a batch, plain or gzip (told by its first bytes), without line ends and a byte order mark.

    Raises:
        UnreadableBatchError: damaged or cut gzip, or more than `LARGEST_BATCH` bytes when unpacked.
    """
    if data[:2] == b"\x1f\x8b":
        data = _gunzip(data)
    return data.removeprefix(codecs.BOM_UTF8).split(b"\n")


def _gunzip(data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked = packed.read(LARGEST_BATCH + 1)
    except EOFError as error:
        raise UnreadableBatchError("gzip cut short") from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableBatchError("damaged gzip") from error
    if len(unpacked) > LARGEST_BATCH:
        raise UnreadableBatchError(f"more than {LARGEST_BATCH >> 20} MiB when unpacked; land it in smaller parts")
    return unpacked
