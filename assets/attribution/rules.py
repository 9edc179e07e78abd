"""An organisation's rules: which events are conversions, and how visits before one count for it. Pure.

What does not belong here: reading and storing them (organizations.py).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assets.attribution.sources import SOURCES, normal
from assets.attribution.text import plain

# Google reports clicks that far back.
LONGEST_DAYS = 90
MOST_TYPES = 50
MOST_SOURCES = 200
PLATFORMS = sorted(set(SOURCES.values()))


@dataclass(frozen=True)
class AttributionRules:
    """The rules.

    conversion_types: event types. window_days: 1 to 90, from a campaign's visit to the conversion. sources: ad
    platforms by further values of utm_source, in their normal form. join_devices: whether the browsers of a person who
    is signed in share their touches.
    """

    conversion_types: tuple[str, ...] = ("conversion",)
    window_days: int = 30
    sources: Mapping[str, str] = field(default_factory=dict)
    join_devices: bool = True


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
        for name in sorted(settings.keys() - {"conversion_types", "window_days", "sources", "join_devices"})
    ]
    types, days = settings.get("conversion_types"), settings.get("window_days")
    if types is not None and not _are_types(types):
        wrong.append(f"attribution.conversion_types: a list of 1 to {MOST_TYPES} event types is expected")
        types = None
    if days is not None and (type(days) is not int or not 1 <= days <= LONGEST_DAYS):
        wrong.append(f"attribution.window_days: 1 to {LONGEST_DAYS} is expected")
        days = None
    sources, join = settings.get("sources"), settings.get("join_devices")
    if sources is not None and not _are_sources(sources):
        wrong.append(f"attribution.sources: up to {MOST_SOURCES} texts with one of {', '.join(PLATFORMS)} are expected")
        sources = None
    if join is not None and type(join) is not bool:
        wrong.append("attribution.join_devices: true or false is expected")
        join = None
    return AttributionRules(
        tuple(sorted(set(types))) if types else DEFAULT.conversion_types,
        days or DEFAULT.window_days,
        {normal(plain(source)): platform for source, platform in (sources or {}).items()},
        DEFAULT.join_devices if join is None else join,
    ), wrong


def _are_types(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 1 <= len(value) <= MOST_TYPES
        and all(isinstance(name, str) and 0 < len(name) <= 128 and holdable(name) for name in value)
    )


def _are_sources(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= MOST_SOURCES
        and all(len(name) <= 128 and holdable(name) and plain(name) for name in value)
        and all(isinstance(platform, str) and platform in PLATFORMS for platform in value.values())
    )


def holdable(text: str) -> bool:
    """Whether Postgres can hold a text: it accepts no NUL and no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
