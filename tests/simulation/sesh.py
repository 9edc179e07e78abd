"""The simulated users of Sesh: what they record, as the application writes it to D1 and R2. Random from a seed.

Sessions are written, changed and deleted. Points are flushed in tens, with gaps and doubles, some of them days late.
Profiles change. Everything that is written is also recorded as accepted.
"""

import json
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import SESSIONS
from assets.points import landing
from assets.windows import midnight
from resources.d1 import D1
from resources.d1.times import stamp
from resources.r2 import ObjectStore
from tests.assets.series.database import holder
from tests.simulation.accepted import Accepted, Point, Session
from tests.sql.sesh.database import put

USERS = ("u1", "u2", "u3")
# Within so many days a session is changed or deleted.
CHANGED_WITHIN = 40


@dataclass
class Sesh:
    """Writes to its stores. sessions_a_day: on average."""

    seed: int
    sessions_a_day: float
    d1: D1
    store: ObjectStore
    accepted: Accepted
    _later: list[tuple[date, str, Session]] = field(default_factory=list)
    _flushes: list[tuple[datetime, str, bytes, tuple[Point, ...]]] = field(default_factory=list)

    def begin(self) -> None:
        """Write the users."""
        for user in USERS:
            put(self.d1, "users", id=user, email=f"{user}@sesh.example")

    def act(self, day: date) -> None:
        """Write everything of one day."""
        chance = random.Random(f"{self.seed} sesh {day}")
        whole = int(self.sessions_a_day)
        for number in range(whole + (chance.random() < self.sessions_a_day - whole)):
            self._record(chance, day, number)
        due = [entry for entry in self._later if entry[0] <= day]
        self._later = [entry for entry in self._later if entry[0] > day]
        for _, action, session in due:
            self._do(action, session)
        if chance.random() < 0.15:
            self._change_profile(chance, day)
        self._flush(midnight(day) + timedelta(days=1))

    def _record(self, chance: random.Random, day: date, number: int) -> None:
        session = Session(
            id=f"{day:%y%m%d}-{number}",
            user=chance.choice(USERS),
            at=stamp(midnight(day) + timedelta(milliseconds=chance.randrange(86_400_000))),
            amount=chance.choice([None, 0.5, 0.1, 3.25]),
            unit=chance.choice(["g", "mg", None]),
            rating=chance.choice([None, 1, 4, 5]),
            seconds=chance.choice([None, 60, 1_800]),
            notes=chance.choice([None, "gut – ü\n", '"quoted"']),
        )
        fate = chance.random()
        if fate < 0.05:
            self._later.append((day + timedelta(days=chance.choice([1, 9, 35, 120, 200])), "write", session))
            return
        self._do("write", session)
        if fate < 0.15:
            self._later.append((day + timedelta(days=chance.randrange(1, CHANGED_WITHIN)), "change", session))
        elif fate < 0.19:
            self._later.append((day + timedelta(days=chance.randrange(1, CHANGED_WITHIN)), "delete", session))
        if chance.random() < 0.4:
            self._points(chance, session)

    def _do(self, action: str, session: Session) -> None:
        table = holder(self.d1, SESSIONS, session.moment)
        if action == "write":
            row = session.row()
            marks = ", ".join("?" * len(row))
            self.d1.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))
            self.accepted.sessions[session.id] = session
        elif action == "change":
            changed = session.rated(2)
            self.d1.execute(f"update {table} set rating = 2, notes = 'later' where id = ?", [session.id])
            self.accepted.sessions[session.id] = changed
        else:
            self.d1.execute(f"delete from {table} where id = ?", [session.id])
            del self.accepted.sessions[session.id]

    def _points(self, chance: random.Random, session: Session) -> None:
        """Queue the points of a session, ten in an object. Some points are lost, some objects come twice or late."""
        number = chance.choice([4, 10, 13, 24])
        lost = set(chance.sample(range(1, number + 1), chance.choice([0, 0, 1, 3])))
        points = [
            Point(
                session.id,
                seq,
                session.user,
                stamp(session.moment + seq * timedelta(seconds=20)),
                {"temperature": 180 + seq / 4, **({"draws": 1} if seq % 5 == 0 else {})},
            )
            for seq in range(1, number + 1)
            if seq not in lost
        ]
        for first in range(0, len(points), 10):
            # A flush sometimes repeats the last point of the one before.
            ten = tuple(points[first - (first > 0 and chance.random() < 0.1) : first + 10])
            sent = session.moment + timedelta(minutes=10, days=chance.choice([0, 0, 0, 0, 1, 20, 100]))
            lines = [point.line() for point in ten]
            if chance.random() < 0.05:
                lines += [b"{torn", Point("x", 1, "nobody", ten[0].at, {"draws": 1}).line()]
            name = f"{session.id}-{first}"
            self._flushes.append((sent, name, b"\n".join(lines) + b"\n", ten))
            if chance.random() < 0.06:
                self._flushes.append((sent + timedelta(days=2), f"{name}-again", b"\n".join(lines) + b"\n", ten))

    def _flush(self, until: datetime) -> None:
        due = [flush for flush in self._flushes if flush[0] < until]
        self._flushes = [flush for flush in self._flushes if flush[0] >= until]
        for sent, name, data, points in due:
            self.store.put(f"{landing.zone(SESH).hour_prefix(sent)}{name}.ndjson", data)
            for point in points:
                self.accepted.points.setdefault((point.session, point.seq), point)

    def _change_profile(self, chance: random.Random, day: date) -> None:
        user = chance.choice(USERS)
        match chance.randrange(3):
            case 0:
                self.d1.execute("update users set displayName = ? where id = ?", [f"name of {day}", user])
            case 1:
                put(self.d1, "inventory", id=f"item-{day}", userId=user)
            case _:
                preferences: dict[str, Any] = {"theme": str(day)}
                put(self.d1, "user_preferences", "insert or replace", userId=user, preferences=json.dumps(preferences))
