"""What sessions must be, from the same events in plain Python, visitor by visitor: the tests' own second opinion."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

from tests.assets.rollups.event_lake import Event

PAUSE, DAY = timedelta(minutes=30), timedelta(days=1)


def recount(events: Iterable[Event]) -> list[tuple[Any, ...]]:
    """Rows of sessions.daily, sorted."""
    rows = []
    for origin, key in (("tracker", "session_id"), ("recomputed", "anonymous_id")):
        groups: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
        for e in events:
            groups[e["org_tag"], e[key], e["anonymous_id"]].append(e)
        for (org, name, _), members in groups.items():
            members.sort(key=lambda e: (e["timestamp"], e["event_id"]))
            for chain in _chains(members):
                rows += [_row(org, origin, name, session) for session in _cut(chain)]
    return sorted(rows)


def _chains(members: list[Event]) -> Iterator[list[Event]]:
    chain = members[:1]
    for a, b in pairwise(members):
        if b["timestamp"] - a["timestamp"] >= PAUSE:
            yield chain
            chain = []
        chain.append(b)
    yield chain


def _cut(chain: list[Event]) -> Iterator[list[Event]]:
    """A chain's first day with the one after it, and each day from there by itself."""
    parts: dict[Any, list[Event]] = defaultdict(list)
    first = chain[0]["timestamp"].date()
    for e in chain:
        day = e["timestamp"].date()
        parts[first if day - first <= DAY else day].append(e)
    yield from parts.values()


def _row(org: str, origin: str, name: str, session: list[Event]) -> tuple[Any, ...]:
    views = [e for e in session if e["event_type"] == "page_view"]
    pages = views or session
    touches = [e for e in session if _touch(e)] or [{}]
    start, end = session[0]["timestamp"], session[-1]["timestamp"]
    measures = (len(session), len(views), len(views) <= 1)
    ends = [pages[at][name] for at in (0, -1) for name in ("page_hostname", "page_path")]
    touched = [part for at in (0, -1) for part in _campaign(touches[at])]
    ids = (_hash(org, name), _hash(org, session[0]["anonymous_id"]))
    return (org, start.date(), origin, *ids, start, end, (end - start).total_seconds(), *measures, *ends, *touched)


def _foreign(e: Event) -> str | None:
    return e["referrer_domain"] if e["referrer_domain"] != e["page_hostname"] else None


def _touch(e: Event) -> bool:
    return bool(e["utm_source"] or e["utm_medium"] or e["utm_campaign"] or _foreign(e))


def _campaign(e: Event) -> tuple[str, str, str]:
    if not e:
        return ("direct", "", "")
    return (e["utm_source"] or _foreign(e) or "direct", e["utm_medium"] or "", e["utm_campaign"] or "")


def _hash(org: str, name: str) -> bytes:
    return hashlib.blake2b(f"{org}\0{name}".encode(), digest_size=16).digest()
