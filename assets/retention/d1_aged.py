"""Old rows of a table in D1 that need no archive: counted, then deleted a range of keys at a time.

The condition stands in the DELETE itself, so that a row which was renewed after it was counted stays. A row whose time
cannot be read stays too, and is reported. What belongs here: tables that are not archived. What does not: archived ones
(d1_sealed.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from assets.apps import App
from assets.retention.deletion import Deletion, DeletionOutcome, Portion
from assets.retention.log import DeletionLog, DeletionRecord
from assets.retention.run import OldRows
from assets.rooms import Rooms
from resources.d1 import D1, Statement
from resources.d1.database import Row
from resources.d1.names import quoted
from resources.d1.pace import Pace
from resources.d1.ranges import between, ranges

# Rows that one transaction deletes at most.
PAGE = 1_000
# Rows that one step counts: it takes no longer than a step that deletes.
COUNTED = 20_000
NOT_EXPIRED = "they have not expired yet"
UNREADABLE = "their time cannot be read"


@dataclass
class D1Aged(OldRows):
    """The rows of an entry by their time; at `now` expired, where the entry has a column of expiry."""

    d1: D1
    deletion: Deletion
    log: DeletionLog
    now: datetime
    pace: Pace
    page: int = PAGE

    @classmethod
    def of(cls, rooms: Rooms, app: App, deletion: Deletion, log: DeletionLog) -> "D1Aged":
        """The old rows of a table, over the stores of the rooms."""
        return cls(rooms.d1(app), deletion, log, rooms.clock(), Pace())

    def __post_init__(self) -> None:
        entry = self.deletion.entry
        assert entry.time is not None  # what is deleted by age has a time
        self._time = _seconds(entry.time)
        self._old = f"{self._time} < '{_text(self.deletion.before)}'"
        # Whole seconds are compared: a row that ends within this second has not ended.
        self._over = f"coalesce({_seconds(entry.expires)} < '{_text(self.now)}', false)" if entry.expires else "true"

    def went(self, record: DeletionRecord) -> tuple[int, int]:
        return max(0, record.rows - self._sums()["going"]), 0

    def count(self, outcome: DeletionOutcome) -> list[Portion]:
        name, sums = self.deletion.entry.name, self._sums()
        outcome.total = sums["total"]
        for rows, why in ((sums["unexpired"], NOT_EXPIRED), (sums["unreadable"], UNREADABLE)):
            if rows:
                outcome.hold(name, rows, why)
        return [Portion(name, sums["going"])] if sums["going"] else []

    def delete(self, portion: Portion, outcome: DeletionOutcome) -> None:
        with self.log.recorded(outcome, portion, self.deletion.why):
            for rows in self._steps("delete from", f"{self._old} and {self._over}", self.page, "returning 1 as gone"):
                outcome.gone(len(rows))

    def _sums(self) -> dict[str, int]:
        counts = (
            f"select count(*) as total, count(case when {self._old} and {self._over} then 1 end) as going, "
            f"count(case when {self._old} and not {self._over} then 1 end) as unexpired, "
            f"count(case when {self._time} is null then 1 end) as unreadable from"
        )
        sums = dict.fromkeys(("total", "going", "unexpired", "unreadable"), 0)
        for (row,) in self._steps(counts, "true", COUNTED):
            sums = {name: value + row[name] for name, value in sums.items()}
        return sums

    def _steps(self, verb: str, condition: str, rows: int, end: str = "") -> Iterator[list[Row]]:
        table = self.deletion.entry.name
        key = key_of(self.d1, table)
        for lower, upper in ranges(self.d1.query, table, key, rows):
            within, params = between(key, lower, upper)
            step = Statement(f"{verb} {quoted(table)} where {within} and {condition} {end}", params)
            yield self.pace.step(lambda step=step: self.d1.batch([step], idempotent=True))[0].rows  # type: ignore[misc]


def key_of(d1: D1, table: str) -> list[str]:
    """The columns in whose order the rows of a table lie: its primary key, or `rowid`.

    Old rows are neighbours by it, as far as they can be.
    """
    columns = d1.query(f"pragma table_info({quoted(table)})")
    key = [row["name"] for row in sorted(columns, key=lambda row: int(row["pk"])) if row["pk"]]
    (listed,) = d1.query(f"pragma table_list({quoted(table)})")
    by_integer = len(key) == 1 and any(row["name"] in key and row["type"].upper() == "INTEGER" for row in columns)
    return key if listed["wr"] or by_integer else ["rowid"]


def _seconds(column: str) -> str:
    """A time as SQLite's own text of it, NULL where it is none (SQLite also takes `now` and `12:00` for times)."""
    name = quoted(column)
    return f"case when {name} glob '????-??-??*' then datetime({name}) end"


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
