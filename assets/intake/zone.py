"""Landing zones: the keys of landed objects, and how the bytes of one become text, lines and blocks. Pure.

What belongs here: keys and bytes. What does not: the store (objects.py), and what a line says. The room of each kind of
object judges its lines.
"""

import codecs
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

PIECE_BYTES = 64 * 1024

_HOUR = re.compile(r"\d{4}/\d{2}/\d{2}/\d{2}/")


class UnreadableBatchError(ValueError):
    """The bytes of an object cannot become lines. The message says why and quotes none of them."""


@dataclass(frozen=True)
class Zone:
    """One landing zone. Its objects lie under `{prefix}YYYY/MM/DD/HH/`, by the UTC hour in which they arrive.

    prefix: ends in a slash. endings: the endings of the keys that are read. overlap: how long before the last run a
    listing starts, because writers are late and clocks differ. largest_object: bytes of an object as it is stored.
    largest_batch: bytes of its text. A larger one is refused as a whole.
    """

    prefix: str
    endings: tuple[str, ...]
    overlap: timedelta
    largest_object: int
    largest_batch: int

    def hour_prefix(self, at: datetime) -> str:
        """The prefix of objects that arrive at `at` (UTC)."""
        return f"{self.prefix}{at:%Y/%m/%d/%H}/"

    def listing_start(self, last_run: datetime | None) -> str | None:
        """The key after which a listing finds new objects; None lists all.

        Keys sort by hour of arrival, so the cost of a listing depends on what is new and not on the history.
        """
        return None if last_run is None else self.hour_prefix(last_run - self.overlap).rstrip("/")

    def is_batch(self, key: str) -> bool:
        """Whether a key is one of this zone, by its hour folder and its ending."""
        in_hour = key.startswith(self.prefix) and _HOUR.match(key, len(self.prefix)) is not None
        return in_hour and key.endswith(self.endings)

    def text(self, data: bytes) -> bytes:
        """The text of an object, without a byte order mark. Gzip is known by its first bytes.

        Raises:
            UnreadableBatchError: the gzip is damaged or cut short, or the text is longer than `largest_batch`.
        """
        if data[:2] == b"\x1f\x8b":
            data = _gunzip(data, self.largest_batch)
        elif len(data) > self.largest_batch:
            raise _too_large(self.largest_batch)
        return data.removeprefix(codecs.BOM_UTF8)

    def lines(self, data: bytes) -> list[bytes]:
        """The lines of an object without line ends; raises as `text` does."""
        return self.text(data).split(b"\n")


def blocks(text: bytes, size: int) -> Iterator[bytes]:
    """A text in blocks of whole lines with their line ends: at most `size` bytes, or one line that is longer."""
    start = 0
    while len(text) - start > size:
        end = text.rfind(b"\n", start, start + size) + 1 or text.find(b"\n", start) + 1 or len(text)
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _gunzip(data: bytes, largest: int) -> bytes:
    """Unpack gzip members, one after another. Any number of zeros may follow each of them."""
    unpacked = []
    room = largest + 1
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
            raise _too_large(largest)
        start = min(start + size, len(data)) - len(member.unused_data)
        if member.eof:
            while data[start : start + 1] == b"\0":
                start += 1
            # Most objects are one member. Where there are many, the end of each copies the rest of its input, so that
            # the input has to be small.
            member, size = None, PIECE_BYTES
    if member:
        raise UnreadableBatchError("gzip cut short")
    return b"".join(unpacked)


def _too_large(largest: int) -> UnreadableBatchError:
    return UnreadableBatchError(f"more than {largest >> 20} MiB when unpacked; land it in smaller parts")
