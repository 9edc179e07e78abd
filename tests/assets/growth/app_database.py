"""An app's own database with the whole schema and no row, what happens in it, and what its aggregations must be."""

import random
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from assets.apps import Growth
from assets.apps.growth import APP
from assets.windows import HOUR, Window, floor_hour, midnight
from resources.postgres import Postgres

assert APP.growth is not None
GROWTH: Growth = APP.growth
NOW = datetime(2026, 3, 20, 10, 30, tzinfo=UTC)
TYPES = ("page_view", "user_action", "form", "conversion", "system", "error")
SCHEMAS = ("marketing", "onboarding", "analytics", "experiments", "whatsapp")
Event = dict[str, Any]
# By period, start, type, name and country: events, sessions, users.
Counts = Mapping[tuple[Any, ...], tuple[int, int, int]]


def events(number: int, within: Window, seed: int = 0) -> list[Event]:
    """Events at random moments, of few people and sessions."""
    draw = random.Random(seed)
    users = [str(uuid.UUID(int=draw.getrandbits(128))) for _ in range(7)]
    return [
        {
            "type": draw.choice(TYPES),
            "name": draw.choice(("landing", "pricing", "signup")),
            "user_id": draw.choice([None, *users]),
            "session_id": draw.choice([None, *(f"session-{n}" for n in range(11))]),
            "country": draw.choice((None, "DE", "US")),
            "created_at": within.start + (within.end - within.start) * draw.random(),
        }
        for _ in range(number)
    ]


def insert(postgres: Postgres, rows: Sequence[Event]) -> None:
    """Insert events by one statement."""
    columns = ("type", "name", "user_id", "session_id", "country", "created_at")
    postgres.execute(
        f"insert into analytics.events ({', '.join(columns)})"
        " select type::analytics.event_type, name, user_id, session_id, country, created_at"
        " from unnest(%s::text[], %s::text[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[])"
        f" as incoming ({', '.join(columns)})",
        [[row[column] for row in rows] for column in columns],
    )


def recount(rows: Iterable[Event]) -> Counts:
    """The aggregations that events make, hours and days."""
    groups: dict[tuple[Any, ...], list[Event]] = defaultdict(list)
    for row in rows:
        at = row["created_at"].astimezone(UTC)
        for period, start in (("hour", floor_hour(at)), ("day", midnight(at.date()))):
            groups[period, start, row["type"], row["name"], row["country"] or ""].append(row)
    return {
        key: (
            len(group),
            len({row["session_id"] for row in group} - {None}),
            len({row["user_id"] for row in group} - {None}),
        )
        for key, group in groups.items()
    }


def stored(postgres: Postgres) -> Counts:
    """The aggregations as the database has them."""
    return {
        (row["period"], row["window_start"], row["type"], row["name"], row["country"]): (
            row["events"],
            row["sessions"],
            row["users"],
        )
        for row in postgres.fetch("select * from analytics.event_aggregations")
    }


def numbers(counts: Counts) -> dict[tuple[Any, ...], int]:
    """Only how many events."""
    return {key: events for key, (events, _, _) in counts.items()}


def stale(postgres: Postgres) -> set[tuple[str, datetime]]:
    """The marks, by kind and start."""
    return {(row["kind"], row["window_start"]) for row in postgres.fetch("select * from pipelines.stale_windows")}


def hours_before(number: float) -> datetime:
    """A moment before NOW."""
    return NOW - number * HOUR


def last(hours: float) -> Window:
    """The hours that end at NOW."""
    return Window(NOW - timedelta(hours=hours), NOW)
