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

_INTEGERS = frozenset(f.name for f in FIELDS if f.kind is FieldKind.INTEGER)
_ROOM = next(f.longest for f in FIELDS if f.name == "event_data")
# The name of an unknown field can be personal data, such as an address, and the counts are shown.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_LEAP_SECOND = re.compile(r"(.*:\d\d:)60(?:\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_EXACT = 2**53  # beyond it, a number with a decimal point does not say which whole number was meant
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
    unknown = _OBJECT.decode(line)
    known = {name: unknown.pop(name) for name in NAMES if name in unknown}
    if sum(len(name) + len(memoryview(value)) for name, value in known.items()) > LONGEST_LINE:
        raise TooLongError
    fields = {name: _value(name, value) for name, value in known.items()}
    taken = {name: _taken(name, value) for name, value in fields.items()}
    dropped = False
    if unknown:
        dropped = len(line) > LONGEST_LINE or not _kept(taken, {n: _value(n, value) for n, value in unknown.items()})
    elif len(line) <= LONGEST_LINE and all(taken[name] is value for name, value in fields.items()):
        return None
    event = msgspec.convert(taken, Event)
    unknown_fields.update(map(_shown, unknown))
    if dropped:
        unknown_fields[DROPPED] += 1
    return event


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


def _taken(name: str, value: Any) -> Any:
    """A value as it is meant: a whole number without its decimal point, a moment without a leap second."""
    if name in _INTEGERS and isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    if name == "timestamp" and isinstance(value, str) and (leap := _LEAP_SECOND.fullmatch(value)):
        return _end_of_minute(leap) or value
    return value


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
