"""The access log that an app writes: which of its keys were read how often. Pure.

Objects of NDJSON, plain or gzip, lie under `access/{app}/YYYY/MM/DD/HH/` by the UTC hour in which they are written. The
app writes each of them once, under a name of its own. A line counts the reads of one key in one UTC hour:

    {"key":"strain:7","hour":"2026-03-20T12:00:00Z","reads":12,"hits":11}
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec

from assets.apps import App
from assets.intake import refusal
from assets.intake.refusal import Refusal, TooManyRefusedError
from assets.intake.zone import Zone

# One day more than the seven that rank, because the last hour of a day is written after midnight.
KEPT = timedelta(days=8)
LARGEST_OBJECT = 256 * 2**20
LARGEST_BATCH = 1024 * 2**20
MOST_READS = 10**12
MAX_KEY_BYTES = 512

_PATH = re.compile(r"`\$\.(\w+)|required field `(\w+)`")


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


def shown(app: App) -> Collection[str]:
    """The fields of a line whose values people may see: all or none, for the registry has the lines as one."""
    content = app.holding("r2", zone(app.name).prefix).impersonal_columns
    return AccessLine.__struct_fields__ if "content" in content else ()


def count(lines: Iterable[tuple[int, bytes]], family_of: Callable[[str], str], now: datetime) -> AccessCounts:
    """Count numbered lines. `family_of` gives the family of a key, '' for none.

    Raises:
        TooManyRefusedError: too many of them are refused.
    """
    counted = AccessCounts()
    decode = msgspec.json.Decoder(AccessLine).decode
    for number, raw in lines:
        counted.lines += 1
        try:
            line = decode(raw)
            reason, field_name = _wrong(line, now)
            day = line.hour.astimezone(UTC).date()
        except msgspec.ValidationError as error:
            named = _PATH.search(str(error))
            reason, field_name = str(error), (named[1] or named[2]) if named else ""
        except OverflowError:
            reason, field_name = "hour is before the first or after the last year", "hour"
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            reason, field_name = "no JSON object", ""
        if reason:
            counted.refusals.append(Refusal(number, reason, field_name, raw))
            if counted.refused > refusal.MOST_REFUSED:
                raise TooManyRefusedError
            continue
        entry = (family_of(line.key), line.key, day)
        counted.reads[entry] += line.reads
        counted.hits[entry] += line.hits
    return counted


def _wrong(line: AccessLine, now: datetime) -> tuple[str, str]:
    """What is wrong with a line, and with which field; empty where nothing is."""
    if line.hour.tzinfo is None:
        return "hour has no offset from UTC", "hour"
    if line.hour > now:
        return "hour is in the future", "hour"
    if line.hits > line.reads:
        return "more hits than reads", "hits"
    if "\0" in line.key or len(line.key.encode()) > MAX_KEY_BYTES:
        return "no key that KV takes", "key"
    return "", ""
