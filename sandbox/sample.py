"""The sample: seeded organisations and some days of their web events, with the errors that real events have.

The same seed and end time give the same bytes. What belongs here: the events, and what must become of them. What does
not: putting them into the stores (`sample_stores`).
"""

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from sandbox import sample_dirt
from sandbox.sample_clicks import PaidClicks

BATCH = timedelta(minutes=5)


@dataclass(frozen=True)
class Organisation:
    """One sample organisation. `sessions_a_day` is the traffic of its site on an ordinary day."""

    tag: str
    name: str
    slug: str
    tier: str
    hostname: str
    sessions_a_day: int
    active: bool = True


ORGANISATIONS: tuple[Organisation, ...] = (
    Organisation("a3f7c2", "Larkspur Outdoor", "larkspur", "pro", "larkspur.example", 1400),
    Organisation("b8e9d1", "Brightside Dental", "brightside", "enterprise", "brightside.example", 900),
    Organisation("c41d7e", "Nordlys Coffee", "nordlys", "free", "nordlys.example", 600),
    Organisation("d90a2b", "Tessera Games", "tessera", "pro", "tessera.example", 1900),
    Organisation("e5f604", "Old Harbour Books", "old-harbour", "free", "oldharbour.example", 0, active=False),
)

_PAGES = ("/", "/products", "/products/classic", "/products/new", "/pricing", "/blog/launch", "/about", "/checkout")
_DEVICES = (("desktop", "Chrome", "Windows", 1920, 1080), ("mobile", "Safari", "iOS", 390, 844),
            ("mobile", "Chrome", "Android", 412, 915), ("tablet", "Safari", "iOS", 820, 1180),
            ("desktop", "Firefox", "Linux", 1680, 1050))  # fmt: skip
_PLACES = (("US", "California", "San Francisco", "America/Los_Angeles"), ("DE", "Berlin", "Berlin", "Europe/Berlin"),
           ("JP", "Tokyo", "Tokyo", "Asia/Tokyo"), ("NZ", "Auckland", "Auckland", "Pacific/Auckland"),
           ("GB", "England", "London", "Europe/London"))  # fmt: skip
_SOURCES = (
    (None, None, None),
    (None, None, None),
    ("google", "cpc", "spring_sale"),
    ("facebook", "paid_social", "launch"),
    ("newsletter", "email", "november"),
    ("tiktok", "paid_social", "creators"),
)


@dataclass
class Truth:
    """What must become of a sample's lines."""

    received: int = 0
    stored: int = 0
    doubled: int = 0
    without_consent: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def quarantined(self) -> int:
        return self.refused.total()


@dataclass(frozen=True)
class Batch:
    """Lines that arrive in the five minutes from `arrival` on."""

    arrival: datetime
    lines: tuple[bytes, ...]


def batches(
    until: datetime, days: int = 3, seed: int = 7, scale: float = 1.0, paid: PaidClicks | None = None
) -> tuple[list[Batch], Truth]:
    """The events of the `days` before `until` as batches in order of arrival, and what must become of them.

    `paid` brings a share of the sessions. It changes no count.
    """
    chance = random.Random(seed)  # noqa: S311 (a sample, no secret)
    truth = Truth()
    arrivals: dict[datetime, list[bytes]] = {}

    def land(at: datetime, line: bytes) -> None:
        slot = datetime.fromtimestamp(at.timestamp() // BATCH.total_seconds() * BATCH.total_seconds(), until.tzinfo)
        arrivals.setdefault(min(slot, _slot_before(until)), []).append(line)
        truth.received += 1

    for event, at in _events(chance, until, days, scale, paid):
        arrival = at + timedelta(seconds=chance.uniform(1, 60))
        if chance.random() < 0.005:
            arrival += timedelta(hours=chance.uniform(2, 30))
        line = msgspec.json.encode(event)
        land(arrival, line)
        if not event["consent_analytics"]:
            truth.without_consent += 1
            continue
        truth.stored += 1
        if chance.random() < 0.01:
            land(arrival + timedelta(minutes=chance.uniform(0, 120)), line)
            truth.doubled += 1
        if chance.random() < 0.003:
            line, reason = _refused(chance, event, until)
            land(arrival, line)
            truth.refused[reason] += 1
    ordered = [Batch(at, tuple(lines)) for at, lines in sorted(arrivals.items())]
    return ordered, truth


def _slot_before(until: datetime) -> datetime:
    seconds = BATCH.total_seconds()
    return datetime.fromtimestamp((until.timestamp() - 1) // seconds * seconds, until.tzinfo)


def _events(
    chance: random.Random, until: datetime, days: int, scale: float, paid: PaidClicks | None
) -> Iterator[tuple[dict[str, Any], datetime]]:
    for org in ORGANISATIONS:
        visitors = [uuid.UUID(int=chance.getrandbits(128)).hex for _ in range(max(1, int(org.sessions_a_day * scale)))]
        for _ in range(int(org.sessions_a_day * days * scale)):
            start = until - timedelta(seconds=chance.uniform(0, days * 86_400))
            yield from _session(chance, org, chance.choice(visitors), start, until, paid)


def _session(
    chance: random.Random,
    org: Organisation,
    visitor: str,
    at: datetime,
    until: datetime,
    paid: PaidClicks | None,
) -> Iterator[tuple[dict[str, Any], datetime]]:
    session = sample_dirt.session_id(str(uuid.UUID(int=chance.getrandbits(128))), visitor)
    previous, last = None, None
    device, browser, system, width, height = chance.choice(_DEVICES)
    country, region, city, zone = chance.choice(_PLACES)
    source, medium, campaign = chance.choice(_SOURCES)
    consent = chance.random() > 0.02
    marketing = chance.choice((True, True, False, None))
    campaign = campaign and sample_dirt.campaign(campaign, visitor)
    query = f"?utm_source={source}&utm_medium={medium}&utm_campaign={campaign}" if source else None
    click = paid.take(org.tag, at) if paid else None
    if click is not None:
        click = replace(click, campaign=sample_dirt.campaign(click.campaign, visitor))
        source, medium, campaign, query = click.source, click.medium, click.campaign, click.query
    ids = {click.parameter: click.click_id} if click else {}
    for step in range(chance.choice((1, 1, 2, 3, 4, 6, 9))):
        if at >= until:
            return
        path = _PAGES[0] if step == 0 else chance.choice(_PAGES)
        # Within a visit, the site itself is the referrer.
        referrer = org.hostname if step else source and f"www.{source}.example"
        buys = path == "/checkout" and chance.random() < 0.3
        kind = "conversion" if buys else ("page_view" if step == 0 or chance.random() < 0.6 else "click")
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        event_id = str(uuid.UUID(int=chance.getrandbits(128)))
        purchase = sample_dirt.Purchase(event_id[:8], round(chance.uniform(9, 240), 2)) if buys else None
        yield (
            {
                "org_tag": org.tag,
                "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "session_id": session,
                "user_id": None,
                "anonymous_id": visitor,
                "event_id": event_id,
                "event_type": kind,
                "event_data": None,
                "event_category": None,
                "event_action": None,
                "event_label": None,
                "event_value": None,
                "page_url": f"https://{org.hostname}{path}{query or ''}",
                "page_title": f"{org.name} – {path.strip('/').title() or 'Home'}",
                "page_path": path,
                "page_hostname": org.hostname,
                "page_search": query,
                "page_hash": None,
                "referrer": f"https://{referrer}{previous or '/'}" if referrer else None,
                "referrer_domain": referrer,
                "device_type": device,
                "viewport_width": width,
                "viewport_height": height,
                "screen_width": width,
                "screen_height": height,
                "browser_name": browser,
                "browser_version": "131.0",
                "browser_language": chance.choice(("en-US", "de-DE", "ja-JP")),
                "os_name": system,
                "os_version": None,
                "user_agent": sample_dirt.user_agent(f"Mozilla/5.0 ({system}) {browser}/131.0", visitor),
                "geo_country": country,
                "geo_region": region,
                "geo_city": city,
                "geo_timezone": zone,
                "utm_source": source,
                "utm_medium": medium,
                "utm_campaign": campaign,
                "utm_term": None,
                "utm_content": click.content or None if click else None,
                "gclid": ids.get("gclid"),
                "fbclid": ids.get("fbclid"),
                "scroll_depth": float(chance.randrange(0, 101, 5)),
                "engagement_time": round(chance.expovariate(1 / 20), 1),
                "page_load_time": float(chance.randrange(200, 4000)),
                "ttfb": float(chance.randrange(20, 600)),
                "dom_content_loaded": None,
                "first_contentful_paint": None,
                "largest_contentful_paint": None,
                "consent_analytics": consent,
                "consent_marketing": marketing,
                **(sample_dirt.bought(purchase, visitor) if purchase else {}),
                **(sample_dirt.after(last, visitor) if last and not purchase else {}),
            },
            at,
        )
        previous, last = path, purchase
        at += timedelta(seconds=chance.expovariate(1 / 40))


def _refused(chance: random.Random, event: dict[str, Any], until: datetime) -> tuple[bytes, str]:
    """A line that must be refused, made from a good event, and the reason of the refusal."""
    fresh = {**event, "event_id": str(uuid.UUID(int=chance.getrandbits(128)))}
    match chance.randrange(7):
        case 0:
            return msgspec.json.encode(fresh)[: chance.randrange(20, 400)], "not_json"
        case 1:
            fresh.pop("session_id")
            return msgspec.json.encode(fresh), "missing_field"
        case 2:
            return msgspec.json.encode({**fresh, "viewport_width": "wide"}), "wrong_type"
        case 3:
            return msgspec.json.encode({**fresh, "timestamp": "1998-02-30T00:00:00Z"}), "wrong_type"
        case 4:
            ahead = (until + timedelta(days=400)).isoformat().replace("+00:00", "Z")
            return msgspec.json.encode({**fresh, "timestamp": ahead}), "timestamp_in_future"
        case 5:
            return msgspec.json.encode({**fresh, "org_tag": "zzzzzz"}), "unknown_org_tag"
        case _:
            return msgspec.json.encode({**fresh, "org_tag": "e5f604"}), "inactive_org_tag"
