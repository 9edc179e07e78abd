"""What credits must be, from the same events in plain Python, conversion by conversion: a second opinion."""

import html
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from tests.assets.attribution.attribution_stores import Campaign
from tests.assets.rollups.event_lake import Event

Key = tuple[date, str, date, str, str, str, str, str, str, str]
PAID = (("gclid", "google"), ("gbraid", "google"), ("wbraid", "google"), ("msclkid", "microsoft"), ("ttclid", "tiktok"))
SOURCES = {
    "google": "google", "youtube": "google", "google.de": "google", "fb": "facebook", "facebook": "facebook",
    "meta_ads": "facebook", "m.facebook.com": "facebook", "an": "facebook", "bing": "microsoft", "tiktok": "tiktok",
}  # fmt: skip
NOTHING = {"", "(not set)", "undefined", "null", "(none)"}
FIELDS = ("gclid", "fbclid", "utm_source", "utm_campaign", "utm_content")
PAUSE, DAY = timedelta(minutes=30), timedelta(days=1)
MICRO = Decimal("0.000001")
# The weights of touches, oldest first, by their ages in days.
MODELS: Mapping[str, Callable[[list[Decimal]], list[Fraction]]] = {
    "first": lambda ages: [Fraction(n == 0) for n in range(len(ages))],
    "last": lambda ages: [Fraction(n == len(ages) - 1) for n in range(len(ages))],
    "linear": lambda ages: [Fraction(1)] * len(ages),
    "position": lambda ages: _position(len(ages)),
    "decay": lambda ages: [Fraction(Decimal("0.5") ** (age / 7)) for age in ages],
}


@dataclass(frozen=True)
class Touch:
    """A visit: when it counts from, whose it is, and what its event named."""

    event: Event
    at: datetime
    platform: str
    click: str
    campaign_id: str
    ad_id: str
    campaign: str
    content: str


def recount(
    events: Iterable[Event],
    campaigns: Iterable[Campaign],
    clicks: Mapping[str, Campaign],
    rules: Mapping[str, tuple[set[str], int]],
    click_ads: Mapping[str, str] | None = None,
    orgs: Mapping[str, str] | None = None,
    joins_devices: bool = True,
    refund_types: Mapping[str, set[str]] | None = None,
) -> list[tuple[Any, ...]]:
    """Rows of attribution.credits, sorted. rules: conversion types and window by tag; clicks: by click id.

    click_ads: our ids of the ads of those clicks of which it is known. orgs: the organisations of tags that are not of
    the organisation that is named after them. refund_types: by tag.
    """
    found: dict[Key, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    organisations = {event["org_tag"]: f"org-{event['org_tag']}" for event in events} | dict(orgs or {})
    events = _with_consent(events)
    touches = [touch for session in _sessions(events) for touch in _touches(session)]
    matched = {id(t): _campaign(t, campaigns, clicks, organisations[t.event["org_tag"]]) for t in touches}
    ads = {id(t): _ad(t, matched[id(t)], click_ads or {}) for t in touches}
    by_browser: dict[tuple[str, str], list[Touch]] = defaultdict(list)
    for touch in touches:
        by_browser[organisations[touch.event["org_tag"]], touch.event["anonymous_id"]].append(touch)

    def add(
        event: Event, at: datetime, match: Campaign | str, ad: str, model: str, currency: str, *amounts: Any
    ) -> None:
        zone = UTC if isinstance(match, str) else match.zone
        named = ("", "", "", match) if isinstance(match, str) else (match.platform, match.account, match.id, "")
        key = (at.date(), event["org_tag"], at.astimezone(zone).date(), *named, ad, model, currency)
        found[key] = [had + Decimal(more) for had, more in zip(found[key], amounts, strict=True)]

    for touch in touches:
        add(touch.event, touch.at, matched[id(touch)], ads[id(touch)], "", "", 1, 0, 0)
    for event, orders, value, currency in _counted(events, rules, refund_types or {}):
        days = rules.get(event["org_tag"], (set(), 30))[1]
        at, org = event["timestamp"], organisations[event["org_tag"]]
        since = at - timedelta(days=days)
        browsers = {event["anonymous_id"]}
        if joins_devices:
            browsers |= _browsers(event["anonymous_id"], _sign_ins(events, org, organisations, since, at))
        brought = sorted(
            (t for browser in browsers for t in by_browser.get((org, browser), []) if since <= t.at <= at),
            key=lambda t: t.at,
        )
        refused = event["consent_marketing"] is False
        ages = [Decimal((at - touch.at) // timedelta(microseconds=1)) / 86_400_000_000 for touch in brought]
        for model, weights in MODELS.items():
            if refused or not brought:
                add(event, at, "no_consent" if refused else "no_touch", "", model, currency, 0, orders, value)
                continue
            weighed = [(t, weight) for t, weight in zip(brought, weights(ages), strict=True) if weight]
            of_each = [weight for _, weight in weighed]
            parts = zip(weighed, _shares(Decimal(orders), of_each), _shares(value, of_each), strict=True)
            for (touch, _), part, part_value in parts:
                add(event, at, matched[id(touch)], ads[id(touch)], model, currency, 0, part, part_value)
    return sorted((*key[:7], int(row[0]), *key[7:], row[1], row[2]) for key, row in found.items())


def touched(
    events: Iterable[Event], campaigns: Iterable[Campaign], clicks: Mapping[str, Campaign]
) -> Iterator[tuple[str, date, str, str]]:
    """Of each touch its tag, day and utm_campaign, and why it has no campaign: '' where it has one."""
    days: dict[date, list[Event]] = defaultdict(list)
    for event in _with_consent(events):
        days[event["timestamp"].date()].append(event)
    for day, own in days.items():
        for touch in (touch for session in _sessions(own) for touch in _touches(session)):
            tag = touch.event["org_tag"]
            of = _campaign(touch, campaigns, clicks, f"org-{tag}")
            yield tag, day, touch.campaign, of if isinstance(of, str) else ""


def _position(touches: int) -> list[Fraction]:
    if touches <= 2:
        return [Fraction(1)] * touches
    return [Fraction(2, 5), *[Fraction(1, 5) / (touches - 2)] * (touches - 2), Fraction(2, 5)]


def _counted(
    events: Iterable[Event], rules: Mapping[str, tuple[set[str], int]], refund_types: Mapping[str, set[str]]
) -> Iterable[tuple[Event, int, Decimal, str]]:
    """What counts: the event whose visitor and moment it is of, 1 or 0 conversions, the amount, its currency."""
    first: dict[tuple[str, str], Event] = {}
    refunds: list[Event] = []
    for event in sorted(events, key=lambda e: e["timestamp"]):
        org, value = event["org_tag"], event["event_value"] or 0
        if _is_bot(event):
            continue
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
        order = _data(event).get("order_id", "")
        yield first.get((event["org_tag"], order), event), 0, -abs(_money(event)), _data(event).get("currency", "")


def _is_bot(event: Event) -> bool:
    return "Googlebot" in (event["user_agent"] or "")


def _data(event: Event) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(event["event_data"] or "{}")
    except ValueError:
        return {}
    return found


def _money(event: Event) -> Decimal:
    return Decimal(repr(event["event_value"] or 0.0)).quantize(MICRO)


def _sign_ins(
    events: Iterable[Event], org: str, organisations: Mapping[str, str], since: datetime, until: datetime
) -> set[tuple[str, str]]:
    """Browsers and users of an organisation that were seen together in a time, where marketing was allowed."""
    return {
        (event["anonymous_id"], event["user_id"])
        for event in events
        if organisations[event["org_tag"]] == org and event["user_id"] and event["consent_marketing"] is not False
        if since <= event["timestamp"] <= until
    }


def _browsers(own: str, seen: set[tuple[str, str]]) -> set[str]:
    """The browsers of the one user of a browser that nobody else uses."""
    users = {user for browser, user in seen if browser == own}
    if len(users) != 1:
        return set()
    others = {browser for browser, user in seen if user in users}
    return {browser for browser in others if {user for b, user in seen if b == browser} == users}


def _with_consent(events: Iterable[Event]) -> list[Event]:
    """The events with the consent that they have: what their visitor said last, where they say nothing."""
    said: dict[tuple[str, str], bool] = {}
    found: list[Event] = []
    for event in sorted(events, key=lambda e: e["timestamp"]):
        who, flag = (event["org_tag"], event["anonymous_id"]), event["consent_marketing"]
        said[who] = said.get(who, True) if flag is None else flag
        found.append({**event, "consent_marketing": said[who]})
    return found


def _shares(whole: Decimal, weights: list[Fraction]) -> list[Decimal]:
    """The whole by weight, in micro-units, cut off; the last has the rest."""
    sign = -1 if whole < 0 else 1
    exact = [Fraction(abs(whole)) * weight / sum(weights) / Fraction(MICRO) for weight in weights[:-1]]
    parts = [sign * int(part) * MICRO for part in exact]
    return [*parts, whole - sum(parts, Decimal(0))]


def _sessions(events: Iterable[Event]) -> Iterator[list[Event]]:
    """The events of one session id and visitor without a pause of 30 minutes, in order."""
    groups: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda e: (e["timestamp"], e["event_id"])):
        groups[event["org_tag"], event["anonymous_id"], event["session_id"]].append(event)
    for own in groups.values():
        session = own[:1]
        for a, b in pairwise(own):
            if b["timestamp"] - a["timestamp"] >= PAUSE:
                yield session
                session = []
            session.append(b)
        yield session


def _touches(session: list[Event]) -> Iterator[Touch]:
    """The visits of a session: a campaign or click that is not the last one. What a refused event names counts from the
    moment of the same day at which its visitor agrees. A visit lasts to the end of the next day."""
    last: Touch | None = None
    waiting: Touch | None = None
    naming_days: set[date] = set()
    day = session[0]["timestamp"].date()
    for event in session:
        if event["timestamp"].date() != day:
            ended = day - DAY in naming_days or day not in naming_days
            day, waiting = event["timestamp"].date(), None
            last = None if ended else last
        said = _named(event)
        if event["consent_marketing"] is False:
            waiting = said or waiting
            continue
        said, waiting = said or waiting, None
        if said is None:
            continue
        first_of_day = day not in naming_days
        naming_days.add(day)
        if last is not None and _goes_on(said, last):
            last = said if first_of_day else last
            continue
        last = Touch(event, event["timestamp"], *_values(said))
        yield last


def _values(touch: Touch) -> tuple[str, ...]:
    return touch.platform, touch.click, touch.campaign_id, touch.ad_id, touch.campaign, touch.content


def _goes_on(said: Touch, last: Touch) -> bool:
    if said.platform and last.platform and said.platform != last.platform:
        return False
    for name in ("click", "campaign_id", "campaign", "ad_id"):
        now, before = getattr(said, name), getattr(last, name)
        if now:
            return bool(now == before if name == "click" else _fold(now) == _fold(before))
    raise AssertionError("it names something")


def _plain(text: str | None) -> str:
    """Decoded, in one form, without blanks around; nothing where it is a placeholder."""
    before = None
    while text and text != before:
        before, text = text, html.unescape(unquote_plus(text))
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text or "")).strip()
    return "" if text.lower() in NOTHING or re.fullmatch(r"{.*}|__.*__", text) else text


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text.casefold())


def _named(event: Event) -> Touch | None:
    if _is_bot(event):
        return None
    query = (event["page_search"] or "").lstrip("?").replace("&amp;", "&")
    address = dict(reversed([(name.lower(), value) for name, value in parse_qsl(query)]))
    said = {**address, **{name: value for name in FIELDS if (value := event.get(name))}}
    text = {name: _plain(value) for name, value in said.items()}
    click, platform = next(((text[name], of) for name, of in PAID if text.get(name)), ("", ""))
    numbers = {name: value for name, value in text.items() if re.fullmatch(r"\d{9,20}", value)}
    campaign_id = text.get("gad_campaignid") or text.get("utm_id") or numbers.get("campaign_id") or ""
    ad_id = numbers.get("ad_id") or numbers.get("utm_content") or ""
    source = text.get("utm_source", "")
    if not platform:
        platform = "google" if text.get("gad_campaignid") else SOURCES.get(source.lower(), "") if source else ""
        if not source and not platform and text.get("fbclid"):
            platform = "facebook"
    campaign, content = text.get("utm_campaign", ""), text.get("utm_content", "")
    if not (click or campaign or campaign_id or ad_id):
        return None
    if not click and platform == "facebook":
        click = text.get("fbclid", "")
    return Touch(event, event["timestamp"], platform, click, campaign_id, ad_id, campaign, content)


def _campaign(touch: Touch, campaigns: Iterable[Campaign], clicks: Mapping[str, Campaign], org: str) -> Campaign | str:
    """The campaign that a touch names, or why there is none."""
    of = clicks.get(touch.click) if touch.platform == "google" else None
    if of is not None and of.org == org:
        return of
    own = [c for c in campaigns if c.org == org and touch.platform in ("", c.platform)]
    name = touch.campaign
    with_ad = [c for c in own if touch.ad_id and any(ad[0] == touch.ad_id for ad in c.ads)]
    named = [c for c in own if name and _fold(_plain(c.name)) == _fold(name)]
    times = (
        [c for c in named if c.since <= touch.at < c.until],
        [c for c in named if c.until <= touch.at],
        [c for c in named if touch.at < c.since],
    )
    surest = (
        [c for c in own if touch.campaign_id and c.native == touch.campaign_id],
        [c for c in own if name and c.native == name],
        with_ad if len({c.id for c in with_ad}) == 1 else [],
        *(by_case for at_once in times for by_case in ([c for c in at_once if _plain(c.name) == name], at_once)),
    )
    decisive = next((found for found in surest if found), [])
    if len({c.id for c in decisive}) == 1:
        return decisive[0]
    if decisive:
        return "ambiguous_campaign"
    return "unknown_campaign" if name or touch.campaign_id or touch.ad_id else "unknown_click"


def _ad(touch: Touch, campaign: Campaign | str, click_ads: Mapping[str, str]) -> str:
    """The ad of the campaign that the click is of, else the one that the address names; '' where there is no single."""
    if isinstance(campaign, str):
        return ""
    if touch.platform == "google" and touch.click in click_ads:
        return click_ads[touch.click]
    places = {"id": 0, "tag": 2, "name": 1}
    by_kind = [[ad[0] for ad in campaign.ads if touch.ad_id and ad[0] == touch.ad_id]]
    for place in places.values():
        of_kind = [ad for ad in campaign.ads if len(ad) > place and touch.content]
        by_kind += [
            [ad[0] for ad in of_kind if _plain(ad[place]) == touch.content],
            [ad[0] for ad in of_kind if _fold(_plain(ad[place])) == _fold(touch.content)],
        ]
    named = next((found for found in by_kind if found), [])
    return campaign.ad(named[0]) if len(named) == 1 else ""
