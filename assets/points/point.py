"""What makes a line a point of a session: the verdict on each line, as plain data. Pure.

A point is what the Durable Object of an active session recorded at one moment. It flushes every 10 points to R2 as
NDJSON.
"""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from assets.intake.refusal import Refusal

LONGEST_LINE = 64 * 2**10
LONGEST_ID = 200
MOST_VALUES = 40
# Metrics are kept in millionths as 64-bit integers: nine million entries of the greatest value can be summed.
GREATEST_VALUE = 1e6
DIGITS = 6

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_PATH = re.compile(r"`\$\.(\w+)|required field `(\w+)`")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class PointReason(StrEnum):
    """Why a line was refused."""

    NOT_JSON = "not_json"
    MISSING_FIELD = "missing_field"
    WRONG_VALUE = "wrong_value"
    OVER_LONG = "over_long"
    NO_PARTITION = "no_partition"
    UNKNOWN_USER = "unknown_user"
    ERASED_USER = "erased_user"
    UNREADABLE_OBJECT = "unreadable_object"


@dataclass(frozen=True)
class Point:
    """A point as it is stored. measures: JSON, its values to a millionth. line, raw: the line that it comes from."""

    session_id: str
    seq: int
    user_id: str = dataclasses.field(repr=False)
    at: datetime
    measures: str = dataclasses.field(repr=False)
    line: int
    raw: bytes = dataclasses.field(repr=False)

    @property
    def key(self) -> tuple[str, int]:
        """The identity of a point: its session and its number there."""
        return self.session_id, self.seq

    @property
    def stored_at(self) -> str:
        """Its time as rows have it, cut to the millisecond."""
        return self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def refused(self, reason: PointReason, name: str) -> Refusal:
        """The refusal of this point. Of a user who was erased no bytes are kept."""
        return Refusal(self.line, reason, name, b"" if reason is PointReason.ERASED_USER else self.raw)


_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)]


class _Line(msgspec.Struct, rename="camel"):
    user_id: _Id
    session_id: _Id
    seq: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    values: Annotated[
        dict[str, Annotated[float, msgspec.Meta(ge=-GREATEST_VALUE, le=GREATEST_VALUE)]],
        msgspec.Meta(min_length=1, max_length=MOST_VALUES),
    ]


_DECODER = msgspec.json.Decoder(_Line)


def sift(lines: Iterable[bytes]) -> tuple[list[Point], list[Refusal]]:
    """Judge the lines of one object. Blank lines are no lines."""
    points: list[Point] = []
    refusals: list[Refusal] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        verdict = _judged(number, line)
        if isinstance(verdict, Point):
            points.append(verdict)
        else:
            refusals.append(verdict)
    return points, refusals


def _judged(number: int, line: bytes) -> Point | Refusal:
    if len(line) > LONGEST_LINE:
        return Refusal(number, PointReason.OVER_LONG, "", line)
    try:
        decoded = _DECODER.decode(line)
    except msgspec.ValidationError as error:
        text = str(error)
        match = _PATH.search(text)
        reason = PointReason.MISSING_FIELD if "missing required field" in text else PointReason.WRONG_VALUE
        return Refusal(number, reason, (match[1] or match[2]) if match else "", line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Refusal(number, PointReason.NOT_JSON, "", line)
    for name, value in (("userId", decoded.user_id), ("sessionId", decoded.session_id)):
        if _UNSTORABLE.search(value):
            return Refusal(number, PointReason.WRONG_VALUE, name, line)
    if not all(_NAME.fullmatch(name) for name in decoded.values):
        return Refusal(number, PointReason.WRONG_VALUE, "values", line)
    try:
        at = decoded.at.astimezone(UTC)
    except OverflowError:
        return Refusal(number, PointReason.WRONG_VALUE, "at", line)
    values = {name: _plain(round(decoded.values[name], DIGITS)) for name in sorted(decoded.values)}
    measures = msgspec.json.encode(values).decode()
    return Point(decoded.session_id, decoded.seq, decoded.user_id, at, measures, number, line)


def _plain(value: float) -> float | int:
    return int(value) if value.is_integer() else value
