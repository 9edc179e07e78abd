"""Everything that was ever accepted, in plain Python. The stores are compared with it. It knows no store."""

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
    """A session as a row of D1. at: its time as text."""

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
        """Its columns; the others have their defaults."""
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
        """The session after its owner changed it."""
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
        """The line of a flush."""
        fields = {"userId": self.user, "sessionId": self.session, "seq": self.seq, "at": self.at, "values": self.values}
        return json.dumps(fields).encode()


@dataclass
class Accepted:
    """Accepted events by their identity; accepted sessions, points and changes of Sesh by their keys.

    The first of doubled events counts. landed: the day after which an event landed, the last time if more than once.
    signed_in: when each session of an account began.
    """

    events: dict[EventKey, Event] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    points: dict[PointKey, Point] = field(default_factory=dict)
    changes: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    landed: dict[EventKey, date] = field(default_factory=dict)
    signed_in: dict[str, datetime] = field(default_factory=dict)

    def land(self, events: tuple[Event, ...], day: date) -> None:
        """Accept the valid events of one batch that is ingested after `day`. Batches come in order of their keys."""
        for event in events:
            self.events.setdefault(key_of(event), event)
            self.landed[key_of(event)] = day


def key_of(event: Event) -> EventKey:
    """The identity of an event."""
    return event["org_tag"], event["timestamp"].date(), event["event_id"]
