"""Everything that was ever accepted, in plain Python: what the stores are compared with. Knows no store."""

import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from resources.d1.times import moment
from tests.assets.rollups.lakeside import Event

EventKey = tuple[str, date, str]
PointKey = tuple[str, int]


@dataclass(frozen=True)
class Session:
    """A session as its row in D1 is; `at` is its time as text."""

    id: str
    user: str
    at: str
    amount: float | None
    unit: str | None
    rating: int | None
    seconds: float | None
    notes: str | None

    @property
    def moment(self) -> datetime:
        return moment(self.at)

    def row(self) -> dict[str, Any]:
        """Its columns; those that are not named have their defaults."""
        return {
            "id": self.id,
            "userId": self.user,
            "timestamp": self.at,
            "amount": self.amount,
            "unit": self.unit,
            "rating": self.rating,
            "durationSeconds": self.seconds,
            "notes": self.notes,
            "createdAt": self.at,
            "updatedAt": self.at,
        }

    def rated(self, rating: int) -> "Session":
        """The same after its owner changed it."""
        return replace(self, rating=rating, notes="later")


@dataclass(frozen=True)
class Point:
    """A point of a session."""

    session: str
    seq: int
    user: str
    at: str
    values: dict[str, float]

    def line(self) -> bytes:
        """As it is flushed."""
        told = {"userId": self.user, "sessionId": self.session, "seq": self.seq, "at": self.at, "values": self.values}
        return json.dumps(told).encode()


@dataclass
class Model:
    """What was accepted: events by their identity, Sesh's sessions, points and change log by their keys.

    Of doubles the first that landed is the one; `landed` says when the last one did.
    """

    events: dict[EventKey, Event] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    points: dict[PointKey, Point] = field(default_factory=dict)
    changes: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    landed: dict[EventKey, date] = field(default_factory=dict)
    signed_in: dict[str, datetime] = field(default_factory=dict)

    def land(self, events: tuple[Event, ...], day: date) -> None:
        """Valid events of one batch, ingested after that day; batches come in the order of their keys."""
        for happened in events:
            self.events.setdefault(key_of(happened), happened)
            self.landed[key_of(happened)] = day


def key_of(happened: Event) -> EventKey:
    """What an event is known by."""
    return happened["org_tag"], happened["timestamp"].date(), happened["event_id"]
