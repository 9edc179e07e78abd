"""A web world of some years: visitors of a few organisations, and how their events arrive. Seeded; knows no store.

Days are small. Some events come hours, days, weeks or months late, some twice, some lines are none, and one visitor
never consents.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from assets.windows import DAY, HOUR, midnight
from tests.assets.attribution.attribution_stores import Campaign
from tests.assets.rollups.event_lake import Event, event

A, B, C, CLOSED = "a3f7c2", "b8e9d1", "c41d7e", "e5f604"
ORGS = (A, A, B, B, C)
CAMPAIGNS = (
    Campaign(f"org-{A}", "google", "11", "spring"),
    Campaign(f"org-{A}", "facebook", "21", "spring"),
    Campaign(f"org-{B}", "microsoft", "41", "brand"),
)
RULES = {B: ({"purchase"}, 7)}
# An event this late still finds the archive of its quarter within the last four that are due.
LATEST = timedelta(days=330)
# The double of an event comes with another value only while the first one is surely in the lake.
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
    """Lines that land in one hour, and the events among them that are valid."""

    hour: datetime
    lines: tuple[bytes, ...]
    events: tuple[Event, ...]
    twice: bool


@dataclass
class Web:
    """The world. `batches` gives what lands in a window; windows must be asked for in order.

    Visits happen on one day in `every` only, the last of them.
    """

    seed: int
    start: date
    visits: float
    every: int = 1
    _waiting: list[tuple[datetime, bytes, Event | None]] = field(default_factory=list)

    def batches(self, first: date, end: date) -> list[Batch]:
        """What lands on the days of [first, end), an hour a batch, in order."""
        for number in range((end - first).days):
            day = first + timedelta(days=number)
            if (day - self.start).days % self.every == self.every - 1:
                self._happen(day)
        until = midnight(end)
        due = sorted((found for found in self._waiting if found[0] < until), key=lambda found: found[0])
        self._waiting = [found for found in self._waiting if found[0] >= until]
        hours: dict[datetime, list[tuple[datetime, bytes, Event | None]]] = {}
        for found in due:
            hours.setdefault(found[0].replace(minute=0, second=0, microsecond=0), []).append(found)
        return [
            Batch(
                hour,
                tuple(line for _, line, _ in landed),
                tuple(happened for _, _, happened in landed if happened is not None),
                twice=random.Random(f"{self.seed} {hour}").random() < 0.03,
            )
            for hour, landed in sorted(hours.items())
        ]

    def _happen(self, day: date) -> None:
        chance = random.Random(f"{self.seed} {day}")
        whole = int(self.visits)
        for number in range(whole + (chance.random() < self.visits - whole)):
            self._visit(chance, day, number)
        if chance.random() < 0.1:
            self._garbage(chance, day)

    def _visit(self, chance: random.Random, day: date, number: int) -> None:
        org, visitor = chance.choice(ORGS), chance.randrange(6)
        # Each visit has a second of its own, so that no two events of a visitor happen at once.
        begin = midnight(day) + timedelta(seconds=chance.randrange(86_400 // 16) * 16 + number % 16)
        named = chance.choice(_NAMED)
        consent = chance.choice([True, True, True, None, False])
        for turn in range(chance.choice([1, 1, 2, 3])):
            at = begin + turn * timedelta(minutes=chance.choice([4, 16, 48]))
            kind = chance.choice(["page_view", "page_view", "click", "conversion", "purchase"])
            happened = event(
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
            self._land(chance, happened)

    def _land(self, chance: random.Random, happened: Event) -> None:
        at: datetime = happened["timestamp"]
        valid = happened if happened["consent_analytics"] else None
        arrival = at + _delay(chance)
        self._waiting.append((arrival, _line(happened), valid))
        if chance.random() < 0.06:
            again = arrival + HOUR + _delay(chance)
            changed = {"event_value": 7.0} if again < at + STILL_LIVE else {}
            if again < at + LATEST:
                double = {**happened, **changed}
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
    """How long an event is on its way: mostly minutes."""
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


def _line(happened: dict[str, Any] | Event) -> bytes:
    return msgspec.json.encode({name: value for name, value in happened.items() if value is not None})
