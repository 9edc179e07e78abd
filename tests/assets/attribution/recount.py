"""What credits must be, from the same events in plain Python, conversion by conversion: a second opinion."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, timedelta
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import Any
from urllib.parse import parse_qs

from tests.assets.attribution.attribution_stores import Campaign
from tests.assets.rollups.event_lake import Event

Key = tuple[date, str, date, str, str, str, str, str, str, str]
PARAMETERS = (("gclid", "google"), ("msclkid", "microsoft"), ("ttclid", "tiktok"), ("fbclid", "facebook"))
SOURCES = {"google": "google", "fb": "facebook", "facebook": "facebook", "bing": "microsoft", "tiktok": "tiktok"}
MICRO = Decimal("0.000001")
# The weights of touches, oldest first, by their ages in days.
MODELS: Mapping[str, Callable[[list[Decimal]], list[Decimal]]] = {
    "first": lambda ages: [Decimal(n == 0) for n in range(len(ages))],
    "last": lambda ages: [Decimal(n == len(ages) - 1) for n in range(len(ages))],
    "linear": lambda ages: [Decimal(1)] * len(ages),
    "position": lambda ages: _position(len(ages)),
    "decay": lambda ages: [Decimal("0.5") ** (age / 7) for age in ages],
}


def recount(
    events: Iterable[Event],
    campaigns: Iterable[Campaign],
    clicks: Mapping[str, Campaign],
    rules: Mapping[str, tuple[set[str], int]],
    click_ads: Mapping[str, str] | None = None,
    refund_types: Mapping[str, set[str]] | None = None,
) -> list[tuple[Any, ...]]:
    """Rows of attribution.credits, sorted. rules: conversion types and window by tag; clicks: by click id.

    click_ads: our ids of the ads of those clicks of which it is known. refund_types: by tag.
    """
    found: dict[Key, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    events = [event for event in _with_consent(events) if "Googlebot" not in (event["user_agent"] or "")]
    touches = _touches(events)
    matched = {id(t): _campaign(t, campaigns, clicks) for list_ in touches.values() for t in list_}
    ads = {id(t): _ad(t, matched[id(t)], click_ads or {}) for list_ in touches.values() for t in list_}

    def add(event: Event, match: Campaign | str, ad: str, model: str, currency: str, *amounts: Any) -> None:
        zone = UTC if isinstance(match, str) else match.zone
        named = ("", "", "", match) if isinstance(match, str) else (match.platform, match.account, match.id, "")
        day = event["timestamp"].astimezone(zone).date()
        key = (event["timestamp"].date(), event["org_tag"], day, *named, ad, model, currency)
        found[key] = [had + Decimal(more) for had, more in zip(found[key], amounts, strict=True)]

    for own in touches.values():
        for touch in own:
            add(touch, matched[id(touch)], ads[id(touch)], "", "", 1, 0, 0)
    for event, orders, value, currency in _counted(events, rules, refund_types or {}):
        days, at = rules.get(event["org_tag"], (set(), 30))[1], event["timestamp"]
        brought = [
            touch
            for touch in touches.get((event["org_tag"], event["anonymous_id"]), [])
            if at - timedelta(days=days) <= touch["timestamp"] <= at
        ]
        refused = event["consent_marketing"] is False
        ages = [Decimal((at - touch["timestamp"]) // timedelta(microseconds=1)) / 86_400_000_000 for touch in brought]
        for model, weights in MODELS.items():
            if refused or not brought:
                add(event, "no_consent" if refused else "no_touch", "", model, currency, 0, orders, value)
                continue
            weighed = [(t, weight) for t, weight in zip(brought, weights(ages), strict=True) if weight]
            of_each = [weight for _, weight in weighed]
            parts = zip(weighed, _shares(Decimal(orders), of_each), _shares(value, of_each), strict=True)
            for (touch, _), part, part_value in parts:
                add(event, matched[id(touch)], ads[id(touch)], model, currency, 0, part, part_value)
    return sorted((*key[:7], int(row[0]), *key[7:], row[1], row[2]) for key, row in found.items())


def _position(touches: int) -> list[Decimal]:
    if touches <= 2:
        return [Decimal(1)] * touches
    return [Decimal("0.4"), *[Decimal("0.2") / (touches - 2)] * (touches - 2), Decimal("0.4")]


def _counted(
    events: Iterable[Event], rules: Mapping[str, tuple[set[str], int]], refund_types: Mapping[str, set[str]]
) -> Iterable[tuple[Event, int, Decimal, str]]:
    """What counts: the event whose visitor and moment it is of, 1 or 0 conversions, the amount, its currency."""
    first: dict[tuple[str, str], Event] = {}
    refunds: list[Event] = []
    for event in sorted(events, key=lambda e: e["timestamp"]):
        org, value = event["org_tag"], event["event_value"] or 0
        refunding = event["event_type"] in refund_types.get(org, set())
        if not refunding and event["event_type"] not in rules.get(org, ({"conversion"}, 30))[0]:
            continue
        if refunding or value < 0:
            refunds.append(event)
            continue
        order = _data(event).get("order_id")
        if order is None or first.setdefault((org, order), event) is event:
            yield event, 1, _money(event), _data(event).get("currency", "")
    for event in refunds:
        order = _data(event).get("order_id")
        yield first.get((event["org_tag"], order), event), 0, -abs(_money(event)), _data(event).get("currency", "")


def _data(event: Event) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(event["event_data"] or "{}")
    except ValueError:
        return {}
    return found


def _money(event: Event) -> Decimal:
    return Decimal(repr(event["event_value"] or 0.0)).quantize(MICRO)


def _with_consent(events: Iterable[Event]) -> list[Event]:
    """The events with the consent that they have: what their visitor said last, where they say nothing."""
    said: dict[tuple[str, str], bool] = {}
    found: list[Event] = []
    for event in sorted(events, key=lambda e: e["timestamp"]):
        who, flag = (event["org_tag"], event["anonymous_id"]), event["consent_marketing"]
        said[who] = said.get(who, True) if flag is None else flag
        found.append({**event, "consent_marketing": said[who]})
    return found


def _shares(whole: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """The whole by weight, in micro-units, cut off; the last has the rest."""
    with localcontext(prec=60):
        sign = -1 if whole < 0 else 1
        exact = [abs(whole) * weight / sum(weights) for weight in weights[:-1]]
        parts = [sign * part.quantize(MICRO, rounding=ROUND_FLOOR) for part in exact]
        return [*parts, whole - sum(parts, Decimal(0))]


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
