"""The simulated visitors of a few organisations, and how their events arrive. Random from a seed; knows no store.

A day has few events. Some arrive hours, days, weeks or months late, some twice. Some lines are no events, and one
visitor never consents.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from assets.windows import DAY, HOUR, floor_hour, midnight
from tests.assets.attribution.stand import Campaign
from tests.assets.rollups.lakeside import Event, event

A, B, C, CLOSED = "a3f7c2", "b8e9d1", "c41d7e", "e5f604"
ORGS = (A, A, B, B, C)
CAMPAIGNS = (
    Campaign(f"org-{A}", "google", "11", "spring"),
    Campaign(f"org-{A}", "facebook", "21", "spring"),
    Campaign(f"org-{B}", "microsoft", "41", "brand"),
)
RULES = {B: ({"purchase"}, 7)}
# The quarter of an event that is so late is still among the last four that an archive checks.
LATEST = timedelta(days=330)
# Before this age an event is surely still in the lake. Only then may its double have another value.
STILL_LIVE = timedelta(days=60)
_NAMED: tuple[dict[str, str], ...] = (
    {},
    {},
    {"utm_campaign": "spring", "utm_source": "google", "utm_medium": "cpc"},
    {"utm_campaign": "spring", "utm_source": "newsletter"},
    {"gclid": "unknown", "utm_campaign": "11"},
    {"page_search": "?msclkid=m", "utm_campaign": "brand"},
    {"referrer_domain": "news.example"},
)
_VALUES = (None, 0.01, 12.5, -3.0, 99.99)
_PAGES = ("/", "/pricing", "/blog/käse")


@dataclass(frozen=True)
class Batch:
    """The lines that land in one hour, and the valid events among them. twice: whether the batch lands twice."""

    hour: datetime
    lines: tuple[bytes, ...]
    events: tuple[Event, ...]
    twice: bool


@dataclass
class WebEvents:
    """Makes batches. visits: how many a day, on average. every: only the last of so many days has visits."""

    seed: int
    start: date
    visits: float
    every: int = 1
    _waiting: list[tuple[datetime, bytes, Event | None]] = field(default_factory=list)

    def batches(self, first: date, end: date) -> list[Batch]:
        """What lands on the days of [first, end), one batch an hour, in order. Each call continues the one before."""
        for number in range((end - first).days):
            day = first + timedelta(days=number)
            if (day - self.start).days % self.every == self.every - 1:
                self._make_day(day)
        until = midnight(end)
        due = sorted((line for line in self._waiting if line[0] < until), key=lambda line: line[0])
        self._waiting = [line for line in self._waiting if line[0] >= until]
        hours: dict[datetime, list[tuple[datetime, bytes, Event | None]]] = {}
        for line in due:
            hours.setdefault(floor_hour(line[0]), []).append(line)
        return [
            Batch(
                hour,
                tuple(line for _, line, _ in landed),
                tuple(valid for _, _, valid in landed if valid is not None),
                twice=random.Random(f"{self.seed} {hour}").random() < 0.03,
            )
            for hour, landed in sorted(hours.items())
        ]

    def _make_day(self, day: date) -> None:
        chance = random.Random(f"{self.seed} {day}")
        whole = int(self.visits)
        for number in range(whole + (chance.random() < self.visits - whole)):
            self._visit(chance, day, number)
        if chance.random() < 0.1:
            self._garbage(chance, day)

    def _visit(self, chance: random.Random, day: date, number: int) -> None:
        org, visitor = chance.choice(ORGS), chance.randrange(6)
        # Each visit has its own second, so that no two events of a visitor have the same time.
        begin = midnight(day) + timedelta(seconds=chance.randrange(86_400 // 16) * 16 + number % 16)
        named = chance.choice(_NAMED)
        consent = chance.choice([True, True, True, None, False])
        for turn in range(chance.choice([1, 1, 2, 3])):
            at = begin + turn * timedelta(minutes=chance.choice([4, 16, 48]))
            kind = chance.choice(["page_view", "page_view", "click", "conversion", "purchase"])
            made = event(
                **(named if turn == 0 else {}),
                org_tag=org,
                timestamp=at + timedelta(microseconds=chance.randrange(1_000_000)) if turn == 0 else at,
                event_id=f"{day:%y%m%d}-{number}-{turn}",
                session_id=f"s-{day:%y%m%d}-{number}",
                anonymous_id=f"v{visitor}",
                event_type=kind,
                event_value=chance.choice(_VALUES) if kind in ("conversion", "purchase") else None,
                page_path=chance.choice(_PAGES),
                page_hostname=f"{org}.example",
                device_type=chance.choice(["mobile", "desktop"]),
                geo_country=chance.choice(["DE", "NZ", None]),
                consent_analytics=visitor != 0,
                consent_marketing=consent,
            )
            self._land(chance, made)

    def _land(self, chance: random.Random, made: Event) -> None:
        at: datetime = made["timestamp"]
        valid = made if made["consent_analytics"] else None
        arrival = at + _delay(chance)
        self._waiting.append((arrival, _line(made), valid))
        if chance.random() < 0.06:
            again = arrival + HOUR + _delay(chance)
            changed = {"event_value": 7.0} if again < at + STILL_LIVE else {}
            if again < at + LATEST:
                double = {**made, **changed}
                self._waiting.append((again, _line(double), double if valid else None))

    def _garbage(self, chance: random.Random, day: date) -> None:
        at = midnight(day) + timedelta(hours=chance.randrange(24))
        plain = event(org_tag=A, timestamp=at, event_id=f"never-{day}")
        lines = (
            b"{not json",
            _line({**plain, "event_id": None}),
            _line({**plain, "org_tag": CLOSED}),
            _line({**plain, "org_tag": "nobody"}),
            _line({**plain, "timestamp": at + 1_000 * DAY}),
        )
        self._waiting += [(at, line, None) for line in chance.sample(lines, 2)]


def _delay(chance: random.Random) -> timedelta:
    """How long an event takes to arrive: mostly minutes."""
    lateness = chance.random()
    if lateness < 0.82:
        return timedelta(seconds=chance.randrange(300))
    if lateness < 0.90:
        return timedelta(minutes=chance.randrange(60, 600))
    if lateness < 0.95:
        return timedelta(hours=chance.randrange(20, 150))
    if lateness < 0.97:
        return timedelta(days=chance.randrange(7, 34), minutes=chance.randrange(1_000))
    return timedelta(days=chance.randrange(40, LATEST.days), minutes=chance.randrange(1_000))


def _line(fields: dict[str, Any] | Event) -> bytes:
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None})
