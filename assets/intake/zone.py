"""Landing zones: the keys of landed objects, and how the bytes of one become text, lines and blocks. Pure.

What belongs here: keys and bytes. What does not: the store (objects.py), and what a line says. The room of each kind of
object judges its lines.
"""

import codecs
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

PIECE_BYTES = 64 * 1024
GZIP = b"\x1f\x8b"

_LINE = re.compile(rb"[^\n]+")
_OPENING = re.compile(rb"\s*\[")
_HOUR = re.compile(r"\d{4}/\d{2}/\d{2}/\d{2}/")


class UnreadableBatchError(ValueError):
    """The bytes of an object cannot become lines. The message says why and quotes none of them."""


@dataclass(frozen=True)
class Zone:
    """One landing zone. Its objects lie under `{prefix}YYYY/MM/DD/HH/`, by the UTC hour in which they arrive.

    prefix: ends in a slash. endings: the endings of the keys that are read. overlap: how long before what was taken a
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

    def arrival(self, key: str) -> datetime | None:
        """The UTC hour under which an object lies; None where its folders name no hour."""
        try:
            return datetime.strptime(key[len(self.prefix) :][:13], "%Y/%m/%d/%H").replace(tzinfo=UTC)
        except ValueError:
            return None

    def listing_start(self, taken_until: datetime | None) -> str | None:
        """The key after which a listing finds new objects; None lists all.

        Keys sort by hour of arrival, so the cost of a listing depends on what is new and not on the history.
        """
        return None if taken_until is None else self.hour_prefix(taken_until - self.overlap).rstrip("/")

    def is_batch(self, key: str) -> bool:
        """Whether a key is one of this zone, by its hour folder and its ending."""
        in_hour = key.startswith(self.prefix) and _HOUR.match(key, len(self.prefix)) is not None
        return in_hour and key.endswith(self.endings)

    def text(self, data: bytes) -> bytes:
        """The text of an object, without a byte order mark. Gzip is known by its first bytes.

        What follows the gzip and is none itself is further lines: of garbage, they are refused like any others.

        Raises:
            UnreadableBatchError: the gzip is damaged or cut short, the text is longer than `largest_batch`, or it is
                one JSON array.
        """
        if data[:2] == GZIP:
            data = _gunzip(data, self.largest_batch)
        elif len(data) > self.largest_batch:
            raise _too_large(self.largest_batch)
        text = data.removeprefix(codecs.BOM_UTF8)
        if _is_array(text):
            raise UnreadableBatchError("a JSON array; land one object a line")
        return text


def blocks(text: bytes, size: int) -> Iterator[bytes]:
    """A text in blocks of whole lines with their line ends: at most `size` bytes, or one line that is longer."""
    start = 0
    while len(text) - start > size:
        end = text.rfind(b"\n", start, start + size) + 1 or text.find(b"\n", start) + 1 or len(text)
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def numbered(text: bytes, first: int = 1) -> Iterator[tuple[int, bytes]]:
    """The lines of a text that are not blank, with their numbers; `first` is the number of the first line.

    No object is made of a blank line, so that a thousand million of them take seconds.
    """
    for block in blocks(text, PIECE_BYTES):
        if not block.isspace():
            number, counted = first, 0
            for match in _LINE.finditer(block):
                number += block.count(b"\n", counted, match.start())
                counted = match.start()
                if not match[0].isspace():
                    yield number, match[0]
        first += block.count(b"\n")


def _is_array(text: bytes) -> bool:
    """Whether a text begins as one JSON array over its lines, or is one on a single line."""
    opening = _OPENING.match(text)
    if opening is None:
        return False
    start = opening.end() - 1
    end = text.find(b"\n", start)
    first, rest = (text[start:], b"") if end < 0 else (text[start:end], text[end:])
    if first.strip() == b"[":
        return True
    whole = text.rstrip().endswith(b"]")
    return whole and (not rest or rest.isspace() or not _is_json(first))


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _gunzip(data: bytes, largest: int) -> bytes:
    """Unpack gzip members, one after another. Zeros may follow each of them, and lines that are not packed the last."""
    unpacked: list[bytes] = []
    room = largest + 1
    member = None
    start, size = 0, len(data)
    while start < len(data):
        if member is None and not _begins_gzip(data[start : start + 2]):
            unpacked += [b"" if unpacked[-1].endswith(b"\n") else b"\n", data[start:]]
            room -= len(data) - start + 1
            if room <= 0:
                raise _too_large(largest)
            break
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


def _begins_gzip(data: bytes) -> bool:
    """Whether bytes begin a gzip member, also where they are cut after the first byte."""
    return GZIP.startswith(data)


def _too_large(largest: int) -> UnreadableBatchError:
    return UnreadableBatchError(f"more than {largest >> 20} MiB when unpacked; land it in smaller parts")
