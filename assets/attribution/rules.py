"""An organisation's rules: which events are conversions, and how visits before one count for it. Pure.

What does not belong here: reading and storing them (organizations.py).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from assets.attribution.sources import SOURCES, normal
from assets.attribution.text import plain

# Google reports clicks that far back.
LONGEST_DAYS = 90
MOST_TEXTS = 50
MOST_SOURCES = 200
PLATFORMS = sorted(set(SOURCES.values()))


@dataclass(frozen=True)
class AttributionRules:
    """The rules.

    conversion_types: event types. window_days: 1 to 90, from a campaign's visit to the conversion. sources: ad
    platforms by further values of utm_source, in their normal form. join_devices: whether the browsers of a person who
    is signed in share their touches. refund_types: event types that reduce the revenue of a conversion. currency: of
    events that name none, and of reports, ISO 4217; '' where none was chosen. own_hosts: hosts that are no source of
    visits, beside those of the pages.
    """

    conversion_types: tuple[str, ...] = ("conversion",)
    window_days: int = 30
    sources: Mapping[str, str] = field(default_factory=dict)
    join_devices: bool = True
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
        value = None if settings.get(name) is None else read(settings[name])
        if value is not None:
            chosen[name] = value
        elif settings.get(name) is not None:
            wrong.append(f"attribution.{name}: {expected} expected")
    return replace(DEFAULT, **chosen), wrong


def _days(value: Any) -> int | None:
    return value if type(value) is int and 1 <= value <= LONGEST_DAYS else None


def _choice(value: Any) -> bool | None:
    return value if type(value) is bool else None


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


def _sources(value: Any) -> Mapping[str, str] | None:
    usable = (
        isinstance(value, dict)
        and len(value) <= MOST_SOURCES
        and all(len(name) <= 128 and holdable(name) and plain(name) for name in value)
        and all(isinstance(platform, str) and platform in PLATFORMS for platform in value.values())
    )
    return {normal(plain(source)): platform for source, platform in value.items()} if usable else None


# How each setting is read (None: it cannot be used), and what is expected of it.
_SETTINGS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "conversion_types": (_texts, f"a list of 1 to {MOST_TEXTS} event types is"),
    "window_days": (_days, f"1 to {LONGEST_DAYS} is"),
    "sources": (_sources, f"up to {MOST_SOURCES} texts with one of {', '.join(PLATFORMS)} are"),
    "join_devices": (_choice, "true or false is"),
    "refund_types": (_texts, f"a list of 1 to {MOST_TEXTS} event types is"),
    "currency": (_currency, "an ISO 4217 code such as EUR is"),
    "own_hosts": (_hosts, f"a list of 1 to {MOST_TEXTS} hosts is"),
}


def holdable(text: str) -> bool:
    """Whether Postgres can hold a text: it accepts no NUL and no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
