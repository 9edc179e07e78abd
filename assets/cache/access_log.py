"""The access log that an application writes: which of its keys were read how often. Pure.

Objects of NDJSON, plain or gzip, lie under `access/{app}/YYYY/MM/DD/HH/` by the UTC hour they are written in, each
written once under a name of its own. A line counts the reads of one key in one UTC hour:

    {"key":"strain:7","hour":"2026-03-20T12:00:00Z","reads":12,"hits":11}
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec

MOST_READS = 10**12
MAX_KEY_BYTES = 512
# Refused lines that are named; all are counted.
NAMED = 1_000


class Line(msgspec.Struct, frozen=True):
    """A line; fields beyond these are ignored."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY_BYTES)]
    hour: datetime
    reads: Annotated[int, msgspec.Meta(ge=1, le=MOST_READS)]
    hits: Annotated[int, msgspec.Meta(ge=0, le=MOST_READS)]


@dataclass
class Counted:
    """Reads and hits by (family, key, day), and the numbers of lines that were refused, with the reason."""

    lines: int = 0
    refused: int = 0
    reads: Counter[tuple[str, str, date]] = field(default_factory=Counter)
    hits: Counter[tuple[str, str, date]] = field(default_factory=Counter)
    refusals: list[tuple[int, str]] = field(default_factory=list)


def prefix(app: str) -> str:
    """The folder of an application's access log."""
    return f"access/{app}/"


def hour_prefix(app: str, at: datetime) -> str:
    """The folder of the objects that are written in the hour of `at` (UTC)."""
    return f"{prefix(app)}{at:%Y/%m/%d/%H}/"


def count(lines: Iterable[bytes], family_of: Callable[[str], str], now: datetime) -> Counted:
    """Count lines; empty ones are none. `family_of` gives the family of a key, '' for none."""
    found = Counted()
    decode = msgspec.json.Decoder(Line).decode
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        found.lines += 1
        try:
            line = decode(text)
            reason = _wrong(line, now)
            day = line.hour.astimezone(UTC).date()
        except msgspec.ValidationError as error:
            reason = str(error)
        except OverflowError:
            reason = "hour is before the first or after the last year"
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            reason = "no JSON object"
        if reason:
            found.refused += 1
            if len(found.refusals) < NAMED:
                found.refusals.append((number, reason))
            continue
        place = (family_of(line.key), line.key, day)
        found.reads[place] += line.reads
        found.hits[place] += line.hits
    return found


def _wrong(line: Line, now: datetime) -> str:
    if line.hour.tzinfo is None:
        return "hour has no offset from UTC"
    if line.hour > now:
        return "hour is in the future"
    if line.hits > line.reads:
        return "more hits than reads"
    if "\0" in line.key or len(line.key.encode()) > MAX_KEY_BYTES:
        return "no key that KV takes"
    return ""
