"""What must always be true of the stores, and what must be true after everything that waits was made.

Always: every accepted row is live, or is in a sealed archive, or its policy deleted it. After that: every aggregate
equals the one of all accepted rows.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from assets.apps import APPS
from assets.apps.sesh_series import SERIES
from assets.archive.quarters import Quarter, due
from assets.archive.registry import ArchiveRegistry
from assets.archive.verify import verify
from assets.events.record import NAMES
from assets.series import audit
from assets.windows import midnight
from tests.assets.attribution import recount as attributed
from tests.assets.metrics.recount import stored
from tests.assets.rollups import recount as rolled_up
from tests.assets.sessions import recount as sessions
from tests.simulation import recounts
from tests.simulation.accepted import Accepted, EventKey, key_of
from tests.simulation.archived import Archived, Line
from tests.simulation.pipelines import Pipelines
from tests.simulation.web_events import CAMPAIGNS, RULES

SESSION_DAYS = 400
# Touches stay as long as a conversion may be credited to them, and a few days more.
TOUCH_DAYS = 400 + 30 + 7
EVENTS, SESSIONS, POINTS = ("clearlift", "events"), ("sesh", "sessions"), ("sesh", "points")
CHANGES = ("sesh", "change_log")


@dataclass
class Invariants:
    """Compares the stores with what was accepted."""

    pipelines: Pipelines
    accepted: Accepted

    def __post_init__(self) -> None:
        self.archived = Archived(self.pipelines.store, self.pipelines.postgres)

    def always(self) -> None:
        """No row is lost and none is there twice. True after every night, with any faults."""
        self.archived.refresh()
        self._note_changes()
        self._events_by_partition()
        archived = self.archived.rows
        live = {row["id"] for row in self._sesh("select id from sessions")}
        self._each_once(live, {r["id"] for r in archived.get(SESSIONS, ())}, set(self.accepted.sessions), "sessions")
        points = [(r["sessionId"], r["seq"]) for r in self._sesh("select sessionId, seq from points")]
        assert len(points) == len(set(points)), "points twice"
        gone = {(r["sessionId"], r["seq"]) for r in archived.get(POINTS, ())}
        self._each_once(set(points), gone, set(self.accepted.points), "points")
        changes = {row["id"] for row in self._sesh("select id from change_log")}
        self._each_once(changes, {r["id"] for r in archived.get(CHANGES, ())}, set(self.accepted.changes), "changes")

    def settled(self) -> None:
        """The values of all rows, the bytes of the archive, and every aggregate. True when nothing waits."""
        self.always()
        self._values()
        self._archive_verifies()
        self._roll_ups()
        self._metrics()

    def nothing_stays(self, archived_at: date, restored: set[str]) -> None:
        """Rows that are old enough are gone, after retention has run.

        archived_at: the day of the last archive. restored: the quarters that were restored since then.
        """
        for outcome in self.pipelines.waiting():
            assert not outcome.going, f"{outcome.going} rows of {outcome.deletion.entry.name} wait"
            waits = outcome.deletion.entry.archive is not None or outcome.deletion.entry.name == "attribution.touches"
            assert waits, f"{outcome.deletion.entry.name}: {outcome.held_back}"
        old = {str(quarter) for quarter in quarters_due(archived_at, 90)}
        live = {str(Quarter.of(info.key.day)) for info in self.pipelines.events.files()}
        late = {str(Quarter.of(day)) for _, day, _ in self._since(archived_at)}
        assert not (live & old) - restored - late, f"events of {(live & old) - restored - late} are still there"
        (oldest,) = self._sesh("select min(changed_at) as at from change_log")
        assert Quarter.of(date.fromisoformat(oldest["at"][:10])) not in quarters_due(archived_at, 90)
        today = self.pipelines.now.date()
        (touched,) = self.pipelines.postgres.fetch("select min(day) as day from attribution.touches")
        assert touched["day"] > today - timedelta(days=TOUCH_DAYS)
        for series, time in (("sessions", "timestamp"), ("points", "at")):
            (oldest,) = self._sesh(f"select min({time}) as at from {series}")
            kept = today.year - 1 if today >= date(today.year, 1, 3) else today.year - 2
            assert int(oldest["at"][:4]) >= kept, f"{series} of {oldest['at'][:4]} are still there"
        signed_in = {row["token"] for row in self.pipelines.d1.query("select token from sessions")}
        young = midnight(today) - timedelta(days=30)
        assert signed_in == {name for name, at in self.accepted.signed_in.items() if at >= young}

    def _since(self, day: date) -> list[EventKey]:
        """The events that landed on a day or later."""
        return [key for key, landed in self.accepted.landed.items() if landed >= day]

    def _sesh(self, sql: str) -> list[dict[str, Any]]:
        return self.pipelines.sesh.query(sql)

    def _each_once(self, live: set[Any], archived: set[Any], accepted: set[Any], what: str) -> None:
        lost = accepted - live - archived
        assert not lost, f"{len(lost)} {what} are lost, e.g. {sorted(lost)[:3]}"
        invented = (live | archived) - accepted
        assert not invented, f"{len(invented)} {what} were never accepted, e.g. {sorted(invented)[:3]}"

    def _note_changes(self) -> None:
        """Record new rows of the change log as accepted, because triggers write them."""
        known = max(self.accepted.changes, default=0)
        rows = self.pipelines.sesh.query("select * from change_log where id > ? order by id", [known])
        for row in rows:
            self.accepted.changes[row["id"]] = tuple(row[n] for n in ("table_name", "row_id", "operation"))

    def _events_by_partition(self) -> None:
        live: Counter[tuple[str, date]] = Counter()
        for info in self.pipelines.events.files():
            live[info.key.tenant, info.key.day] += info.rows
        accepted = Counter((org, day) for org, day, _ in self.accepted.events)
        archived: dict[tuple[str, date], set[str]] = {}
        for line in self.archived.rows.get(EVENTS, ()):
            at = datetime.fromisoformat(line["timestamp"])
            archived.setdefault((line["org_tag"], at.date()), set()).add(line["event_id"])
        assert set(live) <= set(accepted), "there are events of a day that has none"
        for place, number in accepted.items():
            if live[place] == number:
                continue
            sealed = archived.get(place, set())
            ids = self._live_ids(*place) if live[place] else []
            assert len(ids) == len(set(ids)), f"events of {place} are there twice"
            wanted = {i for org, day, i in self.accepted.events if (org, day) == place}
            self._each_once(set(ids), sealed, wanted, f"events of {place}")

    def _live_ids(self, org: str, day: date) -> list[str]:
        files = [info for info in self.pipelines.events.files() if (info.key.tenant, info.key.day) == (org, day)]
        return list(self.pipelines.events.read(files).select("event_id").collect()["event_id"])

    def _values(self) -> None:
        """Live and archived rows have the values that were accepted."""
        live = self.pipelines.events.scan().select(NAMES).collect()
        keys: list[EventKey] = []
        for row in live.iter_rows(named=True):
            keys.append(key_of(row))
            assert row == self.accepted.events[keys[-1]], f"an event has changed: {keys[-1]}"
        assert len(keys) == len(set(keys)), "events are there twice"
        for line in self.archived.rows.get(EVENTS, ()):
            row = {**line, "timestamp": datetime.fromisoformat(line["timestamp"])}
            assert row == self.accepted.events[key_of(row)], f"an archived event has changed: {key_of(row)}"
        self._session_values(self._sesh("select * from sessions"))
        last = {line["id"]: line for line in self.archived.rows.get(SESSIONS, ())}
        self._session_values(list(last.values()))
        for rows in (self._sesh("select * from points"), self.archived.rows.get(POINTS, ())):
            for row in rows:
                point = self.accepted.points[row["sessionId"], row["seq"]]
                values = (row["userId"], row["at"], json.loads(row["measures"]))
                assert values == (point.user, point.at, point.values), f"a point has changed: {row['sessionId']}"

    def _session_values(self, rows: list[Line]) -> None:
        for row in rows:
            wanted = self.accepted.sessions[row["id"]].row()
            assert {name: row[name] for name in wanted} == wanted, f"a session has changed: {row['id']}"

    def _archive_verifies(self) -> None:
        for app in APPS:
            for entry in app.lifecycles:
                if entry.archive is None:
                    continue
                registry = ArchiveRegistry(self.pipelines.postgres, app.name, entry.table)
                assert registry.unsettled() == []
                for quarter in {revision.quarter for revision in registry.sealed()}:
                    report = verify(self.pipelines.store, self.pipelines.postgres, app.name, entry.table, quarter)
                    assert report.faults == []

    def _roll_ups(self) -> None:
        events, lake = list(self.accepted.events.values()), self.pipelines.attribution_stores.event_lake
        _same(lake.rows(), rolled_up.recount(events))
        _same(lake.period_rows(), recounts.periods(events))
        since = self.pipelines.now.date() - timedelta(days=SESSION_DAYS)
        rows = [row for row in lake.table("sessions.daily") if row[1] >= since]
        _same({"sessions": rows}, {"sessions": [row for row in sessions.recount(events) if row[1] >= since]})
        _same(
            {"credits": self.pipelines.attribution_stores.credits()},
            {"credits": attributed.recount(events, CAMPAIGNS, {}, RULES)},
        )

    def _metrics(self) -> None:
        tables = {"hourly": "metrics", **{grain: f"metrics_{grain}" for grain in ("daily", "weekly", "monthly")}}
        for grain, wanted in recounts.metrics(self.accepted).items():
            rows = stored(self.pipelines.sesh, tables[grain])
            wrong = [key for key in rows.keys() | wanted.keys() if rows.get(key) != wanted.get(key)]
            assert not wrong, f"{len(wrong)} {grain} metrics differ, e.g. {sorted(wrong)[:3]}"
        assert [fault for series in SERIES for fault in audit.faults(self.pipelines.sesh, series)] == []


def quarters_due(day: date, after_days: int) -> list[Quarter]:
    """The quarters that an archive of this day contains."""
    return due(day, after_days, 40)


def _same(actual: dict[str, list[tuple[Any, ...]]], wanted: dict[str, list[tuple[Any, ...]]]) -> None:
    for name, rows in wanted.items():
        if actual[name] != rows:
            missing = [row for row in rows if row not in set(actual[name])]
            wrong = [row for row in actual[name] if row not in set(rows)]
            shown = "\n".join(str(row) for row in (*missing[:4], "is there:", *wrong[:4]))
            raise AssertionError(f"{name}: {len(missing)} rows are missing, {len(wrong)} are wrong\n{shown}")
