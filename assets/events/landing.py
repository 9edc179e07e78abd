"""The landing zone: where batches lie, and how the bytes of one become text, its lines, blocks of lines.

A landed object is known by its key and etag, a batch by the SHA-256 of its bytes. What a line says is not judged here.
"""

import codecs
import re
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta

PREFIX = "landing/events/"
LARGEST_OBJECT = 256 * 2**20
LARGEST_BATCH = 1024 * 2**20
PIECE_BYTES = 64 * 1024
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


def text(data: bytes) -> bytes:
    """What a batch says, plain or gzip (told by its first bytes), without a byte order mark.

    Raises:
        UnreadableBatchError: damaged or cut gzip, or more than `LARGEST_BATCH` bytes when unpacked.
    """
    if data[:2] == b"\x1f\x8b":
        data = _gunzip(data)
    return data.removeprefix(codecs.BOM_UTF8)


def lines(data: bytes) -> list[bytes]:
    """The lines of a batch, without line ends; raises as `text` does."""
    return text(data).split(b"\n")


def blocks(content: bytes, size: int) -> Iterator[bytes]:
    """A text in blocks of whole lines, with their line ends: at most `size` bytes, or one line that is longer."""
    start = 0
    while len(content) - start > size:
        end = content.rfind(b"\n", start, start + size) + 1 or content.find(b"\n", start) + 1 or len(content)
        yield content[start:end]
        start = end
    if start < len(content):
        yield content[start:]


def _gunzip(data: bytes) -> bytes:
    """Unpack gzip members one after another, each with any number of zeros behind it."""
    unpacked = []
    room = LARGEST_BATCH + 1
    member = None
    start, size = 0, len(data)
    while start < len(data):
        member = member or zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            unpacked.append(member.decompress(data[start : start + size], room))
        except zlib.error as error:
            raise UnreadableBatchError("damaged gzip") from error
        room -= len(unpacked[-1])
        if not room:
            raise UnreadableBatchError(f"more than {LARGEST_BATCH >> 20} MiB when unpacked; land it in smaller parts")
        start = min(start + size, len(data)) - len(member.unused_data)
        if member.eof:
            while data[start : start + 1] == b"\0":
                start += 1
            # Most batches are one member; of many, the end of each copies what was given of the rest.
            member, size = None, PIECE_BYTES
    if member:
        raise UnreadableBatchError("gzip cut short")
    return b"".join(unpacked)
