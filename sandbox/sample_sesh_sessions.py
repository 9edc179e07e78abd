"""Sesh's sample sessions: two years for a few users, and the points of the latest ones as the application writes them.

The same seed and end time give the same rows, objects and ids. To fill again therefore changes nothing, even after
months were folded. What does not belong here: the users (`sample_sesh`).
"""

import gzip
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import SERIES, SESSIONS
from assets.points import landing
from assets.series import ahead, registry
from resources.d1 import D1
from resources.d1.database import Param
from resources.d1.times import stamp
from resources.r2 import ObjectStore

SEED = 13
USERS = 8
DAYS = 730
# The share of days on which a user records a session, and the age in days up to which sessions have points.
ACTIVE, POINT_DAYS = 0.4, 5
FLUSH = 10

_METHODS = (("joint", "g", 0.5), ("vaporizer", "g", 0.2), ("edible", "mg", 10.0), ("tincture", "ml", 0.5))


def fill(d1: D1, store: ObjectStore, until: datetime) -> dict[str, int]:
    """Make the partitions, put the sample's sessions, as of `until`, into them, and the points into R2.

    It changes no existing row or object. Returns the numbers of sessions and of new objects.
    """
    sessions = list(_sessions(random.Random(SEED), until))  # noqa: S311 (a sample, no secret)
    for family in SERIES:
        ahead.make(d1, family, lambda: until, until - timedelta(days=DAYS))
    columns = list(sessions[0])
    for partition in registry.load(d1, SESSIONS).answering:
        start, end = stamp(partition.window.start), stamp(partition.window.end)
        rows: Iterator[list[Param]] = (list(row.values()) for row in sessions if start <= row["timestamp"] < end)
        d1.upsert(partition.name, columns, rows, SESSIONS.key, update=[])
    objects = 0
    for session in sessions:
        if session["timestamp"] >= stamp(until - timedelta(days=POINT_DAYS)):
            objects += sum(store.put_if_absent(key, content) for key, content in _flushes(session))
    return {"sessions": len(sessions), "objects": objects}


def _sessions(rng: random.Random, until: datetime) -> Iterator[dict[str, Any]]:
    first = until - timedelta(days=DAYS)
    for user in range(USERS):
        for day in range(DAYS):
            if rng.random() > ACTIVE:
                continue
            method, unit, amount = rng.choice(_METHODS)
            at = stamp(min(first + timedelta(days=day, hours=rng.uniform(0, 24)), until - timedelta(hours=2)))
            yield {
                "id": f"session-{user:03}-{day:03}",
                "userId": f"user-{user:03}",
                "strainId": f"strain-{rng.randrange(16):03}",
                "method": method,
                "amount": round(amount * rng.uniform(0.5, 1.5), 2),
                "unit": unit,
                "rating": rng.choices((1, 2, 3, 4, 5, None), (1, 2, 5, 8, 5, 4))[0],
                "durationSeconds": round(rng.uniform(300, 7_200), 1),
                "timestamp": at,
                "createdAt": at,
                "updatedAt": at,
            }


def _flushes(session: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """A session's points, ten an object. One session in six lacks two objects, and a few have a broken line."""
    rng = random.Random(session["id"])  # noqa: S311
    start = datetime.fromisoformat(session["timestamp"])
    lost = {2, 3} if rng.random() < 1 / 6 else set()
    for flush in range(rng.randint(2, 6)):
        lines = [
            {
                "userId": session["userId"],
                "sessionId": session["id"],
                "seq": flush * FLUSH + n + 1,
                "at": stamp(start + timedelta(seconds=30 * (flush * FLUSH + n))),
                "values": {"temperature": round(rng.uniform(160, 210), 1), "draws": rng.randint(0, 2)},
            }
            for n in range(FLUSH)
        ]
        if flush not in lost:
            content = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
            broken = b'{"userId":"' if rng.random() < 0.02 else b""
            prefix = landing.zone(SESH).hour_prefix(start + timedelta(minutes=5 * (flush + 1)))
            yield f"{prefix}{session['id']}-{flush:04}.ndjson.gz", gzip.compress(content + broken, mtime=0)
