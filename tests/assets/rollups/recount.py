"""What roll-ups must hold, counted from the same events in plain Python: the tests' own second opinion."""

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import mmh3

from tests.assets.rollups.event_lake import Event, Rows

Dimensions = Callable[[Event], tuple[str, ...] | None]


# White space as Unicode has it. Python's strip() takes four separators (U+001C to U+001F) besides.
_WHITE_SPACE = "".join(chr(c) for c in range(0x3001) if chr(c).isspace() and not 0x1C <= c <= 0x1F)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _word(value: Any) -> str:
    return _text(value).strip(_WHITE_SPACE).lower()


def _wide(e: Event) -> tuple[str, ...]:
    names = ("event_type", "utm_source", "utm_medium", "utm_campaign", "device_type", "geo_country")
    return tuple(_text(e[name]) for name in names)


def _pages(e: Event) -> tuple[str, ...] | None:
    return (_text(e["page_hostname"]), _text(e["page_path"])) if e["event_type"] == "page_view" else None


def _campaigns(e: Event) -> tuple[str, ...] | None:
    return (e["utm_campaign"], _text(e["utm_source"]), _text(e["utm_medium"])) if e["utm_campaign"] else None


def cuts(events: list[Event], start: Callable[[Event], Any]) -> dict[str, Dimensions]:
    """Dimensions by the suffix of their table. start: the window of an event."""
    return {
        "": _wide,
        "_totals": lambda _: (),
        "_pages": _pages,
        "_sources": _sources(events, start),
        "_campaigns": _campaigns,
    }


def sketch_of(ids: Iterable[str], k: int = 8192) -> bytes:
    hashes = sorted({mmh3.hash64(i, signed=False)[0] for i in ids})[:k]
    return struct.pack(f"<{len(hashes)}Q", *hashes)


def recount(events: Iterable[Event]) -> Rows:
    """Rows of all ten tables in the form of `EventLake.rows`; of a window's doubles the first counts, as in lakes."""
    events = sorted(events, key=lambda e: e["timestamp"])
    found: Rows = {}
    for grain, start in (("hourly", _hour), ("daily", day_of)):
        seen: set[Any] = set()
        single = []
        for e in events:
            identity = (start(e), e["org_tag"], e["event_id"])
            if identity not in seen:
                seen.add(identity)
                single.append(e)
        for suffix, dimensions in cuts(single, start).items():
            found[f"rollups.{grain}{suffix}"] = _table(single, start, dimensions, sketched=suffix == "_totals")
    return found


def _sources(events: list[Event], start: Callable[[Event], Any]) -> Dimensions:
    """Source and medium of the first event of an event's session in its window."""
    first: dict[Any, Event] = {}
    for e in sorted(events, key=lambda e: (e["timestamp"], e["event_type"] != "page_view", e["event_id"])):
        first.setdefault((start(e), e["org_tag"], e["session_id"]), e)
    own = {(window, org, _host(e["page_hostname"])) for (window, org, _), e in first.items()}

    def of(event: Event) -> tuple[str, ...]:
        e = first[start(event), event["org_tag"], event["session_id"]]
        referrer = _host(e["referrer_domain"])
        known = "" if (start(e), e["org_tag"], referrer) in own else referrer
        google = known.startswith("google.") and len(known.rpartition(".")[2]) <= 3
        source = _word(e["utm_source"]) or ("google" if google else known) or "direct"
        return source, _word(e["utm_medium"])

    return of


def _host(name: str | None) -> str:
    host = _word(name)
    for prefix in ("www.", "m.", "l.", "lm."):
        if host.startswith(prefix):
            return host.removeprefix(prefix)
    return host


def _table(
    events: list[Event], start: Callable[[Event], Any], dimensions: Dimensions, *, sketched: bool
) -> list[tuple[Any, ...]]:
    groups: dict[tuple[Any, ...], list[Event]] = defaultdict(list)
    for e in events:
        cut = dimensions(e)
        if cut is not None:
            groups[e["org_tag"], start(e), *cut].append(e)
    rows = []
    for key, members in groups.items():
        visitors = {e["anonymous_id"] for e in members}
        sessions = {e["session_id"] for e in members}
        value = sum((_money(e["event_value"]) for e in members), Decimal(0))
        sketches = (sketch_of(visitors), sketch_of(sessions)) if sketched else ()
        rows.append((*key, len(members), len(visitors), len(sessions), value, *sketches))
    return sorted(rows)


def _money(value: float | None) -> Decimal:
    return Decimal(repr(value or 0.0)).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)


def _hour(e: Event) -> datetime:
    at: datetime = e["timestamp"].astimezone(UTC)
    return at - timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)


def day_of(e: Event) -> Any:
    return e["timestamp"].astimezone(UTC).date()
