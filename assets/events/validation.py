"""What makes a landed line an event: the verdict on each line, as plain data. Pure.

A line is stored, refused with a reason, or counted without consent. What does not belong here: doubles, which are found
later by a look at the lake (doubles.py).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import compress
from typing import Any

import msgspec
import polars as pl
import pyarrow as pa
from msgspec.structs import astuple

from assets.events import second_reading
from assets.events.record import DECODER, FIELDS, NAMES, STRUCT_NAMES, FieldKind
from assets.events.second_reading import LONGEST_LINE, OutOfRangeError, TooLongError
from assets.intake import refusal
from assets.intake.refusal import Refusal, TooManyRefusedError
from assets.intake.zone import blocks, numbered

BLOCK_BYTES = 32 * 1024
NUL = rb"\u0000"
UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, OverflowError, RecursionError)
CLOCK_SKEW = timedelta(hours=24)
_ORG, _TIME, _KIND, _CONSENT = map(STRUCT_NAMES.index, ("org_tag", "timestamp", "event_type", "consent_analytics"))


class EventReason(StrEnum):
    """Why a line was refused."""

    NOT_JSON = "not_json"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OVER_LONG = "over_long"
    BLANK_KEY = "blank_key"
    NUL_CHARACTER = "nul_character"
    TOO_FAR_AHEAD = "timestamp_in_future"
    TOO_OLD = "timestamp_before_first_partition"
    UNKNOWN_ORG = "unknown_org_tag"
    INACTIVE_ORG = "inactive_org_tag"
    DAMAGED_PARTITION = "damaged_partition"
    UNREADABLE_BATCH = "unreadable_batch"
    ERASED_PERSON = "erased_person"


@dataclass(frozen=True)
class Admission:
    """What is admitted at a moment: organisations (tag → active), and event times from `earliest` to `latest`.

    damaged: organisations and UTC days of which files of the lake are damaged, so that nobody knows what is a double.
    """

    orgs: Mapping[str, bool]
    earliest: datetime
    now: datetime
    damaged: frozenset[tuple[str, date]] = frozenset()

    @cached_property
    def latest(self) -> datetime:
        return self.now + CLOCK_SKEW


@dataclass
class Sifted:
    """The verdicts on some lines of one batch.

    `lines` counts all, `received` those that are not blank. `columns` are the values of the events to be stored, in the
    order of their lines: a list a field, in the order of `STRUCT_NAMES`.
    """

    lines: int = 0
    received: int = 0
    columns: list[list[Any]] = field(default_factory=lambda: [[] for _ in STRUCT_NAMES])
    refusals: list[Refusal] = field(default_factory=list)
    without_consent: Counter[tuple[str, datetime, str]] = field(default_factory=Counter)
    unknown_fields: Counter[str] = field(default_factory=Counter)

    def frame(self) -> pl.DataFrame:
        """The events to be stored, with the record's columns in the record's order."""
        series = {name: _series(name, values) for name, values in zip(STRUCT_NAMES, self.columns, strict=True)}
        return pl.DataFrame([series[name] for name in NAMES])


def sift(text: bytes, admission: Admission, first: int = 1) -> Sifted:
    """Judge the lines of a text; `first` is the number of the first. Blank lines are no lines.

    Events become columns block by block, while their values are still in the processor's cache.

    Raises:
        TooManyRefusedError: too many of them are refused.
    """
    sifted = Sifted()
    for block in blocks(text, BLOCK_BYTES):
        columns = None if block.isspace() else _at_once(block, admission)
        if columns is None:
            events = _line_by_line(block, admission, first + sifted.lines, sifted)
            sifted.lines += block.removesuffix(b"\n").count(b"\n") + 1
            columns = list(zip(*map(astuple, events), strict=True))
        else:
            sifted.lines += len(columns[0])
            sifted.received += len(columns[0])
        if columns and not all(columns[_CONSENT]):
            columns = _with_consent(columns, sifted.without_consent)
        for column, values in zip(sifted.columns, columns, strict=False):
            column.extend(values)
    return sifted


def _at_once(block: bytes, admission: Admission) -> list[tuple[Any, ...]] | None:
    """The columns of a block where each line is an event that is admitted; None where `_line_by_line` has to judge.

    The decoder and the rules are the same, but the decoder is called once for a block and not once for a line, and the
    rules are asked once for a column.
    """
    # Most blocks have no backslash, and the search for one byte is ten times as fast as the search for six.
    if len(block) > LONGEST_LINE or (b"\\" in block and NUL in block):
        return None
    try:
        events = DECODER.decode_lines(block)
    except UNDECODABLE:
        return None
    # The decoder accepts several events on a line and one event over several lines.
    if len(events) != _lines_between_objects(block):
        return None
    columns = list(zip(*map(astuple, events), strict=True))
    return columns if _are_admitted(columns, admission) else None


def _lines_between_objects(block: bytes) -> int:
    """The number of lines, where each line end is between two objects; else 0. At the end of the text it may be too.

    There is one object a line where there are as many. One look at a line end takes a fifth of the time of counting.
    """
    end, lines, at = len(block) - block.endswith(b"\n"), 1, block.find(b"\n")
    while 0 <= at < end:
        if block[at - 1 : at + 2] != b"}\n{":
            return 0
        lines, at = lines + 1, block.find(b"\n", at + 1)
    return lines


def _are_admitted(columns: Sequence[Sequence[Any]], admission: Admission) -> bool:
    """Whether `_admit` admits every event of some columns. False also where an event without consent is of a damaged
    partition.
    """
    orgs, times = columns[_ORG], columns[_TIME]
    return (
        all(admission.orgs.get(org) for org in set(orgs))
        and min(times) >= admission.earliest
        and max(times) < admission.latest
        and (
            not admission.damaged
            or admission.damaged.isdisjoint(zip(orgs, (at.astimezone(UTC).date() for at in times), strict=True))
        )
    )


def _with_consent(
    columns: Sequence[Sequence[Any]], without: Counter[tuple[str, datetime, str]]
) -> list[tuple[Any, ...]]:
    """The columns of the events with consent; the others are counted by organisation, hour and type."""
    consent = columns[_CONSENT]
    for org, at, kind, agreed in zip(columns[_ORG], columns[_TIME], columns[_KIND], consent, strict=True):
        if not agreed:
            without[org, at.astimezone(UTC).replace(minute=0, second=0, microsecond=0), kind] += 1
    return [tuple(compress(column, consent)) for column in columns]


def _line_by_line(block: bytes, admission: Admission, first: int, sifted: Sifted) -> list[Any]:
    """The admitted events of a block; lines received, refusals and unknown fields are added to `sifted`."""
    events = []
    for number, line in numbered(block, first):
        sifted.received += 1
        try:
            event = _event(line, sifted.unknown_fields)
            if NUL in line:
                _refuse_nul(event)
            _admit(event, admission)
        except _RefusedError as refused:
            sifted.refusals.append(Refusal(number, refused.reason, refused.field, line))
        except UNDECODABLE as error:
            sifted.refusals.append(Refusal(number, *_verdict(error), line))
        else:
            events.append(event)
            continue
        if len(sifted.refusals) > refusal.MOST_REFUSED:
            raise TooManyRefusedError
    return events


def _event(line: bytes, unknown_fields: Counter[str]) -> Any:
    """The event of a line by the first or the second reading."""
    wrong = None
    if len(line) <= LONGEST_LINE:
        try:
            return DECODER.decode(line)
        except msgspec.ValidationError as error:
            wrong = error
    try:
        event = second_reading.again(line, unknown_fields)
    except OutOfRangeError as error:
        raise _RefusedError(EventReason.WRONG_TYPE, str(error)) from None
    except TooLongError:
        raise _RefusedError(EventReason.OVER_LONG) from None
    except UNDECODABLE:
        if wrong is None:
            raise _RefusedError(EventReason.OVER_LONG) from None
        raise
    if event is None and wrong is not None:
        raise wrong
    return event


def _admit(event: Any, admission: Admission) -> None:
    active = admission.orgs.get(event.org_tag)
    if not active:
        raise _RefusedError(EventReason.UNKNOWN_ORG if active is None else EventReason.INACTIVE_ORG, "org_tag")
    if event.timestamp < admission.earliest:
        raise _RefusedError(EventReason.TOO_OLD, "timestamp")
    if event.timestamp >= admission.latest:
        raise _RefusedError(EventReason.TOO_FAR_AHEAD, "timestamp")
    if (
        admission.damaged
        and event.consent_analytics
        and (event.org_tag, event.timestamp.astimezone(UTC).date()) in admission.damaged
    ):
        raise _RefusedError(EventReason.DAMAGED_PARTITION)


class _RefusedError(Exception):
    def __init__(self, reason: EventReason, field: str = "") -> None:
        self.reason = reason
        self.field = field


def _refuse_nul(event: Any) -> None:
    # Postgres cannot store U+0000, so the roll-ups could not store such an event.
    for name in STRUCT_NAMES:
        value = getattr(event, name)
        if isinstance(value, str) and "\x00" in value:
            raise _RefusedError(EventReason.NUL_CHARACTER, name)


def _verdict(error: Exception) -> tuple[EventReason, str]:
    """Reason and field from msgspec's message, which names types and bounds and never quotes a value."""
    message = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return EventReason.NOT_JSON, ""
    if "missing required field" in message:
        return EventReason.MISSING_FIELD, message.split("`")[1]
    name = message.rpartition("$.")[2].rstrip("`") if "$." in message else ""
    if "of length <=" in message:
        return EventReason.OVER_LONG, name
    if "of length >=" in message:
        return EventReason.BLANK_KEY, name
    return EventReason.WRONG_TYPE, name


_POLARS: dict[FieldKind, pl.DataType] = {
    FieldKind.STRING: pl.String(),
    FieldKind.INTEGER: pl.Int64(),
    FieldKind.NUMBER: pl.Float64(),
    FieldKind.BOOLEAN: pl.Boolean(),
    FieldKind.TIMESTAMP: pl.Datetime("us", "UTC"),
}
_TYPES = {f.name: _POLARS[f.kind] for f in FIELDS}


def _series(name: str, values: list[Any]) -> pl.Series:
    # polars takes half of pyarrow's time for texts and numbers, and five times as long for moments.
    moments = isinstance(_TYPES[name], pl.Datetime)
    return pl.Series(name, pa.array(values, pa.timestamp("us", "UTC")) if moments else values, _TYPES[name])
