"""What must be true of the house at any moment, and what once everything that waits was made.

Every row ever accepted is live, or in a sealed archive, or its policy deleted it; every aggregate is the one that all
rows ever accepted make.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from assets.apps import APPS
from assets.apps.sesh_series import SERIES
from assets.archive.quarters import Quarter, due
from assets.archive.registry import Registry
from assets.archive.verify import verify
from assets.events.record import NAMES
from assets.series import audit
from assets.windows import midnight
from tests.assets.attribution import recount as attributed
from tests.assets.metrics.recount import stored
from tests.assets.rollups import recount as rolled_up
from tests.assets.sessions import recount as sessions
from tests.simulation import recounts
from tests.simulation.archived import Archived, Line
from tests.simulation.house import House
from tests.simulation.model import EventKey, Model, key_of
from tests.simulation.web import CAMPAIGNS, RULES

SESSION_DAYS = 400
# Touches stay for as long as a conversion may still be credited to them, and a few days.
TOUCH_DAYS = 400 + 30 + 7
EVENTS, SESSIONS, POINTS = ("clearlift", "events"), ("sesh", "sessions"), ("sesh", "points")
CHANGES = ("sesh", "change_log")


@dataclass
class Truth:
    """The house beside the model."""

    house: House
    model: Model

    def __post_init__(self) -> None:
        self.archived = Archived(self.house.store, self.house.postgres)

    def always(self) -> None:
        """Nothing lost, nothing twice: true after every night, whatever struck."""
        self.archived.refresh()
        self._note_changes()
        self._events_by_partition()
        archived = self.archived.rows
        live = {row["id"] for row in self._sesh("select id from sessions")}
        self._each_once(live, {r["id"] for r in archived.get(SESSIONS, ())}, set(self.model.sessions), "sessions")
        points = [(r["sessionId"], r["seq"]) for r in self._sesh("select sessionId, seq from points")]
        assert len(points) == len(set(points)), "points twice"
        gone = {(r["sessionId"], r["seq"]) for r in archived.get(POINTS, ())}
        self._each_once(set(points), gone, set(self.model.points), "points")
        changes = {row["id"] for row in self._sesh("select id from change_log")}
        self._each_once(changes, {r["id"] for r in archived.get(CHANGES, ())}, set(self.model.changes), "changes")

    def settled(self) -> None:
        """All rows with all their values, the archive's bytes, and every aggregate: true once nothing waits."""
        self.always()
        self._values()
        self._archive_verifies()
        self._roll_ups()
        self._metrics()

    def nothing_stays(self, archived_at: date, restored: set[str]) -> None:
        """What is old enough has gone, once retention has run.

        archived_at: when the last archive was made. restored: the quarters that were brought back since.
        """
        for outcome in self.house.waiting():
            assert not outcome.going, f"{outcome.going} rows of {outcome.deletion.entry.name} wait"
            waits = outcome.deletion.entry.archive is not None or outcome.deletion.entry.name == "attribution.touches"
            assert waits, f"{outcome.deletion.entry.name}: {outcome.held_back}"
        old = {str(quarter) for quarter in quarters_due(archived_at, 90)}
        live = {str(Quarter.of(info.key.day)) for info in self.house.events.files()}
        late = {str(Quarter.of(day)) for _, day, _ in self._since(archived_at)}
        assert not (live & old) - restored - late, f"events of {(live & old) - restored - late} are still there"
        (oldest,) = self._sesh("select min(changed_at) as at from change_log")
        assert Quarter.of(date.fromisoformat(oldest["at"][:10])) not in quarters_due(archived_at, 90)
        today = self.house.now.date()
        (touched,) = self.house.postgres.fetch("select min(day) as day from attribution.touches")
        assert touched["day"] > today - timedelta(days=TOUCH_DAYS)
        for family, time in (("sessions", "timestamp"), ("points", "at")):
            (oldest,) = self._sesh(f"select min({time}) as at from {family}")
            kept = today.year - 1 if today >= date(today.year, 1, 3) else today.year - 2
            assert int(oldest["at"][:4]) >= kept, f"{family} of {oldest['at'][:4]} are still there"
        signed_in = {row["token"] for row in self.house.d1.query("select token from sessions")}
        young = midnight(today) - timedelta(days=30)
        assert signed_in == {name for name, at in self.model.signed_in.items() if at >= young}

    def _since(self, day: date) -> list[EventKey]:
        """Events that landed since a day."""
        return [key for key, landed in self.model.landed.items() if landed >= day]

    def _sesh(self, sql: str) -> list[dict[str, Any]]:
        return self.house.sesh.query(sql)

    def _each_once(self, live: set[Any], archived: set[Any], accepted: set[Any], what: str) -> None:
        lost = accepted - live - archived
        assert not lost, f"{len(lost)} {what} are lost, e.g. {sorted(lost)[:3]}"
        invented = (live | archived) - accepted
        assert not invented, f"{len(invented)} {what} were never accepted, e.g. {sorted(invented)[:3]}"

    def _note_changes(self) -> None:
        """The change log is accepted as its triggers write it."""
        known = max(self.model.changes, default=0)
        rows = self.house.sesh.query("select * from change_log where id > ? order by id", [known])
        for row in rows:
            self.model.changes[row["id"]] = tuple(row[n] for n in ("table_name", "row_id", "operation"))

    def _events_by_partition(self) -> None:
        live: Counter[tuple[str, date]] = Counter()
        for info in self.house.events.files():
            live[info.key.tenant, info.key.day] += info.rows
        accepted = Counter((org, day) for org, day, _ in self.model.events)
        archived: dict[tuple[str, date], set[str]] = {}
        for line in self.archived.rows.get(EVENTS, ()):
            at = datetime.fromisoformat(line["timestamp"])
            archived.setdefault((line["org_tag"], at.date()), set()).add(line["event_id"])
        assert set(live) <= set(accepted), "events of a day that has none"
        for place, number in accepted.items():
            if live[place] == number:
                continue
            sealed = archived.get(place, set())
            ids = self._live_ids(*place) if live[place] else []
            assert len(ids) == len(set(ids)), f"events of {place} are there twice"
            wanted = {i for org, day, i in self.model.events if (org, day) == place}
            self._each_once(set(ids), sealed, wanted, f"events of {place}")

    def _live_ids(self, org: str, day: date) -> list[str]:
        paths = [info.path for info in self.house.events.files() if (info.key.tenant, info.key.day) == (org, day)]
        return list(self.house.events.read(paths).select("event_id").collect()["event_id"])

    def _values(self) -> None:
        """What is live or archived has the values that were accepted."""
        live = self.house.events.scan().select(NAMES).collect()
        found: list[EventKey] = []
        for row in live.iter_rows(named=True):
            found.append(key_of(row))
            assert row == self.model.events[found[-1]], f"an event has changed: {found[-1]}"
        assert len(found) == len(set(found)), "events are there twice"
        for line in self.archived.rows.get(EVENTS, ()):
            row = {**line, "timestamp": datetime.fromisoformat(line["timestamp"])}
            assert row == self.model.events[key_of(row)], f"an archived event has changed: {key_of(row)}"
        self._session_values(self._sesh("select * from sessions"))
        last = {line["id"]: line for line in self.archived.rows.get(SESSIONS, ())}
        self._session_values(list(last.values()))
        for rows in (self._sesh("select * from points"), self.archived.rows.get(POINTS, ())):
            for row in rows:
                point = self.model.points[row["sessionId"], row["seq"]]
                told = (row["userId"], row["at"], json.loads(row["measures"]))
                assert told == (point.user, point.at, point.values), f"a point has changed: {row['sessionId']}"

    def _session_values(self, rows: list[Line]) -> None:
        for row in rows:
            wanted = self.model.sessions[row["id"]].row()
            assert {name: row[name] for name in wanted} == wanted, f"a session has changed: {row['id']}"

    def _archive_verifies(self) -> None:
        for app in APPS:
            for entry in app.lifecycles:
                if entry.archive is None:
                    continue
                registry = Registry(self.house.postgres, app.name, entry.table)
                assert registry.unsettled() == []
                for quarter in {revision.quarter for revision in registry.sealed()}:
                    found = verify(self.house.store, self.house.postgres, app.name, entry.table, quarter)
                    assert found.faults == []

    def _roll_ups(self) -> None:
        events, lake = list(self.model.events.values()), self.house.stand.lakeside
        _same(lake.rows(), rolled_up.recount(events))
        _same(lake.period_rows(), recounts.periods(events))
        since = self.house.now.date() - timedelta(days=SESSION_DAYS)
        rows = [row for row in lake.table("sessions.daily") if row[1] >= since]
        _same({"sessions": rows}, {"sessions": [row for row in sessions.recount(events) if row[1] >= since]})
        _same({"credits": self.house.stand.credits()}, {"credits": attributed.recount(events, CAMPAIGNS, {}, RULES)})

    def _metrics(self) -> None:
        tables = {"hourly": "metrics", **{grain: f"metrics_{grain}" for grain in ("daily", "weekly", "monthly")}}
        for grain, wanted in recounts.metrics(self.model).items():
            found = stored(self.house.sesh, tables[grain])
            wrong = [key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)]
            assert not wrong, f"{len(wrong)} {grain} metrics differ, e.g. {sorted(wrong)[:3]}"
        assert [fault for family in SERIES for fault in audit.faults(self.house.sesh, family)] == []


def quarters_due(day: date, after_days: int) -> list[Quarter]:
    """The quarters that an archive made on this day holds."""
    return due(day, after_days, 40)


def _same(found: dict[str, list[tuple[Any, ...]]], wanted: dict[str, list[tuple[Any, ...]]]) -> None:
    for name, rows in wanted.items():
        if found[name] != rows:
            missing = [row for row in rows if row not in set(found[name])]
            wrong = [row for row in found[name] if row not in set(rows)]
            shown = "\n".join(str(row) for row in (*missing[:4], "is there:", *wrong[:4]))
            raise AssertionError(f"{name}: {len(missing)} rows are missing, {len(wrong)} are wrong\n{shown}")
