"""Where flushed points lie in R2, and how the bytes of one object become lines. Pure.

An object is known by its key and etag, its content by the SHA-256 of its bytes.
"""

import gzip
import io
import re
import zlib
from datetime import datetime, timedelta

PREFIX = "sesh/points/"
LARGEST_OBJECT = 4 * 2**20
# What arrives under an hour that was listed already: flushes held up, clocks that lag. A daily sweep finds more.
LISTING_OVERLAP = timedelta(hours=6)

_HOUR = re.compile(r"^sesh/points/\d{4}/\d{2}/\d{2}/\d{2}/")


class UnreadableObjectError(ValueError):
    """The bytes cannot be turned into lines; the message says why, without quoting them."""


def hour_prefix(at: datetime) -> str:
    """The prefix under which an object that is flushed at `at` (UTC) lies."""
    return f"{PREFIX}{at:%Y/%m/%d/%H}/"


def listing_start(last_run: datetime | None) -> str | None:
    """The key after which to list for new objects; None lists all."""
    return None if last_run is None else hour_prefix(last_run - LISTING_OVERLAP).rstrip("/")


def is_flush(key: str) -> bool:
    """Whether a key is an object of points, by its hour folder and its ending."""
    return bool(_HOUR.match(key)) and key.endswith((".ndjson", ".ndjson.gz"))


def lines(data: bytes) -> list[bytes]:
    """The lines of an object, plain or gzip (told by its first bytes), without line ends.

    Raises:
        UnreadableObjectError: damaged or cut gzip, or more than `LARGEST_OBJECT` bytes when unpacked.
    """
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = packed.read(LARGEST_OBJECT + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableObjectError("damaged gzip") from error
    if len(data) > LARGEST_OBJECT:
        raise UnreadableObjectError(f"more than {LARGEST_OBJECT >> 20} MiB")
    return data.split(b"\n")
