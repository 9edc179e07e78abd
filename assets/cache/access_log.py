"""The access log that an app writes: which of its keys were read how often. Pure.

Objects of NDJSON, plain or gzip, lie under `access/{app}/YYYY/MM/DD/HH/` by the UTC hour in which they are written. The
app writes each of them once, under a name of its own. A line counts the reads of one key in one UTC hour:

    {"key":"strain:7","hour":"2026-03-20T12:00:00Z","reads":12,"hits":11}
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec

from assets.intake.refusal import Refusal
from assets.intake.zone import Zone

# One day more than the seven that rank, because the last hour of a day is written after midnight.
KEPT = timedelta(days=8)
LARGEST_OBJECT = 256 * 2**20
LARGEST_BATCH = 1024 * 2**20
MOST_READS = 10**12
MAX_KEY_BYTES = 512


class AccessLine(msgspec.Struct, frozen=True):
    """A line; fields beyond these are ignored."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY_BYTES)]
    hour: datetime
    reads: Annotated[int, msgspec.Meta(ge=1, le=MOST_READS)]
    hits: Annotated[int, msgspec.Meta(ge=0, le=MOST_READS)]


@dataclass
class AccessCounts:
    """What the lines of one object say: reads and hits by (family, key, day), and the refused lines."""

    lines: int = 0
    reads: Counter[tuple[str, str, date]] = field(default_factory=Counter)
    hits: Counter[tuple[str, str, date]] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return len(self.refusals)


def zone(app: str) -> Zone:
    """Where the access log of an app lands. Keys may have any ending."""
    return Zone(f"access/{app}/", ("",), KEPT, largest_object=LARGEST_OBJECT, largest_batch=LARGEST_BATCH)


def quarantine_prefix(app: str) -> str:
    """The prefix of what was refused of the access log of an app."""
    return f"quarantine/access/{app}/"


def count(lines: Iterable[bytes], family_of: Callable[[str], str], now: datetime) -> AccessCounts:
    """Count lines. Blank lines are no lines. `family_of` gives the family of a key, '' for none."""
    counted = AccessCounts()
    decode = msgspec.json.Decoder(AccessLine).decode
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        counted.lines += 1
        try:
            line = decode(raw)
            reason = _wrong(line, now)
            day = line.hour.astimezone(UTC).date()
        except msgspec.ValidationError as error:
            reason = str(error)
        except OverflowError:
            reason = "hour is before the first or after the last year"
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            reason = "no JSON object"
        if reason:
            counted.refusals.append(Refusal(number, reason, "", raw))
            continue
        entry = (family_of(line.key), line.key, day)
        counted.reads[entry] += line.reads
        counted.hits[entry] += line.hits
    return counted


def _wrong(line: AccessLine, now: datetime) -> str:
    if line.hour.tzinfo is None:
        return "hour has no offset from UTC"
    if line.hour > now:
        return "hour is in the future"
    if line.hits > line.reads:
        return "more hits than reads"
    if "\0" in line.key or len(line.key.encode()) > MAX_KEY_BYTES:
        return "no key that KV takes"
    return ""
