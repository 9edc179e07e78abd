"""The second reading of a line that the strict decoder refuses: what is taken of it all the same. Pure.

Taken are fields beyond the record, whole numbers that are written like 1024.0, and a leap second. Anything else stays
refused. What does not belong here: whether an event is admitted (validation.py).
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from assets.events.record import FIELDS, NAMES, Event, FieldKind

LONGEST_LINE = 2**20  # without the fields beyond the record
NO_NAME = "(not a name)"  # counts unknown fields whose names do not look like names of fields
DROPPED = "(dropped)"  # counts events whose unknown fields had no room and were dropped

_KNOWN = frozenset(NAMES)
_INTEGERS = tuple(f.name for f in FIELDS if f.kind is FieldKind.INTEGER)
_ROOM = next(f.longest for f in FIELDS if f.name == "event_data")
# The name of an unknown field can be personal data, such as an address, and the counts are shown.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_LEAP_SECOND = re.compile(r"(.*:\d\d:)60(?:\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_EXACT = 2**53  # from it on, a number with a decimal point does not say which whole number was meant
_OBJECT: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


class OutOfRangeError(ValueError):
    """A number is larger than anything can hold. The text is the name of its field."""


class TooLongError(ValueError):
    """A line is too long, also without its unknown fields."""


def again(line: bytes, unknown_fields: Counter[str]) -> Any:
    """The event of a line; None where a second reading finds nothing else in it than the first.

    The names of its unknown fields are counted in `unknown_fields`.

    Raises:
        MsgspecError, UnicodeDecodeError, RecursionError: it is no event.
        OutOfRangeError, TooLongError: as they say.
    """
    has_room = len(line) <= LONGEST_LINE
    read = _fields(line) if has_room else _known_fields(line)
    unknown = {name: value for name, value in read.items() if name not in _KNOWN}
    fields = {name: value for name, value in read.items() if name in _KNOWN} if unknown else read
    meant = _meant(fields)
    if has_room and not unknown and not meant:
        return None
    fields |= meant
    dropped = bool(unknown) and not (has_room and _kept(fields, unknown))
    event = msgspec.convert(fields, Event)
    unknown_fields.update(map(_shown, unknown))
    if dropped:
        unknown_fields[DROPPED] += 1
    return event


def _fields(line: bytes) -> dict[str, Any]:
    """The fields of a line with their values; none where it is no object."""
    try:
        fields = msgspec.json.decode(line)
    except msgspec.ValidationError:
        # Of a line that is valid JSON, only the size of a number is refused without a type. Field by field tells where.
        for name, value in _OBJECT.decode(line).items():
            _value(name, value)
        raise
    return fields if isinstance(fields, dict) else {}


def _known_fields(line: bytes) -> dict[str, Any]:
    """The fields of a line that is too long: those of the record with their values, others without."""
    raw = _OBJECT.decode(line)
    known = {name: raw[name] for name in NAMES if name in raw}
    if sum(len(name) + len(memoryview(value)) for name, value in known.items()) > LONGEST_LINE:
        raise TooLongError
    return {**dict.fromkeys(raw), **{name: _value(name, value) for name, value in known.items()}}


def _kept(fields: dict[str, Any], unknown: Mapping[str, Any]) -> bool:
    """Whether there was room to put unknown fields into `event_data`, as `unknown_fields` of a JSON object.

    Data that is no JSON object, or that has such a field of its own, is put beside them whole.
    """
    data = fields.get("event_data")
    if data is not None and not isinstance(data, str):
        return True  # it is refused for this
    value = _as_object(data)
    if "unknown_fields" in value:
        value = {"event_data": value}
    kept = json.dumps({**value, "unknown_fields": unknown}, ensure_ascii=False)
    if len(kept) > _ROOM:
        return False
    fields["event_data"] = kept
    return True


def _as_object(data: str | None) -> dict[str, Any]:
    if data is None:
        return {}
    try:
        value = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        value = data
    return value if isinstance(value, dict) else {"event_data": value}


def _meant(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are meant otherwise than written: whole numbers with a decimal point, a leap second."""
    meant: dict[str, Any] = {}
    for name in _INTEGERS:
        value = fields.get(name)
        if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
            meant[name] = int(value)
    text = fields.get("timestamp")
    if isinstance(text, str) and (leap := _LEAP_SECOND.fullmatch(text)) and (moment := _end_of_minute(leap)):
        meant["timestamp"] = moment
    return meant


def _end_of_minute(leap: re.Match[str]) -> datetime | None:
    """The last microsecond that a clock can show before a leap second, which only the last minute of a UTC day has."""
    try:
        moment = msgspec.convert(f"{leap[1]}59.999999{leap[2]}", datetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return None
    return moment if (moment.hour, moment.minute) == (23, 59) else None


def _value(name: str, raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.ValidationError:
        raise OutOfRangeError(_shown(name)) from None


def _shown(name: str) -> str:
    return name if _NAME.fullmatch(name) else NO_NAME
