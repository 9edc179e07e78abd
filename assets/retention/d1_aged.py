"""Rows of a table in D1 that are old enough and need no archive: counted, then deleted a range of keys at a time.

The condition stands in the DELETE itself, so that a row which was renewed after it was counted stays. A time that
cannot be read is of no age: its row stays and is told of.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from assets.apps.lifecycle import Lifecycle
from assets.retention.outcome import Outcome
from resources.d1 import D1, Statement
from resources.d1.names import quoted
from resources.d1.pace import Pace
from resources.d1.ranges import between, ranges

# What a row that has an expiry of its own calls it.
EXPIRY = "expires_at"
# Rows that one step counts: it holds others up no longer than a step that deletes does.
COUNTED = 20_000
NOT_EXPIRED = "they have not expired yet"
UNREADABLE = "their time cannot be read"


@dataclass
class AgedRows:
    """The rows of an entry before a UTC midnight; at `now` expired, where the entry says so."""

    d1: D1
    entry: Lifecycle
    before: datetime
    now: datetime
    pace: Pace
    page: int

    def __post_init__(self) -> None:
        assert self.entry.time is not None  # what is deleted by age has a time
        self._time = _seconds(self.entry.time)
        self._old = f"{self._time} < '{_text(self.before)}'"
        needs_expiry = "expired" in self.entry.requires
        # Whole seconds are compared: one that ends within the second of now has not ended.
        self._over = f"coalesce({_seconds(EXPIRY)} < '{_text(self.now)}', false)" if needs_expiry else "true"

    def count(self, outcome: Outcome) -> None:
        """Count what there is, what would go, and what stays for another reason than its age."""
        sums = (
            f"select count(*) as total, count(case when {self._old} and {self._over} then 1 end) as going, "
            f"count(case when {self._old} and not {self._over} then 1 end) as unexpired, "
            f"count(case when {self._time} is null then 1 end) as unreadable from"
        )
        unexpired = unreadable = 0
        for (row,) in self._steps(sums, "true", COUNTED):
            outcome.total += row["total"]
            outcome.going += row["going"]
            unexpired += row["unexpired"]
            unreadable += row["unreadable"]
        for rows, why in ((unexpired, NOT_EXPIRED), (unreadable, UNREADABLE)):
            if rows:
                outcome.hold(self.entry.name, rows, why)

    def delete(self, outcome: Outcome) -> None:
        """Delete what may go; each step adds to the outcome what went."""
        for gone in self._steps("delete from", f"{self._old} and {self._over}", self.page, "returning 1 as gone"):
            outcome.deleted += len(gone)

    def _steps(self, verb: str, condition: str, rows: int, end: str = "") -> Any:
        table, key = self.entry.name, key_of(self.d1, self.entry.name)
        for lower, upper in ranges(self.d1.query, table, key, rows):
            held, params = between(key, lower, upper)
            step = Statement(f"{verb} {quoted(table)} where {held} and {condition} {end}", params)
            yield self.pace.step(lambda step=step: self.d1.batch([step], idempotent=True))[0].rows  # type: ignore[misc]


def key_of(d1: D1, table: str) -> list[str]:
    """What a table's rows lie in order of: its primary key, or their rowid. Old rows are neighbours by it, as far as
    they can be.
    """
    columns = d1.query(f"pragma table_info({quoted(table)})")
    key = [row["name"] for row in sorted(columns, key=lambda row: int(row["pk"])) if row["pk"]]
    (told,) = d1.query(f"pragma table_list({quoted(table)})")
    by_integer = len(key) == 1 and any(row["name"] in key and row["type"].upper() == "INTEGER" for row in columns)
    return key if told["wr"] or by_integer else ["rowid"]


def _seconds(column: str) -> str:
    """A time as SQLite's own text of it, NULL where it is none (`now` and `12:00` are times to SQLite)."""
    name = quoted(column)
    return f"case when {name} glob '????-??-??*' then datetime({name}) end"


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
