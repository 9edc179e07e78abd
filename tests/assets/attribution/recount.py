"""What credits must be, from the same events in plain Python, conversion by conversion: a second opinion."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from tests.assets.attribution.attribution_stores import Campaign
from tests.assets.rollups.event_lake import Event

Key = tuple[date, str, date, str, str, str, str, str]
PARAMETERS = (("gclid", "google"), ("msclkid", "microsoft"), ("ttclid", "tiktok"), ("fbclid", "facebook"))
SOURCES = {"google": "google", "fb": "facebook", "facebook": "facebook", "bing": "microsoft", "tiktok": "tiktok"}
MICRO = Decimal("0.000001")


def recount(
    events: Iterable[Event],
    campaigns: Iterable[Campaign],
    clicks: Mapping[str, Campaign],
    rules: Mapping[str, tuple[set[str], int]],
    click_ads: Mapping[str, str] | None = None,
) -> list[tuple[Any, ...]]:
    """Rows of attribution.credits, sorted. rules: conversion types and window by tag; clicks: by click id.

    click_ads: our ids of the ads of those clicks of which it is known.
    """
    found: dict[Key, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 7)
    events = _with_consent(events)
    touches = _touches(events)
    matched = {id(t): _campaign(t, campaigns, clicks) for list_ in touches.values() for t in list_}
    ads = {id(t): _ad(t, matched[id(t)], click_ads or {}) for list_ in touches.values() for t in list_}

    def add(event: Event, match: Campaign | str, ad: str, *amounts: Any) -> None:
        zone = UTC if isinstance(match, str) else match.zone
        named = ("", "", "", match) if isinstance(match, str) else (match.platform, match.account, match.id, "")
        key = (event["timestamp"].date(), event["org_tag"], event["timestamp"].astimezone(zone).date(), *named, ad)
        found[key] = [had + Decimal(more) for had, more in zip(found[key], amounts, strict=True)]

    for own in touches.values():
        for touch in own:
            add(touch, matched[id(touch)], ads[id(touch)], 1, 0, 0, 0, 0, 0, 0)
    for event in events:
        types, days = rules.get(event["org_tag"], ({"conversion"}, 30))
        if event["event_type"] not in types:
            continue
        value = Decimal(repr(event["event_value"] or 0.0)).quantize(MICRO)
        at = event["timestamp"]
        brought = [
            touch
            for touch in touches.get((event["org_tag"], event["anonymous_id"]), [])
            if at - timedelta(days=days) <= touch["timestamp"] <= at
        ]
        if event["consent_marketing"] is False or not brought:
            reason = "no_consent" if event["consent_marketing"] is False else "no_touch"
            add(event, reason, "", 0, 1, 1, 1, value, value, value)
            continue
        parts, values = _shares(Decimal(1), len(brought)), _shares(value, len(brought))
        for n, touch in enumerate(brought):
            first, last = n == 0, n == len(brought) - 1
            amounts = (int(first), int(last), parts[n], value if first else 0, value if last else 0, values[n])
            add(event, matched[id(touch)], ads[id(touch)], 0, *amounts)
    return sorted((*key, int(row[0]), *row[1:], ad) for (*key, ad), row in found.items())


def _with_consent(events: Iterable[Event]) -> list[Event]:
    """The events with the consent that they have: what their visitor said last, where they say nothing."""
    said: dict[tuple[str, str], bool] = {}
    found: list[Event] = []
    for event in sorted(events, key=lambda e: e["timestamp"]):
        who, flag = (event["org_tag"], event["anonymous_id"]), event["consent_marketing"]
        said[who] = said.get(who, True) if flag is None else flag
        found.append({**event, "consent_marketing": said[who]})
    return found


def _shares(whole: Decimal, parts: int) -> list[Decimal]:
    """The whole in equal parts of micro-units, cut off; the last has the rest."""
    micros = int(whole / MICRO)
    each = abs(micros) // parts * (1 if micros >= 0 else -1)
    return [each * MICRO] * (parts - 1) + [(micros - each * (parts - 1)) * MICRO]


def _touches(events: Iterable[Event]) -> dict[tuple[str, str], list[Event]]:
    """Visits that name a campaign, by visitor, in order."""
    sessions: dict[tuple[str, str, str, date], Event] = {}
    for event in sorted(events, key=lambda e: (e["timestamp"], e["event_id"])):
        if event["consent_marketing"] is not False and (_click(event) or event["utm_campaign"]):
            name = (event["org_tag"], event["anonymous_id"], event["session_id"], event["timestamp"].date())
            sessions.setdefault(name, event)
    found: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for (org, visitor, session, day), event in sessions.items():
        if (org, visitor, session, day - timedelta(days=1)) not in sessions:
            found[org, visitor].append(event)
    for own in found.values():
        own.sort(key=lambda e: e["timestamp"])
    return found


def _click(event: Event) -> tuple[str, str] | None:
    query = parse_qs((event["page_search"] or "").lstrip("?"))
    for name, platform in PARAMETERS:
        value = event.get(name) or next(iter(query.get(name, [])), None)
        if value:
            return platform, value
    return None


def _campaign(event: Event, campaigns: Iterable[Campaign], clicks: Mapping[str, Campaign]) -> Campaign | str:
    """The campaign that an event names, or why there is none."""
    click = _click(event)
    of = clicks.get(click[1]) if click and click[0] == "google" else None
    if of is not None and of.org == f"org-{event['org_tag']}":
        return of
    name = event["utm_campaign"]
    platform = click[0] if click else SOURCES.get((event["utm_source"] or "").lower())
    own = [c for c in campaigns if c.org == f"org-{event['org_tag']}" and platform in (None, c.platform)]
    named = [c for c in own if c.native == name] or [c for c in own if c.name == name]
    ids = {c.id for c in named}
    if name and len(ids) == 1:
        return named[0]
    if name:
        return "ambiguous_campaign" if ids else "unknown_campaign"
    return "unknown_click"


def _ad(event: Event, campaign: Campaign | str, click_ads: Mapping[str, str]) -> str:
    """The ad of the campaign that the click is of, else the one that utm_content names; '' where there is no single."""
    if isinstance(campaign, str):
        return ""
    click, content = _click(event), event["utm_content"]
    if click and click[0] == "google" and click[1] in click_ads:
        return click_ads[click[1]]
    places = {"id": 0, "tag": 2, "name": 1}.values()
    by_kind = ([ad[0] for ad in campaign.ads if len(ad) > place and ad[place] == content] for place in places)
    named = next((found for found in by_kind if found and content), [])
    return campaign.ad(named[0]) if len(named) == 1 else ""
