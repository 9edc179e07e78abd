"""The wanted values of ClearLift's dashboards: one JSON document an organisation, family and range of days.

Ranges are whole UTC days up to and including today. Values hold no time of their making, so that what did not change
is the same to the byte.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assets.rollups import sketch
from resources.postgres import Postgres
from resources.sql_files import read_sql

RANGES: Mapping[str, int] = {"1d": 1, "7d": 7, "30d": 30}
TOP = 50


@dataclass(frozen=True)
class Family:
    """Keys that are made alike: `dashboard:{org_tag}:{name}:{range}`."""

    name: str
    description: str
    values: Callable[[Postgres, date, date], Iterator[tuple[str, dict[str, Any]]]]


def wanted(postgres: Postgres, family: Family, today: date) -> dict[str, bytes]:
    """Key → JSON value, for every organisation with events in the range."""
    end = today + timedelta(days=1)
    found: dict[str, bytes] = {}
    for name, days in RANGES.items():
        start = end - timedelta(days=days)
        for org_tag, value in family.values(postgres, start, end):
            document = {"from": start.isoformat(), "to": today.isoformat(), **value}
            text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=float)
            found[f"dashboard:{org_tag}:{family.name}:{name}"] = text.encode()
    return found


def _summary(postgres: Postgres, start: date, end: date) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in postgres.fetch(read_sql("cache/summary.sql"), {"start": start, "end": end}):
        visitors = sketch.merge(row["visitor_sketches"])
        sessions = sketch.merge(row["session_sketches"])
        yield (
            row["org_tag"],
            {
                "events": row["events"],
                "page_views": row["page_views"],
                "visitors": sketch.count(visitors),
                "sessions": sketch.count(sessions),
                "value": row["value"],
                "exact": sketch.is_exact(visitors) and sketch.is_exact(sessions),
            },
        )


def _ranked(statement: str) -> Callable[[Postgres, date, date], Iterator[tuple[str, dict[str, Any]]]]:
    def values(postgres: Postgres, start: date, end: date) -> Iterator[tuple[str, dict[str, Any]]]:
        for row in postgres.fetch(read_sql(statement), {"start": start, "end": end, "top": TOP}):
            yield row["org_tag"], {"items": row["items"]}

    return values


FAMILIES: tuple[Family, ...] = (
    Family("summary", "Events, page views, visitors, sessions and value", _summary),
    Family("top_pages", "The most viewed pages", _ranked("cache/top_pages.sql")),
    Family("top_sources", "Where visits come from", _ranked("cache/top_sources.sql")),
    Family("top_campaigns", "Campaigns by their events", _ranked("cache/top_campaigns.sql")),
)
