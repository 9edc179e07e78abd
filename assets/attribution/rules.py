"""An organisation's rules: which events are conversions, and how far back a campaign may have brought them. Pure."""

import json
from dataclasses import dataclass
from typing import Any

# As far back as Google tells of clicks.
LONGEST_DAYS = 90
MOST_TYPES = 50


@dataclass(frozen=True)
class Rules:
    """conversion_types: event types. window_days: 1 to 90, from the campaign's visit to the conversion."""

    conversion_types: tuple[str, ...] = ("conversion",)
    window_days: int = 30


DEFAULT = Rules()


def rules(found: Any) -> tuple[Rules, list[str]]:
    """The rules in `attribution` of an organisation's settings, and what is wrong, without any value.

    `found` is what SQLite's json_extract gives: JSON text of an object, None, else a bare value. A key that cannot be
    used is as by default.
    """
    try:
        given = {} if found is None else json.loads(found) if isinstance(found, str) else None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        return DEFAULT, ["attribution: an object is expected"]
    wrong = [
        f"attribution.{name[:64].encode(errors='backslashreplace').decode()}: no such setting"
        for name in sorted(given.keys() - {"conversion_types", "window_days"})
    ]
    types, days = given.get("conversion_types"), given.get("window_days")
    if types is not None and not _are_types(types):
        wrong.append(f"attribution.conversion_types: a list of 1 to {MOST_TYPES} event types is expected")
        types = None
    if days is not None and (type(days) is not int or not 1 <= days <= LONGEST_DAYS):
        wrong.append(f"attribution.window_days: 1 to {LONGEST_DAYS} is expected")
        days = None
    return Rules(tuple(sorted(set(types))) if types else DEFAULT.conversion_types, days or DEFAULT.window_days), wrong


def _are_types(given: Any) -> bool:
    return (
        isinstance(given, list)
        and 1 <= len(given) <= MOST_TYPES
        and all(isinstance(each, str) and 0 < len(each) <= 128 and holdable(each) for each in given)
    )


def holdable(text: str) -> bool:
    """Whether Postgres can hold a text: it takes no NUL and no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
