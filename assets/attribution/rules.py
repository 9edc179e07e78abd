"""An organisation's rules: which events are conversions, and how long before one a campaign's visit counts. Pure.

What does not belong here: reading and storing them (organizations.py).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

# Google reports clicks that far back.
LONGEST_DAYS = 90
MOST_TEXTS = 50


@dataclass(frozen=True)
class AttributionRules:
    """The rules. conversion_types: event types. window_days: 1 to 90, from a campaign's visit to the conversion.

    refund_types: event types that reduce the revenue of a conversion. currency: of events that name none, and of
    reports, ISO 4217; '' where none was chosen. own_hosts: further hosts that are no source of visits.
    """

    conversion_types: tuple[str, ...] = ("conversion",)
    window_days: int = 30
    refund_types: tuple[str, ...] = ()
    currency: str = ""
    own_hosts: tuple[str, ...] = ()


DEFAULT = AttributionRules()


def rules(attribution: Any) -> tuple[AttributionRules, list[str]]:
    """The rules in `attribution` of an organisation's settings, and what is wrong with them, without any value.

    attribution: what SQLite's json_extract gives, which is JSON text of an object, None, or a bare value. A key that
    cannot be used has its default.
    """
    try:
        settings = {} if attribution is None else json.loads(attribution) if isinstance(attribution, str) else None
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        return DEFAULT, ["attribution: an object is expected"]
    wrong = [
        f"attribution.{name[:64].encode(errors='backslashreplace').decode()}: no such setting"
        for name in sorted(settings.keys() - _SETTINGS.keys())
    ]
    chosen: dict[str, Any] = {}
    for name, (read, expected) in _SETTINGS.items():
        if settings.get(name) is not None:
            chosen[name] = read(settings[name])
            if chosen[name] is None:
                wrong.append(f"attribution.{name}: {expected} is expected")
    return replace(DEFAULT, **{name: value for name, value in chosen.items() if value is not None}), wrong


def _days(value: Any) -> int | None:
    return value if type(value) is int and 1 <= value <= LONGEST_DAYS else None


def _currency(value: Any) -> str | None:
    return value if isinstance(value, str) and re.fullmatch("[A-Z]{3}", value) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_TEXTS:
        return None
    usable = all(isinstance(text, str) and 0 < len(text) <= 128 and holdable(text) for text in value)
    return tuple(sorted(set(value))) if usable else None


def _hosts(value: Any) -> tuple[str, ...] | None:
    texts = _texts(value)
    return None if texts is None else tuple(sorted({text.lower().removeprefix("www.") for text in texts}))


# How each setting is read (None: it cannot be used), and what is expected of it.
_SETTINGS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "conversion_types": (_texts, f"a list of 1 to {MOST_TEXTS} event types"),
    "window_days": (_days, f"1 to {LONGEST_DAYS}"),
    "refund_types": (_texts, f"a list of 1 to {MOST_TEXTS} event types"),
    "currency": (_currency, "an ISO 4217 code such as EUR"),
    "own_hosts": (_hosts, f"a list of 1 to {MOST_TEXTS} hosts"),
}


def holdable(text: str) -> bool:
    """Whether Postgres can hold a text: it accepts no NUL and no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
