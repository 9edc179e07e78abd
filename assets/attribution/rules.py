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


def rules(text: str | None) -> tuple[Rules, list[str]]:
    """The rules in `attribution` of an organisation's settings (JSON text), and what is wrong, without any value.

    A key that cannot be used is as by default.
    """
    try:
        given = json.loads(text) if text is not None else {}
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return DEFAULT, ["attribution: an object is expected"]
    wrong = [
        f"attribution.{name[:64]}: no such setting"
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
        and all(isinstance(each, str) and 0 < len(each) <= 128 and "\0" not in each for each in given)
    )
