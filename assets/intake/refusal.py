"""A refused line, as every kind of landed object has it, and what of it people may see. Pure."""

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import msgspec

# They are in memory at once. No batch has so many where each line is nearly an event.
MOST_REFUSED = 1_000_000
# What a sender writes into a field can be anything, also an address. Names, numbers and tags look like this.
_SHOWN = re.compile(r"[A-Za-z0-9_.+-]{1,64}")


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A refused line: its number in the object (from 1; 0 is the whole object), the reason, the field, its bytes.

    value: what the field holds, where people may see it; else empty.
    """

    line: int
    reason: str
    field: str
    raw: bytes = dataclasses.field(repr=False)
    value: str = ""


class TooManyRefusedError(ValueError):
    """More lines of an object are refused than are kept one by one, so that it is refused as a whole."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST_REFUSED:,} lines are refused")


def without_erased(
    refusals: Iterable[Refusal], names_erased: Callable[[bytes], bool], reason: str
) -> Iterator[Refusal]:
    """Refusals; of a line that names somebody who was erased no bytes stay, and it is refused for this reason."""
    for refusal in refusals:
        is_erased = bool(refusal.raw) and names_erased(refusal.raw)
        yield dataclasses.replace(refusal, reason=reason, raw=b"", value="") if is_erased else refusal


def with_values(refusals: Iterable[Refusal], shown: Collection[str]) -> list[Refusal]:
    """Refusals with the values of their fields, where these are among the fields that are `shown`."""
    return [
        dataclasses.replace(refusal, value=_value(refusal)) if refusal.field in shown else refusal
        for refusal in refusals
    ]


def _value(refusal: Refusal) -> str:
    try:
        value = msgspec.json.decode(refusal.raw, type=dict[str, Any]).get(refusal.field, "")
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    return text if _SHOWN.fullmatch(text) else ""
